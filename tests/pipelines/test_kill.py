"""Ten of the hundred kills of tests/kill: SIGKILL at random moments, then the same command."""

import itertools
import os
import random

import pytest

from raystreaming_test_support.events import load_topic
from raystreaming_test_support.kill_job import KillJob, random_kills, report_restarts

pytestmark = pytest.mark.runtimes("embedded", because="tests/ray kills workers, masters and drivers")

COUNT = 30_000


@pytest.fixture
def dice():
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SEED={seed}")
    return random.Random(seed)


def kill(make, kills, dice):
    jobs = list(random_kills(make, kills, dice))
    report_restarts(jobs)
    assert sum(job.kills for job in jobs) == kills
    # The kills mean something only if they hit running jobs, which then went on in the middle.
    assert any(job.resumed() for job in jobs)


def test_kafka_to_parquet(tmp_path, dice, kafka_broker, kafka_topic):
    topic = kafka_topic()
    load_topic(kafka_broker.servers, topic, COUNT, partitions=2)
    env = {"SERVERS": kafka_broker.servers, "TOPIC": topic}
    number = itertools.count()
    kill(lambda: KillJob("kafka", tmp_path / str(next(number)), COUNT, env).prepare(), 4, dice)


def test_files_to_files(tmp_path, dice):
    number = itertools.count()
    kill(lambda: KillJob("files", tmp_path / str(next(number)), COUNT).prepare(), 3, dice)


def test_every_format(tmp_path, dice):
    number = itertools.count()
    kill(lambda: KillJob("formats", tmp_path / str(next(number)), COUNT // 10).prepare(), 2, dice)


def test_files_that_go_on_over_checkpoints(tmp_path, dice):
    number = itertools.count()
    kill(lambda: KillJob("lasting", tmp_path / str(next(number)), COUNT).prepare(), 2, dice)


def test_bucket_to_bucket(tmp_path, dice, s3_server):
    number = itertools.count()

    def job():
        n = next(number)
        env = s3_server.kill_env(f"kill-{os.getpid()}-{n}")
        return KillJob("s3", tmp_path / str(n), COUNT, env).prepare()

    kill(job, 2, dice)


def test_collection_to_files(tmp_path, dice):
    number = itertools.count()
    kill(lambda: KillJob("collection", tmp_path / str(next(number)), COUNT).prepare(), 3, dice)
