"""The writer of one task of `FilesSink`."""

from __future__ import annotations

import secrets
from abc import abstractmethod
from functools import partial
from typing import Any
from urllib.parse import quote

from raystreaming.connector import Batch, Prepared, TwoPhaseWriter, WriterContext
from raystreaming_files.epoch import EpochFiles, Limits
from raystreaming_files.fitting import Fitting
from raystreaming_files.formats import Format, Shaper
from raystreaming_files.staging import Origin, Stage


class StagingWriter(TwoPhaseWriter[Any]):
    """Stages files; when they are handed over is for others to say.

    Args:
        stage: Where the files are staged.
        format: The file format.
        shaper: Turns records into what the format takes.
        limits: When files end.
        ctx: Who this writer is.
    """

    def __init__(
        self, stage: Stage, format: Format, shaper: Shaper, limits: Limits, ctx: WriterContext
    ) -> None:
        self._stage = stage
        self._format = format
        self._shaper = shaper
        self._limits = limits
        self._ctx = ctx
        self._fitting = Fitting(shaper, format, ctx)
        # A task that restarts within a run gets another word, so names never come twice.
        run = quote(ctx.run, safe="").replace(".", "%2E")
        self._prefix = f"part-{stage.tag}{run}-{ctx.task:05d}-{secrets.token_hex(4)}"
        self._closed = False

    @property
    @abstractmethod
    def files(self) -> EpochFiles:
        """The files that are being written."""

    def write(self, batch: Batch) -> None:
        if len(batch):
            for shaped in self._fitting.shaped(batch.values):
                self.files.add(shaped)

    def origin(self, epoch: int) -> Origin:
        """Return which checkpoint the files of an epoch belong to."""
        return Origin(self._ctx.owner, self._ctx.run, epoch)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.files.discard()
            self._stage.close()


class FilesWriter(StagingWriter):
    """Each epoch has files of its own, handed over at its barrier, to be finished elsewhere."""

    _epochs = 0
    _epoch: EpochFiles | None = None

    @property
    def files(self) -> EpochFiles:
        if self._epoch is None:
            prefix = f"{self._prefix}-{self._epochs:05d}"
            self._epochs += 1
            self._epoch = EpochFiles(self._stage, prefix, self._format, self._limits, self._ctx.operator)
        return self._epoch

    def prepare(self, epoch: int) -> Prepared:
        if self.files.empty:
            return None
        ended, self._epoch = self.files, None
        return partial(ended.finish, self.origin(epoch))
