"""SIGKILL of workers and masters of a job with Java in every position: what is committed is right.

The session `ray_kills` sets RAYSTREAMING_RAY_KILLS=20. SEED=n repeats the choices of a run.
"""

from __future__ import annotations

import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming_test_support.everywhere import check, compiled, describe
from raystreaming_test_support.ray_cluster import eventually

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("RAYSTREAMING_RAY_KILLS", "1"))
COUNT = 15_000 * max(1, KILLS // 4)
"""Some 20 seconds of the sources' pauses, of which the job needs three before it is released."""

JOB = "java-kills"


@pytest.fixture(scope="module")
def classes(tmp_path_factory) -> Path:
    return compiled(tmp_path_factory.mktemp("classes"))


@pytest.fixture
def dice():
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SEED={seed}")
    return random.Random(seed)


class Files:
    """What the job writes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"

    def published(self) -> int:
        # With the exact depth: folders of half-written files come and go while this looks.
        return len(list(self.out.glob("[!.]*.jsonl")))

    def has_published(self, count: int) -> bool:
        return self.published() >= count

    def release(self) -> None:
        (self.folder / "released").touch()

    def check(self) -> None:
        check(self.folder, COUNT)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


@pytest.fixture
def job(files, classes, ray_driver):
    """Java in every position, spread over workers."""
    ctx = StreamingContext(
        runtime="ray",
        checkpoint_dir=files.folder / "state",
        checkpoint_interval="200ms",
        java_classpath=[classes],
        java_memory="64MB",
        spares=1 if KILLS > 1 else 0,
        workers=4 if KILLS > 1 else 2,  # each starts a JVM: with one for every task that takes a minute
    )
    describe(ctx, files.folder, COUNT, batch=1, watched=lambda n: n)
    job = ctx.submit(JOB)
    yield job
    job.cancel()
    job.wait()
    eventually(lambda: not ray_driver.names(), "an empty cluster")


def test_workers(job, files, dice, ray_driver):
    for kill in range(KILLS):
        if kill % 2 == 0:  # the other kills may come before the job is on its feet again
            eventually(partial(files.has_published, files.published() + 1), "another file")
        time.sleep(dice.uniform(0, 1.5))
        dice.choice(ray_driver.workers(JOB, at_least=2)).signal(signal.SIGKILL)
    eventually(lambda: job.status().restarts >= 1 and job.status().state == "running", "a restart")
    files.release()
    job.wait()
    files.check()


def is_replaced(cluster, master):
    return cluster.master(JOB).pid != master.pid


@pytest.mark.slow
def test_masters(job, files, dice, ray_driver):
    lived_on = 0  # Not every time: a master may die before it has found the workers.
    for _ in range(KILLS):
        time.sleep(dice.uniform(0, 1.5))
        master = ray_driver.master(JOB)
        workers = {w.name for w in ray_driver.workers(JOB, at_least=2)}
        master.signal(signal.SIGKILL)
        eventually(partial(is_replaced, ray_driver, master), "another master")
        eventually(lambda: job.status().state == "running", "the job runs", patience=180)
        lived_on += bool(workers & set(ray_driver.names()))
    files.release()
    job.wait()
    files.check()
    assert lived_on >= KILLS // 2, "workers do not live on without their master"
