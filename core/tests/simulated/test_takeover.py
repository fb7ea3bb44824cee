"""A coordinator that dies alone, with another in its place; and splits found while a job runs."""

import random

import pytest
from simulated_jobs import SHAPES, Case, Growing, records, same, seeds

from raystreaming import StreamingContext
from raystreaming.connector import option
from raystreaming.testing.memory import MemorySink, MemorySource, World

shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.__name__)


@shapes
def test_tasks_go_on_under_another_coordinator(shape):
    takeovers = 0
    for seed in seeds(60):
        result = shape(random.Random(seed)).run(seed, coordinator_deaths=1 + seed % 9)
        takeovers += result.takeovers
        assert result.crashes == 0
    assert takeovers > 20


@shapes
def test_with_crashes_in_between(shape):
    for seed in seeds(40):
        shape(random.Random(seed)).run(seed, coordinator_deaths=seed % 7, crashes=seed % 5)


def test_a_wish_that_is_repeated_reaches_the_new_coordinator():
    takeovers = 0
    for seed in seeds(100):
        rng = random.Random(seed)
        job = Growing(rng, endless=True)
        for again in range(3):
            result = job.run(seed * 3 + again, 2, wish="stop", coordinator_deaths=seed % 6)
            assert result.outcome == "stopped"
            takeovers += result.takeovers
            job.grow()
    assert takeovers > 20


class Revealing(MemorySource):
    """Shows one more split each time it is asked."""

    shown: list[int] = option(doc="How many splits were shown last.")

    @property
    def discovery_interval(self):
        return 1.0

    def plan(self, ctx):
        self.shown[0] += 1
        return super().plan(ctx)[: self.shown[0]]


def revealing(rng):
    """An endless source whose splits are found one by one."""
    data = {f"s{i}": [(f"s{i}", n) for n in range(rng.randrange(1, 12))] for i in range(6)}
    world, shown = World(), [rng.randrange(2)]
    ctx = StreamingContext()
    source = ctx.source(Revealing(data, endless=True, shown=shown)).uid("source")
    source = source.set_parallelism(rng.choice((1, 2, 3)))
    source.map(lambda r: r).set_parallelism(rng.choice((1, 2))).sink(MemorySink(world=world))

    def check(result):
        splits = result.manifest.operators["source"].splits
        at = {i: s.position["at"] if s.position else 0 for i, s in splits.items()}
        same(world, [r for r in records(data) if r[1] < at.get(r[0], 0)])

    return Case(ctx, [world], check)


def test_splits_found_while_running_are_read_once():
    read = 0
    for seed in seeds(150):
        result = revealing(random.Random(seed)).run(
            seed, crashes=seed % 4, coordinator_deaths=seed % 3, wish="stop", wish_before=1500
        )
        splits = result.manifest.operators["source"].splits
        read += sum(s.position is not None for i, s in splits.items() if i > "s1")
    assert read > 100, "splits that no first planning showed"
