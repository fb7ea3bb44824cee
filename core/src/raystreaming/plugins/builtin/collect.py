"""Rows for the program that submitted the job."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from raystreaming.connector.sink import TwoPhaseSink, TwoPhaseWriter, WriterContext
from raystreaming.records import Batch, rows_of


class CollectSink(TwoPhaseSink[Any]):
    """Keeps every record in memory for `Job.result`.

    Delivery: exactly once, within the process that submitted the job. Parallelism: any. A restart
    repeats nothing; a new process begins with no rows.
    """

    rows: list[Any] = field(default_factory=list[Any], init=False, repr=False, compare=False)
    committed: set[str] = field(default_factory=set[str], init=False, repr=False, compare=False)

    def open(self, state: bytes | None, ctx: WriterContext) -> TwoPhaseWriter[Any]:
        """Return a writer that keeps rows until the checkpoint."""
        return _CollectWriter(f"{ctx.run}-{ctx.task}")

    def commit(self, committables: Sequence[bytes]) -> None:
        """Append the rows, once."""
        for committable in committables:
            name, values = pickle.loads(committable)
            if name not in self.committed:
                self.committed.add(name)
                self.rows.extend(values)

    def abort(self, committables: Sequence[bytes]) -> None:
        """Do nothing: rows that were not committed are gone with their writer."""

    def list_open(self, owner: str) -> Sequence[bytes]:
        """Return nothing."""
        return []


class _CollectWriter(TwoPhaseWriter[Any]):
    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: list[Any] = []

    def write(self, batch: Batch) -> None:
        self._rows.extend(rows_of(batch.values))

    def prepare(self, epoch: int) -> bytes | None:
        rows, self._rows = self._rows, []
        return pickle.dumps((f"{self._name}-{epoch}", rows), protocol=5) if rows else None
