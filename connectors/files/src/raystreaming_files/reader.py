"""The reader of `FilesSource`: one split (a file) after the other, each through a cursor."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from raystreaming.connector import Batch, Fetched, Position, Reader, Split
from raystreaming.records import Rows

TARGET_BYTES = 4 << 20
"""About how much one batch may hold."""


class Cursor(ABC):
    """Reads one file in order. Opens it when the first records are asked for."""

    @abstractmethod
    def next(self, limit: int) -> tuple[Rows, Position] | None:
        """Return up to `limit` records, possibly none, and the position after them; None at the end.

        Raises:
            Retryable: The file cannot be read now.
            Terminal: The file cannot be read, or a record is not what it should be.
        """

    @abstractmethod
    def position(self) -> Position:
        """Return where to go on after what `next` has returned."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""


class FilesReader(Reader[Any]):
    """Serves its splits in the order in which they were added."""

    def __init__(self, open_cursor: Callable[[Split, Position], Cursor]) -> None:
        self._open_cursor = open_cursor
        self._waiting: deque[tuple[Split, Position]] = deque()
        self._split = ""
        self._cursor: Cursor | None = None

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        self._waiting.extend(splits)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        if self._cursor is None:
            if not self._waiting:
                time.sleep(max(0.0, deadline - time.monotonic()))
                return None
            split, position = self._waiting.popleft()
            self._split = split.id
            self._cursor = self._open_cursor(split, position)
        while (fetched := self._cursor.next(limit)) is not None:
            rows, position = fetched
            if len(rows):
                return Fetched(self._split, Batch(rows), position)
            if time.monotonic() >= deadline:  # so that what was left out is not read again after a crash
                return Fetched(self._split, None, position)
        position = self._cursor.position()
        self.close()
        return Fetched(self._split, None, position, end=True)

    def close(self) -> None:
        if self._cursor is not None:
            cursor, self._cursor = self._cursor, None
            cursor.close()
