"""What the readers of text files have in common."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, BinaryIO

from raystreaming.connector.source import Fetched, Position, Reader, ReaderContext, Split
from raystreaming.plugins.builtin.text_faults import cut_short, unreadable
from raystreaming.records import Batch

MAX_BYTES = 4 << 20
"""Of a batch, unless a line is longer."""


class TextReader(Reader[str]):
    """Reads the lines of files up to where each is to stop, one file after another; positions are bytes."""

    buffering = -1
    """As of `open`."""

    def __init__(self, ctx: ReaderContext) -> None:
        self.ctx = ctx
        self._splits: deque[tuple[Split, Position]] = deque()
        self._file: BinaryIO | None = None

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        self._splits.extend(splits)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        if not self._splits:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return None
        split, position = self._splits[0]
        start, stop = position or 0, int(split.payload["stop"])
        values, size = self._lines(split.id, start, stop, limit) if start < stop else ([], 0)
        if not size and start < stop:
            raise cut_short(self.ctx.operator, split.id, stop)
        end = start + size >= stop
        if end:
            self._splits.popleft()
            self.close()
        else:
            self._splits[0] = (split, start + size)
        return Fetched(split.id, Batch(values) if len(values) else None, start + size, end)

    def _lines(self, path: str, start: int, stop: int, limit: int) -> tuple[Any, int]:
        try:
            if self._file is None:
                self._file = open(path, "rb", self.buffering)  # noqa: SIM115 - kept open between calls
                self._file.seek(start)
            return self.next_lines(self._file, path, start, stop, limit)
        except OSError as error:
            raise unreadable(path, error) from error

    @abstractmethod
    def next_lines(self, file: BinaryIO, path: str, start: int, stop: int, limit: int) -> tuple[Any, int]:
        """Return the next lines as the values of a batch, and their size; 0 where the file has ended.

        Args:
            file: The file; where the last call left it, or at `start`.
            path: What it is called.
            start: Where the lines begin, in bytes.
            stop: Where reading ends, beyond `start`.
            limit: How many lines at most.
        """

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
