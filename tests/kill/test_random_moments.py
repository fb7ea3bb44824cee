"""SIGKILL at 196 random moments over eight pipelines; after each the same command. SEED=n repeats a run."""

import itertools
import os
import random

import pytest

from raystreaming_test_support.events import load_topic
from raystreaming_test_support.kill_job import KillJob, random_kills, report_restarts

COUNT = 60_000

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.mark.parametrize(
    ("name", "kills"),
    [
        ("kafka", 28),
        ("files", 24),
        ("formats", 24),
        ("lasting", 24),
        ("s3", 24),
        ("collection", 24),
        ("java", 24),
        ("everywhere", 24),
    ],
)
def test_random_kills(name, kills, tmp_path, kafka_topic, request):
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SEED={seed}")
    env = {}
    if name == "kafka":
        broker = request.getfixturevalue("kafka_broker")
        env = {"SERVERS": broker.servers, "TOPIC": kafka_topic()}
        load_topic(env["SERVERS"], env["TOPIC"], COUNT, partitions=3)
    if name == "s3":
        server = request.getfixturevalue("s3_server")
    if name in ("java", "everywhere"):
        env = request.getfixturevalue("classes")
    number = itertools.count()
    counts = {"formats": COUNT // 5}  # of each format

    def job():
        n = next(number)
        own = server.kill_env(f"kill-{os.getpid()}-{n}") if name == "s3" else env
        return KillJob(name, tmp_path / str(n), counts.get(name, COUNT), own).prepare()

    jobs = list(random_kills(job, kills, random.Random(seed)))
    report_restarts(jobs)
    assert sum(job.kills for job in jobs) == kills
    assert sum(len(job.resumed()) for job in jobs) >= kills // 4, "too few kills hit a running job"
