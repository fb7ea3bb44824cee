"""Lines of a file as bytes, with the byte offset of each: what text and JSON lines share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from raystreaming.connector import Position, Terminal
from raystreaming.errors import shown_record
from raystreaming.records import Rows
from raystreaming_files.faults import os_fault
from raystreaming_files.reader import Cursor

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class BadLines:
    """What to do with lines that are not records.

    Attributes:
        goes_on: Tell `reject` and go on; else fail.
        reject: Takes a line, what is wrong with it, and where it is.
        where: Id of the operator, for messages.
    """

    goes_on: bool
    reject: Callable[[bytes, str, str], None]
    where: str

    def handle(self, path: str, offset: int, line: bytes, why: object, fix: str) -> None:
        """Reject one bad line, or raise `Terminal` that names it."""
        if self.goes_on:
            self.reject(line, str(why), f"{path} at byte {offset}")
            return
        raise Terminal(
            f"bad line in {path!r} at byte {offset} ({self.where}): {why}; the line is "
            f'{shown_record(line, 120)}; {fix}, or leave such lines out with on_error="skip", or keep them '
            "with on_error=dead_letter(sink)"
        )


class LineCursor(Cursor):
    """Reads lines up to the planned size; the position is a byte offset.

    A position inside a line can only come from a file that had no newline at its end and has
    grown since: the record of that line was read then, so a newline right there is not a line.
    """

    def __init__(self, path: str, size: int, position: Position, bad: BadLines) -> None:
        self._path = path
        self._size = size
        self._position: int = 0 if position is None else int(position)
        self._bad = bad
        self._file: BinaryIO | None = None
        self._read_to = self._position
        self._tail: list[bytes] = []
        self._lines: list[bytes] = []
        self._next = 0

    @abstractmethod
    def parse(self, lines: Sequence[bytes], offset: int) -> Rows:
        """Return the records of `lines` (without newline), the first of which is at byte `offset`."""

    def position(self) -> Position:
        return self._position

    def next(self, limit: int) -> tuple[Rows, Position] | None:
        if self._next >= len(self._lines) and not self._fill():
            return None
        piece = self._lines[self._next : self._next + limit]
        start = self._position
        self._next += len(piece)
        # The last line of the file may have no newline to count.
        end = min(start + sum(map(len, piece)) + len(piece), self._size)
        rows = self.parse(piece, start)
        self._position = end
        return rows, end

    def _fill(self) -> bool:
        """Read the next whole lines; False at the end."""
        self._open()
        while self._read_to < self._size:
            chunk = self._read(min(CHUNK_BYTES, self._size - self._read_to))
            self._read_to += len(chunk)
            head, newline, rest = chunk.rpartition(b"\n")
            if self._read_to >= self._size and rest:  # A last line without newline is a line.
                head, newline, rest = chunk, b"\n", b""
            if not newline:
                self._tail.append(chunk)
                continue
            self._tail.append(head)
            self._lines = b"".join(self._tail).split(b"\n")
            self._tail = [rest] if rest else []
            self._next = 0
            return True
        return False

    def _read(self, count: int) -> bytes:
        assert self._file is not None
        try:
            chunk = self._file.read(count)
        except OSError as error:
            raise os_fault("read", self._path, self._bad.where, error) from error
        if not chunk:
            raise Terminal(
                f"{self._path!r} ends at byte {self._read_to}, {self._size} were planned "
                f"({self._bad.where}): it was cut or replaced while the job ran; put the file back, "
                "or start over with --fresh"
            )
        return chunk

    def _open(self) -> None:
        if self._file is not None or self._position >= self._size:  # What is read may be gone.
            return
        try:
            self._file = open(self._path, "rb", buffering=0)  # noqa: SIM115 - kept open until close
            if self._position == 0:
                return
            self._file.seek(self._position - 1)
            before = self._file.read(1)
            ahead = b"" if before == b"\n" else self._file.read(min(2, self._size - self._position))
            self._position += 1 if ahead[:1] == b"\n" else 2 if ahead == b"\r\n" else 0
            self._file.seek(self._position)
        except OSError as error:
            raise os_fault("read", self._path, self._bad.where, error) from error
        self._read_to = self._position

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
