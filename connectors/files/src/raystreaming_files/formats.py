"""What a file format has to do for the sink: shape records, group them by folder, write files."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, NamedTuple

from raystreaming.records import Rows


class Piece(NamedTuple):
    """Records for one folder.

    Attributes:
        folder: Partition folders, relative, ``""`` for none.
        chunk: The records, as the format keeps them.
        rows: How many.
        size: About how much memory they take.
    """

    folder: str
    chunk: Any
    rows: int
    size: int


class FormatFile(ABC):
    """One file being written."""

    @abstractmethod
    def write(self, chunks: Sequence[Any]) -> None:
        """Write records (a row group, if the format has those)."""

    @abstractmethod
    def finish(self) -> None:
        """Write what ends the file."""

    def give_up(self) -> None:
        """Let go of everything without an error; the file is going to be deleted."""
        with contextlib.suppress(Exception):  # It may have failed before.
            self.finish()


class Format(ABC):
    """A file format. Immutable: used by the task's thread and by the I/O thread at once."""

    suffix: str
    gather_rows: int = 0
    """How many rows to gather before they are grouped; 0: each batch by itself."""
    flush_rows: int
    """A buffer of this many rows is written at once, in multiples of it."""
    packed: str
    """What `pack` makes; two formats with the same word take each other's chunks."""

    @abstractmethod
    def group(self, shaped: Sequence[Any]) -> Iterable[Piece]:
        """Cut shaped records by partition folder, keeping their order."""

    def check(self, content: Any) -> None:
        """Look whether shaped records can be written.

        Raises:
            Terminal: One of them cannot be.
            ArrowException: The same.
        """
        deque(self.group([content]), maxlen=0)

    @abstractmethod
    def open(self, file: BinaryIO, first: Any) -> FormatFile:
        """Begin a file, the first chunk of which will be `first`."""

    @abstractmethod
    def cut(self, chunk: Any, rows: int) -> tuple[Any, Any]:
        """Split a chunk after `rows` rows."""

    @abstractmethod
    def pack(self, chunk: Any) -> bytes:
        """Return a chunk as bytes for the journal."""

    @abstractmethod
    def unpack(self, data: bytes, rows: int) -> Any:
        """Return the chunk of `rows` rows that was packed."""

    @abstractmethod
    def compact(self, chunks: Sequence[Any]) -> Any:
        """Return one chunk with the same records that shares memory with nothing else."""


class Shaped(NamedTuple):
    """Records as the format takes them.

    Attributes:
        content: What `Format.group` gets.
        rows: Number of records.
        size: About how much memory they take.
        new_schema: Whether files begun before cannot take them.
    """

    content: Any
    rows: int
    size: int
    new_schema: bool = False


class Shaper(ABC):
    """Turns the records of one task into what a format takes. Used by the task's thread only."""

    schema: Any = None
    """The types so far, where a format has types; may be set back to what it was."""

    @abstractmethod
    def shape(self, values: Rows) -> Shaped:
        """Return the records of a batch; leaves `values` as it is.

        Raises:
            Terminal: A record does not fit.
        """

    def snapshot(self) -> bytes | None:
        """Return what a later run's shaper needs to shape as this one."""
        return None

    def restore(self, state: bytes | None) -> bool:
        """Shape as the shaper that returned `state`, before anything else; False if that cannot be."""
        return True
