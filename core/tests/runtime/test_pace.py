"""How much is done at a time: little where records are slow, much where they are fast, in every task."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace

import pytest

from raystreaming import StreamingContext
from raystreaming.engine.task import LIST_LIMIT
from raystreaming.runtime import worker
from raystreaming.runtime.pace import PiecePace
from raystreaming.runtime.reading import FIRST_LIMIT


def test_full_pieces_that_are_fast_double_the_next_ones():
    pace = PiecePace(1_000)
    limits = []
    for _ in range(7):
        pace.worked(pace.limit, 0.001)
        limits.append(pace.limit)
    assert limits == [32, 64, 128, 256, 512, 1_000, 1_000]


def test_a_task_that_is_sent_a_few_records_at_a_time_grows_too():
    pace = PiecePace(1_000)
    for _ in range(FIRST_LIMIT // 2 - 1):
        pace.worked(1, 0.0001)
    assert pace.limit == FIRST_LIMIT
    pace.worked(1, 0.0001)
    assert pace.limit == 2 * FIRST_LIMIT


def test_a_few_records_that_are_slow_together_do_not():
    pace = PiecePace(1_000)
    for _ in range(200):
        pace.worked(1, 0.002)
    assert pace.limit == FIRST_LIMIT


def test_results_that_come_later_count_as_work_of_the_same_records():
    pace = PiecePace(1_000)
    for _ in range(20):
        pace.worked(1, 0.0)
        pace.worked(0, 0.002)
    assert pace.limit == FIRST_LIMIT


def test_a_slow_piece_makes_the_next_ones_as_small_as_it_takes():
    pace = PiecePace(1_000)
    pace.worked(16, 0.32)
    assert pace.limit == 1
    pace.worked(1, 5.0)
    assert pace.limit == 1, "one record is always taken"


BREAKS = {
    "new chain": lambda s: s.map(lambda n: n).start_new_chain(),
    "not chained": lambda s: s.map(lambda n: n).disable_chain().map(lambda n: n),
    "shuffle": lambda s: s.shuffle(),
    "round robin": lambda s: s.round_robin(),
    "broadcast": lambda s: s.broadcast(),
    "a function that chooses": lambda s: s.partition_by(lambda value, tasks: 0),
    "two breaks": lambda s: s.shuffle().map(lambda n: n).start_new_chain().map(lambda n: n).shuffle(),
}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS.keys())
def test_pieces_grow_in_every_task_behind_a_source(monkeypatch, broken):
    """On a clock that gives every step a microsecond, so that all records are fast on any machine."""
    clock = itertools.count()
    steps = SimpleNamespace(perf_counter=lambda: next(clock) * 1e-6, monotonic=time.monotonic)
    monkeypatch.setattr(worker, "time", steps)
    sizes = []

    def watch(rows):
        sizes.append(len(rows))
        return rows

    ctx = StreamingContext()
    broken(ctx.from_collection(list(range(100_000)))).map_batches(watch).sink(lambda n: None)
    ctx.execute("pace")
    assert sum(sizes) == 100_000
    assert max(sizes) == LIST_LIMIT
    assert len(sizes) < 200
