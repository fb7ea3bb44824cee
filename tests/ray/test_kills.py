"""SIGKILL of workers, masters and drivers at random moments: the output is that of a run without failure.

The session `ray_kills` sets RAYSTREAMING_RAY_KILLS=20. SEED=n repeats the choices of a run.
"""

from __future__ import annotations

import os
import random
import signal
import time
from functools import partial

import pytest

from raystreaming_test_support.events import load_topic
from raystreaming_test_support.programs import Program
from raystreaming_test_support.ray_cluster import eventually
from raystreaming_test_support.ray_jobs import RayJobFiles, build

pytestmark = [pytest.mark.ray, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("RAYSTREAMING_RAY_KILLS", "2"))
COUNT = 40_000 * max(1, KILLS // 3)


@pytest.fixture
def dice():
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SEED={seed}")
    return random.Random(seed)


@pytest.fixture(params=["words", pytest.param("kafka", marks=pytest.mark.slow)])
def files(request, tmp_path, kafka_topic):
    if request.param == "words":
        return RayJobFiles("words", tmp_path, COUNT)
    servers, topic = request.getfixturevalue("kafka_broker").servers, kafka_topic()
    load_topic(servers, topic, COUNT, partitions=3)
    return RayJobFiles("kafka", tmp_path, COUNT, servers, topic)


@pytest.fixture
def job(files, ray_driver):
    """A job that runs; whatever the test does, it is over afterwards."""
    job = build(files.name, files.folder, files.env["SERVERS"], files.env["TOPIC"]).submit(files.name)
    yield job
    job.cancel()
    job.wait()
    eventually(lambda: not ray_driver.names(), "an empty cluster")


def gone(cluster, actor):
    eventually(lambda: actor.pid not in {a.pid for a in cluster.actors()}, f"the end of {actor}")


def test_workers(job, files, dice, ray_driver):
    for kill in range(KILLS):
        if kill % 2 == 0:  # the other kills may come before the job is on its feet again
            eventually(partial(files.has_published, files.published() + 1), "another file")
        time.sleep(dice.uniform(0, 1.5))
        dice.choice(ray_driver.workers(files.name, at_least=3)).signal(signal.SIGKILL)
    files.release()
    job.wait()
    files.check()
    assert job.status().restarts >= KILLS / 2


def test_masters(job, files, dice, ray_driver):
    lived_on = 0  # Not every time: a master may die before it has found the workers.
    for _ in range(KILLS):
        time.sleep(dice.uniform(0, 1.5))
        master = ray_driver.master(files.name)
        workers = {w.name for w in ray_driver.workers(files.name, at_least=3)}
        master.signal(signal.SIGKILL)
        gone(ray_driver, master)
        eventually(lambda: job.status().state == "running", "the job runs")
        lived_on += bool(workers & set(ray_driver.names()))
    files.release()
    job.wait()
    files.check()
    assert lived_on >= KILLS // 2, "workers do not live on without their master"


def test_drivers_then_the_same_command(files, dice, ray_cluster):
    for _ in range(KILLS):
        with Program(files.argv, files.env, files.folder) as program:
            if dice.random() < 0.7:
                next_file = files.published() + 1
                program.until(partial(files.has_published, next_file), "the next file")
            time.sleep(dice.uniform(0, 1.5))
            program.signal(signal.SIGKILL)
            assert program.end() == -signal.SIGKILL, program.stderr
    files.release()
    with Program(files.argv, files.env, files.folder) as program:
        assert program.end() == 0, program.stderr
    files.check()
    eventually(lambda: not ray_cluster.names(), "an empty cluster")
