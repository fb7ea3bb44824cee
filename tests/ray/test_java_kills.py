"""SIGKILL of workers and masters of a job with Java in every position: what is committed is right.

The session `ray_kills` sets RAYSTREAMING_RAY_KILLS=20. SEED=n repeats the choices of a run.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming_test_support.java import compile_java
from raystreaming_test_support.outputs import assert_nothing_left, json_rows
from raystreaming_test_support.ray_cluster import eventually

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("RAYSTREAMING_RAY_KILLS", "1"))
COUNT = 3_000 * max(1, KILLS)
JOB = "java-kills"


@pytest.fixture(scope="module")
def classes(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    compile_java(folder, Path(__file__).parent / "java" / "Digits.java")
    return folder


@pytest.fixture
def dice():
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SEED={seed}")
    return random.Random(seed)


class Files:
    """What the job writes: rows exactly once by the files sink, lines at least once by a Java sink."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.lines = folder, folder / "out", folder / "lines"

    def published(self) -> int:
        return len(list(self.out.rglob("[!.]*.jsonl"))) if self.out.exists() else 0

    def has_published(self, count: int) -> bool:
        return self.published() >= count

    def release(self) -> None:
        (self.folder / "released").touch()

    def check(self) -> None:
        rows = json_rows(self.out)
        counts = defaultdict(list)
        for row in rows:
            counts[row["digit"]].append(row["count"])
        assert {d: sorted(c) for d, c in counts.items()} == {
            d: list(range(1, COUNT // 10 + 1)) for d in range(10)
        }
        assert sorted(row["value"] for row in rows) == list(range(COUNT))
        assert_nothing_left(self.out, self.folder / "state")
        assert set(self.lines.read_text().split()) == {str(n) for n in range(COUNT)}


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


@pytest.fixture
def job(files, classes, ray_driver):
    """Two sources, two keyed tasks with the files sink, and a sink, all in Java; a worker for each."""
    ctx = StreamingContext(
        runtime="ray",
        checkpoint_dir=files.folder / "state",
        checkpoint_interval="200ms",
        java_classpath=[classes],
        java_memory="64MB",
        spares=1 if KILLS > 1 else 0,
        workers=None if KILLS > 1 else 2,
    )
    numbers = ctx.from_java("Digits$Numbers", COUNT, str(files.folder)).set_parallelism(2)
    sums = numbers.map("Digits$Count").key_by("Digits$Digit").reduce("Digits$Sum").set_parallelism(2)
    sums.map("Digits$Row").as_python_stream().write_files(files.out, format="jsonl")
    numbers.sink("Digits$Lines", str(files.lines)).set_parallelism(1)
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
    for _ in range(KILLS):
        time.sleep(dice.uniform(0, 1.5))
        master = ray_driver.master(JOB)
        workers = {w.name for w in ray_driver.workers(JOB, at_least=2)}
        master.signal(signal.SIGKILL)
        eventually(partial(is_replaced, ray_driver, master), "another master")
        eventually(lambda: job.status().state == "running", "the job runs")
        assert workers & set(ray_driver.names()), "no worker has lived on"
    files.release()
    job.wait()
    files.check()
