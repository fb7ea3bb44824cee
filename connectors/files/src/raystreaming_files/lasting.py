"""The writer of files that go on over checkpoints."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgpack

from raystreaming.connector import Batch, Prepared, TwoPhaseWriter, WriterContext
from raystreaming_files.epoch import EpochFiles, Limits, attempt
from raystreaming_files.fitting import Fitting
from raystreaming_files.formats import Format, Piece, Shaper
from raystreaming_files.journal import Journals, journal_files
from raystreaming_files.staging import Handle, Origin, Stage, Staged, Written, leftover, pack
from raystreaming_files.writer import file_prefix


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


class LastingWriter(TwoPhaseWriter[Any]):
    """Stages files that end by their limits or with the input, not with the checkpoint.

    Args:
        stage: Where the files are staged.
        format: The file format.
        shaper: Turns records into what the format takes.
        limits: When files end.
        ctx: Who this writer is.
        state: What an earlier writer's `snapshot` has returned.
        goes_on: Whether files go on; if not, only those of the earlier writer are brought to their end.
    """

    def __init__(
        self,
        stage: Stage,
        format: Format,
        shaper: Shaper,
        limits: Limits,
        ctx: WriterContext,
        state: bytes | None,
        goes_on: bool,
    ) -> None:
        self._stage = stage
        self._shaper = shaper
        self._fitting = Fitting(shaper, format, ctx)
        self._ctx = ctx
        self._goes_on = goes_on
        self._closed = False
        prefix = file_prefix(stage, ctx)
        self._journals = Journals(stage, prefix, format, limits.roll_bytes)
        journals = self._journals if goes_on else None
        self._files = LastingFiles(stage, prefix, format, limits, ctx.operator, journals)
        if state is not None:
            try:
                self._restore(msgpack.unpackb(state))
            except BaseException:
                self.close()
                raise

    def _restore(self, state: Any) -> None:
        where = self._ctx.operator
        pieces = self._journals.restore(state, where)
        attempt("read", self._stage.folder, where, lambda: self._files.begin_again(pieces, state["age"]))
        if not self._shaper.restore(state["shaper"]):
            self._files.end()  # Files of other types follow.

    def write(self, batch: Batch) -> None:
        if len(batch):
            for shaped in self._fitting.shaped(batch.values):
                self._files.add(shaped)

    def finish(self) -> None:
        self._files.end()

    def prepare(self, epoch: int) -> Prepared:
        if not self._goes_on:
            self._files.end()
        files = self._files.at_barrier()
        needless = self._journals.end(files)
        journal = attempt("write", self._stage.folder, self._ctx.operator, self._journals.flush)
        if not (files or needless or journal):
            return None
        origin = Origin(self._ctx.owner, self._ctx.run, epoch)
        return partial(self._put_away, origin, files, needless, journal)

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
        if not self._closed:
            self._closed = True
            self._files.discard()
            self._journals.close()
            self._stage.close()


def kept_by(state: bytes) -> list[bytes]:
    """Return the leftovers that a writer with this state goes on with."""
    content: Any = msgpack.unpackb(state)
    return [leftover(content["owner"], file) for file in journal_files(content)]
