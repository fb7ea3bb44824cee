"""Lines of a file as bytes, with the byte offset of each: what text, JSON lines and CSV share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from raystreaming.connector import Position, Terminal
from raystreaming.errors import shown_record
from raystreaming.records import Rows
from raystreaming_files.codecs import Decompressor
from raystreaming_files.disk import Input
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

    Of a compressed file the offset counts what it holds, and -1 is its end: such a file is not
    appended to.

    Args:
        input: The file.
        position: Where to begin.
        bad: What to do with lines that are not records.
        codec: Compression of the file.
    """

    def __init__(self, input: Input, position: Position, bad: BadLines, codec: str | None) -> None:
        self._path = input.path
        self._input = input
        self._position: int = 0 if position is None else int(position)
        self._bad = bad
        self._codec = codec
        self._file: BinaryIO | Decompressor | None = None
        # The end is known from the start, or when a compressed file has been read.
        self._size: int | None = input.size if codec is None else None
        self._read_to = self._position
        self._tail: list[bytes] = []
        self._lines: list[bytes] = []
        self._next = 0

    @abstractmethod
    def parse(self, lines: Sequence[bytes], offset: int) -> Rows:
        """Return the records of `lines` (without newline), the first of which is at byte `offset`."""

    def begin(self, head: bytes) -> int:
        """Look at the first bytes of the file before anything is read; return how many to leave out.

        Called at every start, wherever it goes on.
        """
        return 0

    head_bytes = 0
    """How many bytes `begin` wants to see."""

    def join(self, lines: list[bytes], last: bool) -> list[bytes]:
        """Join lines to what makes whole records; keep those that need the next ones.

        Args:
            lines: Lines without newline.
            last: Whether no more are to come.
        """
        return lines

    def ends_file(self, end: int) -> bool:
        """Return whether a line that ends at a byte is the last one, without newline."""
        return self._size is not None and end >= self._size

    def position(self) -> Position:
        return self._position

    def next(self, limit: int) -> tuple[Rows, Position] | None:
        if self._next >= len(self._lines) and not self._fill():
            return None
        piece = self._lines[self._next : self._next + limit]
        start = self._position
        self._next += len(piece)
        rows = self.parse(piece, start)
        return rows, self._go_on(sum(map(len, piece)) + len(piece))

    def _go_on(self, count: int) -> int:
        """Move the position over lines of so many bytes, newlines included; return it."""
        self._position += count
        if self._size is not None:  # The last line of the file may have no newline to count.
            self._position = min(self._position, self._size)
        return self._position

    def _fill(self) -> bool:
        """Read the next whole lines; False at the end."""
        while (found := self._block()) is not None:
            block, last = found
            self._take(self.join([] if block is None else block.split(b"\n"), last))
            if self._lines:
                return True
        return False

    def _take(self, lines: list[bytes]) -> None:
        """Go on with these lines."""
        self._lines = lines
        self._next = 0

    def _block(self) -> tuple[bytes | None, bool] | None:
        """Read on; return whole lines in one piece, if there are any, and whether these are the last.

        The piece is without its last newline. None at the end of the file.
        """
        if not self._open():
            return None
        if self._size is not None and self._read_to >= self._size:
            if self._codec is not None:
                self._position = -1
            return None
        chunk = self._read()
        self._read_to += len(chunk)
        head, newline, rest = chunk.rpartition(b"\n")
        blocks: list[bytes] = []
        if newline:
            blocks.append(b"".join([*self._tail, head]))
            self._tail = []
        if rest:
            self._tail.append(rest)
        last = self._size is not None and self._read_to >= self._size
        if last and self._tail:  # A last line without newline is a line.
            blocks.append(b"".join(self._tail))
            self._tail = []
        return (b"\n".join(blocks) if blocks else None), last

    def _read(self) -> bytes:
        """Return the next bytes. A compressed file tells its end by giving none, the size is known then."""
        assert self._file is not None
        left = CHUNK_BYTES if self._size is None else min(CHUNK_BYTES, self._size - self._read_to)
        try:
            chunk = self._file.read(left)
        except Exception as error:
            raise self._fault(error) from error
        if chunk:
            return chunk
        if self._codec is not None:
            self._size = self._read_to
            return b""
        raise Terminal(
            f"{self._path!r} ends at byte {self._read_to}, {self._size} were planned "
            f"({self._bad.where}): it was cut or replaced while the job ran; put the file back, "
            "or start over with --fresh"
        )

    def _open(self) -> bool:
        """Open the file where reading goes on; False if nothing is left, for what is read may be gone."""
        if self._file is not None:
            return True
        if self._position < 0 or (self._size is not None and self._position >= self._size):
            return False
        try:
            if self._codec is None:
                self._seek()
            else:
                self._decompress(self._codec)
        except Terminal:
            raise
        except Exception as error:
            raise self._fault(error) from error
        return True

    def _seek(self) -> None:
        self._file = file = self._input.open()
        left_out = self.begin(_read_fully(file, self.head_bytes)) if self.head_bytes else 0
        if self._position == 0:
            self._position = left_out
        else:
            file.seek(self._position - 1)
            before = file.read(1)
            ahead = b"" if before == b"\n" else file.read(min(2, self._input.size - self._position))
            self._position += 1 if ahead[:1] == b"\n" else 2 if ahead == b"\r\n" else 0
        file.seek(self._position)
        self._read_to = self._position

    def _decompress(self, codec: str) -> None:
        if self.head_bytes:
            head = Decompressor(self._input.open_unchanged(), codec)
            try:
                left_out = self.begin(head.read(self.head_bytes))
            finally:
                head.close()
            self._position = self._position or left_out
        self._file = Decompressor(self._input.open_unchanged(), codec)
        if self._file.skip(self._position) < self._position:
            raise Terminal(
                f"{self._path!r} holds less than the {self._position} bytes that have been read from it "
                f"({self._bad.where}): it was replaced; put the file back, or start over with --fresh"
            )
        self._read_to = self._position

    def _fault(self, error: Exception) -> Exception:
        if self._codec is not None and isinstance(error, OSError) and error.errno is None:
            return Terminal(
                f"cannot read {self._path!r} as {self._codec} ({self._bad.where}): {error}; check that the "
                'file is whole, and give compression="none" if its name only looks compressed'
            )
        return self._input.fault(error)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _read_fully(file: BinaryIO, count: int) -> bytes:
    """Return the next `count` bytes; fewer only at the end of the file."""
    parts: list[bytes] = []
    while count and (part := file.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
