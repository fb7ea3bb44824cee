"""Lines of a text file as a column of Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from raystreaming.connector.source import ReaderContext
from raystreaming.plugins.builtin.text_faults import cut_short, readable
from raystreaming.plugins.builtin.text_reader import MAX_BYTES, TextReader
from raystreaming.records import bare, kernels, lines_of, without_returns

if TYPE_CHECKING:
    import pyarrow as pa

_LEAST_BYTES = 4096


class ColumnReader(TextReader):
    """Reads many lines at a time."""

    buffering = 0

    def __init__(self, ctx: ReaderContext) -> None:
        super().__init__(ctx)
        self._mean = 64.0  # bytes a line, of late

    def next_lines(self, file: BinaryIO, path: str, start: int, stop: int, limit: int) -> tuple[Any, int]:
        block = self._block(file, path, start, stop, int(self._mean * limit))
        try:
            lines = lines_of(block)
        except UnicodeDecodeError:
            lines, size = self._readable(block, path, start, limit)
        else:
            size = len(block)
            if len(lines) > limit:
                lines = lines.slice(0, limit)
                size = _bytes(lines) + limit
        if len(lines):
            self._mean = max(1.0, size / len(lines))
        return bare(without_returns(lines) if b"\r" in block else lines), size

    def _block(self, file: BinaryIO, path: str, start: int, stop: int, wanted: int) -> bytes:
        """Return whole lines from `start` on, of about so many bytes; the last line need not have an end."""
        file.seek(start)
        parts: list[bytes] = []
        size = 0
        wanted = min(max(wanted, _LEAST_BYTES), MAX_BYTES)
        while start + size < stop:
            more = file.read(min(wanted, stop - start - size))
            if not more:
                raise cut_short(self.ctx.operator, path, stop)
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
        texts = readable(self.ctx, taken, path, start)
        return pa.array(texts, pa.string()), sum(map(len, taken))


def _bytes(lines: pa.Array) -> int:
    """Return how many bytes the lines have, without their ends."""
    pc = kernels()

    return int(pc.sum(pc.binary_length(lines)).as_py() or 0)
