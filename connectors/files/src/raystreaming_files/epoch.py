"""Everything one task writes between two barriers: buffers, open files, finished files."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, BinaryIO

from raystreaming_files.faults import os_fault
from raystreaming_files.formats import Format, FormatFile, Piece, Shaped
from raystreaming_files.staging import Handle, Origin, Stage, Written, pack

MAX_OPEN_FILES = 64
MAX_PART_BYTES = 16 << 20
_GATHER_BYTES = 8 << 20
_CHUNK_OVERHEAD = 2048


@dataclass(frozen=True, slots=True)
class Limits:
    """When a file ends, and how much may be in memory.

    Attributes:
        roll_rows: Most rows of a file; None: no limit.
        roll_bytes: A file ends when it has reached this size; None: no limit.
        roll_after: Seconds after its first record at which a file ends, looked at when records come and
            at checkpoints; None: no limit.
        buffer_bytes: About how much the buffers may hold together.
        across_checkpoints: Whether files go on over checkpoints.
    """

    roll_rows: int | None
    roll_bytes: int | None
    roll_after: float | None
    buffer_bytes: int
    across_checkpoints: bool


@dataclass(slots=True)
class _OpenFile:
    path: str
    final: str
    raw: BinaryIO
    format: FormatFile
    rows: int = 0


@dataclass(slots=True)
class _Part:
    """The buffer of one partition folder."""

    folder: str
    chunks: list[Any] = field(default_factory=list[Any])
    rows: int = 0
    size: int = 0


class EpochFiles:
    """Takes records, writes staged files. Handed over whole at the end of its epoch.

    Args:
        stage: Where the files are staged.
        prefix: Beginning of all file names, not used by any other epoch, task or run.
        format: The file format.
        limits: When files end.
        where: Id of the operator, for messages.
    """

    def __init__(self, stage: Stage, prefix: str, format: Format, limits: Limits, where: str) -> None:
        self._stage = stage
        self._prefix = prefix
        self._format = format
        self._limits = limits
        self._where = where
        self._names = 0
        self._gathered: list[Any] = []
        self._gathered_rows = 0
        self._gathered_size = 0
        self._parts: dict[str, _Part] = {}
        self._size = 0
        self._open: OrderedDict[str, _OpenFile] = OrderedDict()
        self._finished: list[Written] = []
        self._failure: Exception | None = None
        self._began: float | None = None
        part_bytes = min(MAX_PART_BYTES, limits.buffer_bytes)
        if limits.roll_bytes is not None:  # Small writes, so that a file does not grow far beyond.
            part_bytes = min(part_bytes, max(1, limits.roll_bytes // 4))
        self._part_bytes = part_bytes
        flush_rows = format.flush_rows
        self._part_rows = flush_rows if limits.roll_rows is None else min(flush_rows, limits.roll_rows)

    @property
    def empty(self) -> bool:
        """Whether nothing has been added."""
        return not (self._gathered or self._parts)

    def add(self, shaped: Shaped) -> None:
        """Take records over; write what has grown large enough.

        When it fails, something may have been taken: it fails again if it is called again.
        """
        if self._failure is not None:
            raise self._failure
        try:
            self._add(shaped)
        except Exception as error:
            self._failure = error
            raise

    def _add(self, shaped: Shaped) -> None:
        if shaped.new_schema or self._too_old():
            self._spread()
            self._flush_all()
        self._gathered.append(shaped.content)
        self._gathered_rows += shaped.rows
        self._gathered_size += shaped.size + _CHUNK_OVERHEAD
        if self._gathered_rows >= self._format.gather_rows or self._gathered_size >= _GATHER_BYTES:
            self._spread()

    def _too_old(self) -> bool:
        """Return whether the files of now have been begun too long ago; if so, a new age begins."""
        old = self.is_old
        if old or self._began is None:
            self._began = monotonic()
        return old

    @property
    def is_old(self) -> bool:
        """Whether the files of now have reached the age at which they end."""
        age, most = self.age, self._limits.roll_after
        return age is not None and most is not None and age >= most

    @property
    def age(self) -> float | None:
        """Seconds since the first record of the files of now; None before it."""
        return None if self._began is None else monotonic() - self._began

    @age.setter
    def age(self, seconds: float | None) -> None:
        self._began = None if seconds is None else monotonic() - seconds

    def finish(self, origin: Origin) -> bytes | None:
        """Write and stage everything; return the committable. May run on another thread.

        When it fails, what was written is deleted and it fails again if it is called again.
        """
        if self._failure is not None:
            raise self._failure
        try:
            return self._finish(origin)
        except Exception as error:
            self._failure = error
            self.discard()
            raise

    def _finish(self, origin: Origin) -> bytes | None:
        self._spread()
        self._flush_all()
        if not self._finished:
            return None
        staged = attempt("sync", self._stage.folder, self._where, lambda: self._stage.stage(self._finished))
        return pack(Handle(origin, staged))

    def discard(self) -> None:
        """Forget everything and delete what was written."""
        for file in self._open.values():
            file.format.give_up()
            _close_quietly(file.raw)
        paths = [f.path for f in self._open.values()] + [f.path for f in self._finished]
        self._open.clear()
        self._finished.clear()
        self._parts.clear()
        self._gathered.clear()
        self._stage.forget(paths)

    def _spread(self) -> None:
        """Group what has been gathered into the buffers of its folders."""
        if not self._gathered:
            return
        gathered, self._gathered = self._gathered, []
        self._gathered_rows = self._gathered_size = 0
        for piece in self._format.group(gathered):
            for part in self._pieces(piece):
                self._buffer(part)
        if self._size > self._limits.buffer_bytes:
            self._shrink()

    def _pieces(self, piece: Piece) -> Iterator[Piece]:
        """Cut a piece that is larger than a buffer may be."""
        rest = piece
        step = max(1, self._part_bytes * piece.rows // max(1, piece.size))
        while rest.rows > step:
            head, tail = self._format.cut(rest.chunk, step)
            size = rest.size * step // rest.rows
            yield Piece(piece.folder, head, step, size)
            rest = Piece(piece.folder, tail, rest.rows - step, rest.size - size)
        yield rest

    def _buffer(self, piece: Piece) -> None:
        part = self._parts.get(piece.folder)
        if part is None:
            part = self._parts[piece.folder] = _Part(piece.folder)
        part.chunks.append(piece.chunk)
        part.rows += piece.rows
        size = piece.size + _CHUNK_OVERHEAD
        part.size += size
        self._size += size
        if part.rows >= self._part_rows:
            self._flush(part, part.rows - part.rows % self._part_rows)
        if part.size >= self._part_bytes:
            self._flush(part, part.rows)

    def _shrink(self) -> None:
        """Write the largest buffers; compact the others, which keep shared memory alive."""
        for part in sorted(self._parts.values(), key=lambda p: p.size, reverse=True):
            if self._size > self._limits.buffer_bytes // 2:
                self._flush(part, part.rows)
            elif len(part.chunks) > 0:
                self._size -= _CHUNK_OVERHEAD * (len(part.chunks) - 1)
                part.size -= _CHUNK_OVERHEAD * (len(part.chunks) - 1)
                part.chunks = [self._format.compact(part.chunks)]

    def _flush_all(self) -> None:
        for part in self._parts.values():
            self._flush(part, part.rows)
        while self._open:
            self._close_file(next(iter(self._open)))

    def _flush(self, part: _Part, rows: int) -> None:
        """Write the first `rows` rows of a buffer."""
        if rows <= 0:
            return
        freed = part.size if rows == part.rows else part.size * rows // part.rows
        chunks, part.chunks = self._cut(part.chunks, part.rows, rows)
        part.rows -= rows
        part.size -= freed
        self._size -= freed
        most = self._limits.roll_rows
        while rows:
            file = self._file(part.folder, chunks[0])
            count = rows if most is None else min(rows, most - file.rows)
            now, chunks = self._cut(chunks, rows, count)
            attempt("write", file.path, self._where, partial(file.format.write, now))
            file.rows += count
            rows -= count
            if self._full(file):
                self._close_file(part.folder)

    def _cut(self, chunks: list[Any], have: int, want: int) -> tuple[list[Any], list[Any]]:
        """Split chunks of `have` rows after `want` rows."""
        if want >= have:
            return chunks, []
        head = list(chunks)
        tail: list[Any] = []
        excess = have - want
        while excess > 0:
            last = head.pop()
            length = len(last)
            if length <= excess:
                tail.append(last)
            else:
                first, second = self._format.cut(last, length - excess)
                head.append(first)
                tail.append(second)
            excess -= length
        return head, tail[::-1]

    def _full(self, file: _OpenFile) -> bool:
        if self._limits.roll_rows is not None and file.rows >= self._limits.roll_rows:
            return True
        return self._limits.roll_bytes is not None and file.raw.tell() >= self._limits.roll_bytes

    def _file(self, folder: str, first: Any) -> _OpenFile:
        """Return the open file of a folder; begin one if there is none."""
        file = self._open.get(folder)
        if file is not None:
            self._open.move_to_end(folder)
            return file
        if len(self._open) >= MAX_OPEN_FILES:
            self._close_file(next(iter(self._open)))
        name = f"{self._prefix}-{self._names:05d}{self._format.suffix}"
        self._names += 1
        created: tuple[str, BinaryIO] = attempt(
            "create", f"{self._stage.folder}/{name}", self._where, partial(self._stage.create, name)
        )
        path, raw = created
        try:
            format_file = self._format.open(raw, first)
        except BaseException:
            _close_quietly(raw)
            raise
        final = f"{folder}/{name}" if folder else name
        file = self._open[folder] = _OpenFile(path, final, raw, format_file)
        return file

    def _close_file(self, folder: str) -> None:
        file = self._open[folder]

        def close() -> int:
            file.format.finish()
            file.raw.flush()
            size = file.raw.tell()
            file.raw.close()
            return size

        size = attempt("write", file.path, self._where, close)
        del self._open[folder]
        self._finished.append(Written(file.path, file.final, file.rows, size))


def attempt(what: str, path: str, where: str, work: Callable[[], Any]) -> Any:
    """Do something with a file of this machine; what the disk refuses is named."""
    try:
        return work()
    except OSError as error:
        raise os_fault(what, path, where, error) from error


def _close_quietly(raw: BinaryIO) -> None:
    try:
        raw.close()
    except OSError:  # A full disk: what was buffered is not wanted anyway.
        return
