"""Committed output against answers computed without a stream engine, over many schedules."""

import contextlib
import random
from dataclasses import replace

import pytest
from simulated_jobs import SHAPES, Growing, check_bound, records, seeds

from raystreaming import StreamingContext
from raystreaming.runtime.simulated import Simulation, SimulationFailed, simulate
from raystreaming.runtime.spec import JobSpec
from raystreaming.testing.memory import MemorySink, MemorySource

shapes = pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.__name__)


@shapes
def test_without_failure(shape):
    for seed in seeds(30):
        case = shape(random.Random(seed))
        result = case.run(seed)
        assert result.outcome == "finished"
        assert result.manifest.finished
        assert result.crashes == 0


@shapes
def test_with_crashes(shape):
    crashes = 0
    for seed in seeds(90):
        case = shape(random.Random(seed))
        crashes += case.run(seed, crashes=seed % 9).crashes
    assert crashes > 0


@shapes
def test_with_runs_that_live_on(shape):
    for seed in seeds(40):
        case = shape(random.Random(seed))
        case.run(seed, crashes=1 + seed % 4, zombies=1 + seed % 4)


def test_runs_that_live_on_are_fenced():
    fenced = sum(SHAPES[5](random.Random(seed)).run(seed, crashes=3, zombies=3).fenced for seed in seeds(60))
    assert fenced > 10


def test_the_same_seed_gives_the_same_run():
    for seed in range(20):
        shape = SHAPES[seed % len(SHAPES)]
        first, second = (
            shape(random.Random(seed)).run(seed, crashes=seed % 4, zombies=seed % 2) for _ in range(2)
        )
        assert (first.fingerprint, first.steps) == (second.fingerprint, second.steps)


def test_other_seeds_give_other_runs():
    runs = {SHAPES[0](random.Random(1)).run(seed).fingerprint for seed in range(20)}
    assert len(runs) == 20


def test_a_failure_names_its_seed():
    case = SHAPES[0](random.Random(3))
    case.worlds[0].prepare = lambda handle: 1 / 0
    with pytest.raises(SimulationFailed, match=r"seed 17, step .*ZeroDivisionError"):
        case.run(17)


def test_stop_and_resume():
    """Stopped again and again, at any moment, until the job is finished."""
    stopped = 0
    for seed in seeds(100):
        rng = random.Random(seed)
        job = Growing(rng)
        result = job.run(seed, rng.choice((1, 2)), wish="stop", crashes=seed % 3)
        for again in range(1, 30):
            if result.outcome == "finished":
                break
            assert not job.world.staged, "a stopped job leaves nothing open"
            stopped += 1
            result = job.run(seed + 1000 * again, rng.choice((1, 2)), wish="stop" if again < 4 else None)
        assert result.outcome == "finished"
        assert len(job.world.values) == len(records(job.data)) + len(records(job.bounded))
    assert stopped > 20


def test_drain():
    """What was read is in, what was not is read by the next run."""
    for seed in seeds(100):
        rng = random.Random(seed)
        job = Growing(rng, endless=seed % 2 == 1)
        result = job.run(seed, 2, wish="drain", crashes=seed % 4, wish_before=250)
        assert result.outcome == "finished"
        assert result.manifest.finished
        job.run(seed + 1, 1, wish="drain", wish_before=900)


def test_endless_and_bounded_sources_with_stop():
    """Checkpoints go on when the tasks of the bounded source have finished."""
    for seed in seeds(100):
        rng = random.Random(seed)
        job = Growing(rng, endless=True)
        for again in range(3):
            result = job.run(seed * 3 + again, rng.choice((1, 2, 3)), wish="stop", crashes=seed % 5)
            assert result.outcome == "stopped"
            job.grow()
        splits = result.manifest.operators["bounded"].splits
        if all(s.ended for s in splits.values()):
            assert all(s.position["at"] == len(job.bounded[i]) for i, s in splits.items() if s.position)


def test_parallelism_changes_between_runs():
    """Key groups and splits move to other tasks."""
    for seed in seeds(100):
        rng = random.Random(seed)
        job = Growing(rng)
        for again in range(4):
            job.run(seed * 4 + again, rng.choice((1, 2, 3, 5)), wish="stop", crashes=seed % 3)


def test_a_finished_job_goes_on_with_more_input():
    for seed in seeds(60):
        rng = random.Random(seed)
        job = Growing(rng)
        for again in range(4):
            result = job.run(seed * 4 + again, 2, crashes=seed % 3)
            assert result.outcome == "finished"
            assert len(job.world.values) == len(records(job.data)) + len(records(job.bounded))
            job.grow()


def test_jobs_leave_the_output_of_others_alone():
    """Two jobs share the outside world; what one has open, the other's start does not throw away."""
    killed = 0
    for seed in seeds(60):
        rng = random.Random(seed)
        job = Growing(rng)
        with contextlib.suppress(SimulationFailed):
            job.run(seed, 2, max_steps=rng.randrange(50, 250))
        killed += bool(job.world.staged)
        before = (dict(job.world.staged), dict(job.world.committed))
        other = StreamingContext()
        other.source(MemorySource({"none": []})).sink(MemorySink(world=job.world))
        simulate(other, seed, crashes=2)
        assert (job.world.staged, job.world.committed) == before
        job.run(seed + 1, 1)
        assert not job.world.staged
    assert killed


def test_fresh_starts_over():
    for seed in range(20):
        case = SHAPES[0](random.Random(seed))
        case.ctx._graph.identify()
        spec = JobSpec("job", case.ctx._graph, checkpoint_interval=1.0)
        job = Growing(random.Random(seed))
        first = Simulation(spec, seed, place=job.place).run()
        once = len(case.worlds[0].values)
        again = Simulation(replace(spec, fresh=True), seed, place=job.place, crashes=2).run()
        assert len(case.worlds[0].values) == 2 * once
        assert again.manifest.job_id != first.manifest.job_id


def test_channels_are_bounded():
    for seed in seeds(40):
        check_bound(random.Random(seed), seed)
