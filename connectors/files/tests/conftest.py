"""What the tests of the files connector share: reading through readers, running a sink's life."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from raystreaming.connector import Batch, KnownSplit, PlanContext, ReaderContext, WriterContext
from raystreaming.records import rows_of


def fetch(source: Any, splits: Any, limit: int = 1000, **ctx: Any) -> list[Any]:
    """Return everything a new reader fetches of ``[(split, position)]``."""
    reader = source.open(ReaderContext(**ctx))
    reader.add_splits(splits)
    fetched = []
    try:
        while not (done := len([f for f in fetched if f.end]) == len(splits)):
            one = reader.read(limit, time.monotonic() + 10)
            assert one.batch is None or 0 < len(one.batch) <= limit
            fetched.append(one)
        assert done
        assert reader.read(limit, time.monotonic()) is None
    finally:
        reader.close()
        reader.close()
    return fetched


def plan(source: Any, known: dict[str, KnownSplit] | None = None) -> list[tuple[Any, Any]]:
    """Return the planned splits with the positions from which an engine would read them."""
    splits = source.plan(PlanContext(known=known or {}))
    return [(s, known[s.id].position if known and s.id in known else None) for s in splits]


def read(source: Any, limit: int = 1000, **ctx: Any) -> list[Any]:
    """Return all rows of a source."""
    return [
        row
        for f in fetch(source, plan(source), limit, **ctx)
        if f.batch is not None
        for row in rows_of(f.batch.values)
    ]


def finish(prepared: Any) -> bytes | None:
    """Run the slow part of `prepare` too."""
    return prepared() if callable(prepared) else prepared


def run_sink(sink: Any, epochs: list[list[Any]], **ctx: Any) -> None:
    """Write epochs of batches and commit each."""
    writer = sink.open(None, WriterContext(**ctx))
    for number, batches in enumerate(epochs):
        for values in batches:
            writer.write(Batch(values))
        committable = finish(writer.prepare(number))
        if committable is not None:
            sink.commit([committable])
    writer.close()


def visible(path: Path) -> list[Path]:
    """Return the files a reader sees."""
    return sorted(
        p for p in path.rglob("*") if p.is_file() and ".raystreaming" not in p.relative_to(path).parts
    )


def bag(rows: list[Any]) -> Counter[str]:
    """Return rows as a multiset."""
    return Counter(map(repr, (sorted(r.items()) if isinstance(r, dict) else r for r in rows)))


class Lives:
    """A sink of a job that dies and starts again, in the order in which the runtime does it."""

    owner = "job/sink"

    def __init__(self, *sinks: Any) -> None:
        self._sinks = iter(sinks)
        self._dead: list[Any] = []
        self.state: bytes | None = None
        self._committables: list[bytes] = []
        self._epochs = 0
        self.start()

    def start(self) -> None:
        """Start the next sink from the last checkpoint; the writer before it is as dead as a killed one."""
        self.sink = next(self._sinks, None) or self.sink
        self.sink.commit(self._committables)
        kept = set(self.sink.keeps(self.state)) if self.state is not None else set()
        self.sink.abort([h for h in self.sink.list_open(self.owner) if h not in kept])
        self._dead.append(writer := self.sink.open(self.state, WriterContext(owner=self.owner, durable=True)))
        self.writer = writer

    def checkpoint(self, manifest: bool = True, commit: bool = True) -> None:
        """Take a checkpoint, or a part of one."""
        self._epochs += 1
        prepared = self.writer.prepare(self._epochs)
        state = self.writer.snapshot()
        committable = finish(prepared)
        if manifest:
            self.state, self._committables = state, [committable] * (committable is not None)
        if commit:
            self.sink.commit(self._committables)

    def end(self) -> None:
        """End the input."""
        self.writer.finish()
        self.checkpoint()
        self.bury()
        assert self.state is None

    def bury(self) -> None:
        """Close the writers, which would else be collected with open files."""
        for writer in self._dead:
            writer.close()


@pytest.fixture
def kit() -> SimpleNamespace:
    return SimpleNamespace(
        Lives=Lives,
        fetch=fetch,
        plan=plan,
        read=read,
        finish=finish,
        run_sink=run_sink,
        visible=visible,
        bag=bag,
    )
