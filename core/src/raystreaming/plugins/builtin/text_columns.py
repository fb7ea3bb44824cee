"""Lines of a text file as a column of Arrow."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

from raystreaming.connector.source import Fetched, Position, Reader, ReaderContext, Split
from raystreaming.plugins.builtin.text_faults import cut_short, readable, unreadable
from raystreaming.records import Batch, bare, kernels, lines_of, without_returns

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_BYTES = 4 << 20
_LEAST_BYTES = 4096


class ColumnReader(Reader[str]):
    """Reads the lines of one file, many at a time; positions are those of the reader of rows: bytes."""

    def __init__(self, ctx: ReaderContext) -> None:
        self._ctx = ctx
        self._operator = ctx.operator
        self._splits: deque[tuple[Split, Position]] = deque()
        self._file: BinaryIO | None = None
        self._mean = 64.0  # bytes a line, of late

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        self._splits.extend(splits)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        if not self._splits:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return None
        split, position = self._splits[0]
        start, stop = position or 0, int(split.payload["stop"])
        try:
            block = self._block(split.id, start, stop, int(self._mean * limit))
        except OSError as error:
            raise unreadable(split.id, error) from error
        if not block and start < stop:
            raise cut_short(self._operator, split.id, stop)
        try:
            lines = lines_of(block)
        except UnicodeDecodeError:
            lines, size = self._readable(block, split.id, start, limit)
        else:
            size = len(block)
            if len(lines) > limit:
                lines = lines.slice(0, limit)
                size = _bytes(lines) + limit
        if len(lines):
            self._mean = max(1.0, size / len(lines))
        end = start + size >= stop
        if end:
            self._splits.popleft()
            self.close()
        else:
            self._splits[0] = (split, start + size)
        values = bare(without_returns(lines) if b"\r" in block else lines)
        return Fetched(split.id, Batch(values) if len(values) else None, start + size, end)

    def _block(self, path: str, start: int, stop: int, wanted: int) -> bytes:
        """Return whole lines from `start` on, of about so many bytes; the last line need not have an end."""
        if start >= stop:
            return b""
        if self._file is None:
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - kept open between calls
        self._file.seek(start)
        parts: list[bytes] = []
        size = 0
        wanted = min(max(wanted, _LEAST_BYTES), _MAX_BYTES)
        while start + size < stop:
            more = self._file.read(min(wanted, stop - start - size))
            if not more:
                raise cut_short(self._operator, path, stop)
            size += len(more)
            if start + size >= stop:
                parts.append(more)
                break
            head, newline, _ = more.rpartition(b"\n")
            if newline:
                parts += [head, newline]
                break
            parts.append(more)  # a line longer than a block
        return b"".join(parts)

    def _readable(self, block: bytes, path: str, start: int, limit: int) -> tuple[pa.Array, int]:
        """Return the lines that are text among the first `limit`, and the bytes that these have."""
        import pyarrow as pa

        *whole, rest = block.split(b"\n")
        taken = ([line + b"\n" for line in whole] + [rest] * bool(rest))[:limit]
        texts = readable(self._ctx, taken, path, start)
        return pa.array(texts, pa.string()), sum(map(len, taken))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _bytes(lines: pa.Array) -> int:
    """Return how many bytes the lines have, without their ends."""
    pc = kernels()

    return int(pc.sum(pc.binary_length(lines)).as_py() or 0)
