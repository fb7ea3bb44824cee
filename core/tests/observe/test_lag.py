"""The lag of sources: what waits outside, and between the reader and the task."""

from __future__ import annotations

import threading
import time

import pytest

from raystreaming import StreamingContext
from raystreaming.connector import (
    Batch,
    Fetched,
    PlanContext,
    Reader,
    ReaderContext,
    RecordsSource,
    Source,
    Split,
    option,
)
from raystreaming.observe.progress import line, progress, table
from raystreaming.plugins.builtin.collection import CollectionSource


class ListReader(Reader[object]):
    """Reads lists that grow."""

    def __init__(self, lists):
        self.lists, self.at = lists, {}

    def add_splits(self, splits):
        self.at |= {split.id: position or 0 for split, position in splits}

    def read(self, limit, deadline):
        for split, at in self.at.items():
            if values := self.lists[int(split)][at : at + limit]:
                self.at[split] = at + len(values)
                return Fetched(split, Batch(values), self.at[split])
        time.sleep(0.01)
        return None

    def lag(self):
        return sum(len(self.lists[int(split)]) - at for split, at in self.at.items())


class Lists(Source[object]):
    bounded = False
    lists: list[list[object]] = option(doc="What it reads; they may grow.")

    def plan(self, ctx):
        return [Split(str(i)) for i in range(len(self.lists))]

    def open(self, ctx):
        return ListReader(self.lists)


class Naturals(RecordsSource[int]):
    def records(self, position):
        for n in range(position or 0, 30_000):
            yield n + 1, n


@pytest.fixture
def gate():
    """What lets records through when it is set."""
    return threading.Event()


@pytest.fixture
def submit(gate):
    """Return a function that starts a job; it ends with the test, however that ends."""
    jobs = []

    def start(ctx, name):
        jobs.append(ctx.submit(name))
        return jobs[-1]

    yield start
    gate.set()
    for job in jobs:
        job.cancel()
        job.wait()


def taken(job):
    return sum(t.records_in for t in job.status().tasks if t.chain == 0)


@pytest.mark.parametrize("parallelism", [1, 3])
def test_it_grows_while_the_job_is_stopped_up_and_falls_to_0_when_it_has_caught_up(
    gate, eventually, submit, parallelism
):
    lists = [list(range(500)), list(range(700))]
    ctx = StreamingContext()
    ctx.source(Lists(lists=lists)).set_parallelism(parallelism).sink(lambda n: gate.wait())
    job = submit(ctx, "stopped-up")
    eventually(lambda: taken(job) and job.status().lag == 1200 - taken(job), "the lag of what is there")
    stuck = taken(job)
    assert 0 < stuck < 1000, "nothing moves: entries that were read wait too, and count"
    lists[1].extend(range(2000))
    eventually(lambda: job.status().lag == 3200 - stuck, "the lag of what has come")
    assert taken(job) == stuck
    gate.set()
    eventually(lambda: job.status().lag == 0, "no lag")
    assert taken(job) == 3200


def test_it_is_shown_for_sources_only(eventually, submit, gate):
    ctx = StreamingContext()
    ctx.source(Lists(lists=[[1]])).map(lambda n: n).set_parallelism(2).sink(lambda n: gate.wait())
    job = submit(ctx, "shown")
    eventually(lambda: job.status().lag == 0, "no lag")
    told = progress(None, job.status())
    assert [o.lag for o in told.operators] == [0, None]
    assert " | lag 0 | " in line(told)
    assert [row.split()[-1] for row in table(told).splitlines()[:3]] == ["lag", "0", "-"]


class Overestimating(CollectionSource[int]):
    """Knows at its end only that much of what it took for records is none, like a compacted topic."""

    def open(self, ctx):
        reader = super().open(ctx)
        lag = reader.lag
        reader.lag = lambda: 2 * lag()
        return reader


def test_it_is_0_at_the_end_even_where_it_was_an_estimate(gate, eventually, submit):
    ctx = StreamingContext()
    ctx.source(Overestimating(range(500))).sink(lambda n: gate.wait())
    job = submit(ctx, "estimate")
    eventually(lambda: (job.status().lag or 0) > 500, "an estimate")
    gate.set()
    job.wait()
    assert job.status().lag == 0


def test_a_collection_knows_what_is_left_of_it():
    source = CollectionSource(range(500))
    (split,) = source.plan(PlanContext())
    reader = source.open(ReaderContext())
    assert reader.lag() == 0
    reader.add_splits([(split, 100)])
    assert reader.lag() == 400
    reader.read(10, 0)
    assert reader.lag() == 390
    reader.read(1000, 0)
    assert reader.lag() == 0


def test_a_reader_that_does_not_tell_has_none(gate, eventually, submit):
    ctx = StreamingContext()
    ctx.source(Naturals()).sink(lambda n: gate.wait())
    job = submit(ctx, "unknown")
    eventually(lambda: taken(job), "records")
    time.sleep(0.6)  # it has been asked
    assert job.status().lag is None
    assert "lag" not in line(progress(None, job.status()))
