"""Files to Kafka, killed at random moments: no record is lost, and what is repeated is little."""

import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest

from raystreaming_test_support.events import create_topic, make_events
from raystreaming_test_support.killing import run_and_kill, run_to_end
from raystreaming_test_support.topics import end_offsets, read_topic

pytestmark = [
    pytest.mark.runtimes("embedded", because="tests/ray kills workers, masters and drivers"),
    pytest.mark.timeout(240),
]
PROGRAM = Path(__file__).with_name("kafka_writer.py")
COUNT = 20_000
KILLS = 4


def test_none_is_lost(tmp_path, kafka_broker, kafka_topic):
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
    print(f"SEED={seed}")
    dice = random.Random(seed)
    topic = kafka_topic()
    servers = kafka_broker.servers
    create_topic(servers, topic, 3)
    (tmp_path / "in").mkdir()
    events = list(make_events(COUNT))
    for n in range(2):
        (tmp_path / "in" / f"{n}.jsonl").write_bytes(b"\n".join(events[n::2]) + b"\n")
    argv = [sys.executable, PROGRAM, tmp_path]
    env = {"SERVERS": servers, "TOPIC": topic, "COUNT": str(COUNT)}
    for _ in range(KILLS):
        before, wait = sum(end_offsets(servers, topic)), dice.uniform(0.0, 0.4)

        def arrived(before=before):
            return sum(end_offsets(servers, topic)) > before

        ended = run_and_kill(argv, when=after(arrived, wait), env=env)
        assert ended.killed, "the job had finished: the kill shows nothing"
    (tmp_path / "released").touch()
    run_to_end(argv, env=env)
    counts = Counter(orjson.loads(v)["seq"] for part in read_topic(servers, topic) for v in part)
    assert sorted(counts) == list(range(COUNT))
    starts = list(map(int, (tmp_path / "starts.txt").read_text().split()))
    assert len(starts) == KILLS + 1
    assert any(first > 1 for first in starts[1:]), "no run went on from a checkpoint"
    assert counts.total() < 2 * COUNT, "the runs did not go on, they began again"


def after(happened, seconds):
    """Return a condition that holds so many seconds after something has happened."""
    since = []

    def now():
        if not since and happened():
            since.append(time.monotonic())
        return bool(since) and time.monotonic() - since[0] >= seconds

    return now
