"""The writer of one task of `FilesSink`: epoch after epoch, each with files of its own."""

from __future__ import annotations

import os
import secrets
from typing import Any
from urllib.parse import quote

from raystreaming.connector import Batch, Prepared, TwoPhaseWriter, WriterContext
from raystreaming_files import liveness
from raystreaming_files.epoch import EpochFiles, Limits
from raystreaming_files.faults import os_fault
from raystreaming_files.formats import Format, Shaper
from raystreaming_files.staging import STAGING, make_folder, owner_folder


class FilesWriter(TwoPhaseWriter[Any]):
    """Stages files. What an epoch has written is handed over at its barrier, to be finished elsewhere.

    Args:
        root: The sink's path.
        format: The file format.
        shaper: Turns records into what the format takes.
        limits: When files end.
        ctx: Who this writer is.
    """

    def __init__(self, root: str, format: Format, shaper: Shaper, limits: Limits, ctx: WriterContext) -> None:
        self._root = root
        self._format = format
        self._shaper = shaper
        self._limits = limits
        self._where = ctx.operator
        self._folder = owner_folder(root, ctx.owner, ctx.durable)
        # A task that restarts within a run gets another word, so names never come twice.
        run = quote(ctx.run, safe="").replace(".", "%2E")
        self._prefix = f"part-{run}-{ctx.task:05d}-{secrets.token_hex(4)}"
        self._epochs = 0
        self._closed = False
        try:
            make_folder(root)
            liveness.enter(self._folder, ctx.durable)
        except OSError as error:
            raise os_fault("write to", root, self._where, error) from error
        liveness.sweep(os.path.join(root, STAGING), self._folder)
        self._epoch = self._begin()

    def _begin(self) -> EpochFiles:
        prefix = f"{self._prefix}-{self._epochs:05d}"
        self._epochs += 1
        return EpochFiles(self._root, self._folder, prefix, self._format, self._limits, self._where)

    def write(self, batch: Batch) -> None:
        if len(batch):
            self._epoch.add(self._shaper.shape(batch.values))

    def prepare(self, epoch: int) -> Prepared:
        if self._epoch.empty:
            return None
        ended, self._epoch = self._epoch, self._begin()
        return ended.finish

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._epoch.discard()
            liveness.leave(self._folder)
            liveness.tidy(self._folder)
