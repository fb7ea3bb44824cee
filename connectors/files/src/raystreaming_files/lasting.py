"""The writer of files that go on over checkpoints."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgpack

from raystreaming.connector import Prepared, WriterContext
from raystreaming_files.epoch import EpochFiles, Limits, attempt
from raystreaming_files.formats import Format, Piece, Shaper
from raystreaming_files.journal import Journals, journal_files
from raystreaming_files.staging import Handle, Origin, Stage, Staged, Written, leftover, pack
from raystreaming_files.writer import StagingWriter


class LastingFiles(EpochFiles):
    """The files of all epochs of a run; what is written to them is in journals until they end.

    Args:
        stage: Where the files are staged.
        prefix: Beginning of all file names.
        format: The file format.
        limits: When files end.
        where: Id of the operator, for messages.
        journals: Takes what is written; None: nobody will need it.
    """

    def __init__(
        self,
        stage: Stage,
        prefix: str,
        format: Format,
        limits: Limits,
        where: str,
        journals: Journals | None,
    ) -> None:
        super().__init__(stage, prefix, format, limits, where)
        self._journals = journals

    def _buffer(self, piece: Piece) -> None:
        if self._journals is not None:
            attempt("write", self._stage.folder, self._where, partial(self._journals.write, piece))
        super()._buffer(piece)

    def begin_again(self, pieces: Any, age: float | None) -> None:
        """Take records that are in journals already."""
        for piece in pieces:
            super()._buffer(piece)
        if self._size > self._limits.buffer_bytes:
            self._shrink()
        self.age = age

    def end(self) -> None:
        """End all files."""
        self._spread()
        self._flush_all()
        self.age = None

    def at_barrier(self) -> list[Written]:
        """Have everything in the journals; return the files that have ended."""
        self._spread()
        if self.is_old or (self._journals is not None and self._journals.are_many):
            self.end()
        finished, self._finished = self._finished, []
        return finished


class LastingWriter(StagingWriter):
    """Files end by their limits or with the input; with the checkpoint only where the limits say so."""

    def __init__(
        self, stage: Stage, format: Format, shaper: Shaper, limits: Limits, ctx: WriterContext
    ) -> None:
        super().__init__(stage, format, shaper, limits, ctx)
        self._journals = Journals(stage, self._prefix, format, limits.roll_bytes)
        journals = self._journals if limits.across_checkpoints else None
        self._files = LastingFiles(stage, self._prefix, format, limits, ctx.operator, journals)

    @property
    def files(self) -> LastingFiles:
        return self._files

    def restore(self, state: bytes) -> None:
        """Go on with the files of the writer whose `snapshot` has returned `state`."""
        content: Any = msgpack.unpackb(state)
        where = self._ctx.operator
        pieces = self._journals.restore(content, where)
        attempt("read", self._stage.folder, where, lambda: self._files.begin_again(pieces, content["age"]))
        if not self._shaper.restore(content["shaper"]):
            self._files.end()  # Files of other types follow.

    def finish(self) -> None:
        self._files.end()

    def prepare(self, epoch: int) -> Prepared:
        if not self._limits.across_checkpoints:
            self._files.end()
        files = self._files.at_barrier()
        needless = self._journals.end(files)
        journal = attempt("write", self._stage.folder, self._ctx.operator, self._journals.flush)
        if not (files or needless or journal):
            return None
        return partial(self._put_away, self.origin(epoch), files, needless, journal)

    def _put_away(
        self, origin: Origin, files: list[Written], needless: list[Staged], journal: str | None
    ) -> bytes | None:
        """Make what the epoch has left survive a crash; return the committable."""

        def put_away() -> list[Staged]:
            if journal is not None:
                self._stage.keep(journal)
            return self._stage.stage(files)

        staged = attempt("sync", self._stage.folder, self._ctx.operator, put_away)
        return pack(Handle(origin, staged, needless)) if staged or needless else None

    def snapshot(self) -> bytes | None:
        state = self._journals.state()
        if state is None:
            return None
        state |= {"owner": self._ctx.owner, "age": self._files.age, "shaper": self._shaper.snapshot()}
        packed: Any = msgpack.packb(state)
        return bytes(packed)

    def close(self) -> None:
        self._journals.close()
        super().close()


def kept_by(state: bytes) -> list[bytes]:
    """Return the leftovers that a writer with this state goes on with."""
    content: Any = msgpack.unpackb(state)
    return [leftover(content["owner"], file) for file in journal_files(content)]
