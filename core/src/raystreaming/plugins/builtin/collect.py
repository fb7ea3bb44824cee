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
    prepared: dict[str, list[Any]] = field(
        default_factory=dict[str, list[Any]], init=False, repr=False, compare=False
    )

    shipped: set[str] = field(default_factory=set[str], init=False, repr=False, compare=False)
    ships: bool = field(default=False, init=False, repr=False, compare=False)

    def ship(self) -> None:
        """Have writers hand their rows over in bytes: they are in other processes."""
        object.__setattr__(self, "ships", True)

    def start_over(self) -> list[Any]:
        """Begin with no rows, in a new list; return the list."""
        object.__setattr__(self, "rows", [])
        return self.rows

    def open(self, state: bytes | None, ctx: WriterContext) -> TwoPhaseWriter[Any]:
        """Return a writer that keeps rows until the checkpoint."""
        name = f"{ctx.run}-{ctx.task}"
        return _ShippingWriter(name) if self.ships else _CollectWriter(self.prepared, name)

    def commit(self, committables: Sequence[bytes]) -> None:
        """Append the rows, once; those of another process are not here."""
        if self.ships:
            for name, rows in map(pickle.loads, committables):
                if name not in self.shipped:
                    self.shipped.add(name)
                    self.rows.extend(rows)
            return
        for name in committables:
            self.rows.extend(self.prepared.pop(name.decode(), ()))

    def abort(self, committables: Sequence[bytes]) -> None:
        """Forget the rows."""
        for name in committables:
            self.prepared.pop(name.decode(), None)

    def list_open(self, owner: str) -> Sequence[bytes]:
        """Return everything prepared."""
        return [name.encode() for name in self.prepared]


class _CollectWriter(TwoPhaseWriter[Any]):
    def __init__(self, prepared: dict[str, list[Any]], name: str) -> None:
        self._prepared = prepared
        self._name = name
        self._rows: list[Any] = []

    def write(self, batch: Batch) -> None:
        self._rows.extend(rows_of(batch.values))

    def prepare(self, epoch: int) -> bytes | None:
        if not self._rows:
            return None
        name = f"{self._name}-{epoch}"
        self._prepared[name], self._rows = self._rows, []
        return name.encode()


class _ShippingWriter(TwoPhaseWriter[Any]):
    def __init__(self, name: str) -> None:
        self._name = name
        self._rows: list[Any] = []

    def write(self, batch: Batch) -> None:
        self._rows.extend(rows_of(batch.values))

    def prepare(self, epoch: int) -> bytes | None:
        rows, self._rows = self._rows, []
        return pickle.dumps((f"{self._name}-{epoch}", rows)) if rows else None
