"""The writer of one task of `FilesSink`: epoch after epoch, each with files of its own."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any
from urllib.parse import quote

from raystreaming.connector import Batch, Prepared, TwoPhaseWriter, WriterContext
from raystreaming_files.epoch import EpochFiles, Limits
from raystreaming_files.fitting import Fitting
from raystreaming_files.formats import Format, Shaper
from raystreaming_files.staging import Origin, Stage


class FilesWriter(TwoPhaseWriter[Any]):
    """Stages files. What an epoch has written is handed over at its barrier, to be finished elsewhere.

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
        self._fitting = Fitting(shaper, format, ctx)
        self._limits = limits
        self._ctx = ctx
        self._prefix = file_prefix(stage, ctx)
        self._epochs = 0
        self._closed = False
        self._epoch = self._begin()

    def _begin(self) -> EpochFiles:
        prefix = f"{self._prefix}-{self._epochs:05d}"
        self._epochs += 1
        return EpochFiles(self._stage, prefix, self._format, self._limits, self._ctx.operator)

    def write(self, batch: Batch) -> None:
        if len(batch):
            for shaped in self._fitting.shaped(batch.values):
                self._epoch.add(shaped)

    def prepare(self, epoch: int) -> Prepared:
        if self._epoch.empty:
            return None
        ended, self._epoch = self._epoch, self._begin()
        return partial(ended.finish, Origin(self._ctx.owner, self._ctx.run, epoch))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._epoch.discard()
            self._stage.close()


def file_prefix(stage: Stage, ctx: WriterContext) -> str:
    """Return the beginning of the file names of a writer, another one for each."""
    # A task that restarts within a run gets another word, so names never come twice.
    run = quote(ctx.run, safe="").replace(".", "%2E")
    return f"part-{stage.tag}{run}-{ctx.task:05d}-{secrets.token_hex(4)}"
