"""Files and Kafka partitions that appear while a job runs are read by it, once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming.connector import BatchSink, option
from raystreaming_test_support.topics import create_topic, grow_topic, produce_all

PATIENCE = 60


class LineSink(BatchSink[object]):
    """Shows each record to the test at once, also from another process."""

    path: Path = option(doc="Gets a line for each record.")

    def write_batch(self, values):
        with self.path.open("a") as file:
            file.write("".join(f"{value}\n" for value in values))


class Shown:
    """What a job has shown so far."""

    def __init__(self, path):
        path.touch()
        self.path = path

    def wait_for(self, *expected):
        deadline = time.monotonic() + PATIENCE
        while (rows := sorted(self.path.read_text().splitlines())) != sorted(expected):
            assert time.monotonic() < deadline, f"{rows} instead of {expected}"
            time.sleep(0.02)


@pytest.fixture
def shown(tmp_path):
    return Shown(tmp_path / "shown.txt")


@pytest.mark.first_on_ray
def test_files(tmp_path, shown):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("a1\na2\n")

    def job():
        ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="60s")
        lines = ctx.read_files(folder, format="text", watch=True, discover_every="50ms").set_parallelism(2)
        lines.sink(LineSink(path=shown.path))
        return ctx.submit("watch")

    running = job()
    shown.wait_for("a1", "a2")
    for name in "bc":
        (tmp_path / name).write_text(f"{name}1\n")
        (tmp_path / name).rename(folder / f"{name}.txt")
        shown.wait_for("a1", "a2", "b1", *(["c1"] if name == "c" else []))
    running.stop()
    running.wait()
    (folder / "d.txt").write_text("d1\n")
    again = job()
    shown.wait_for("a1", "a2", "b1", "c1", "d1")
    again.stop()
    assert again.wait().status().state == "stopped"
    shown.wait_for("a1", "a2", "b1", "c1", "d1")  # none twice


@pytest.mark.parametrize("start", [pytest.param("earliest", marks=pytest.mark.first_on_ray), "latest"])
def test_kafka_partitions(kafka_broker, kafka_topic, start, shown):
    """A partition found later is read from its first message, whatever `start` says."""
    servers, topic = kafka_broker.servers, kafka_topic("growing")
    create_topic(servers, topic)
    produce_all(servers, topic, [(0, b"first")])
    ctx = StreamingContext(checkpoint_interval="60s")
    messages = ctx.read_kafka(
        servers=servers, topics=[topic], start=start, format="string", discover_every="100ms"
    )
    messages.set_parallelism(2).sink(LineSink(path=shown.path))
    job = ctx.submit("grow")
    expected = ["first"] if start == "earliest" else []
    shown.wait_for(*expected)
    grow_topic(servers, topic, 3)
    produce_all(servers, topic, [(1, b"one"), (2, b"two")])
    shown.wait_for(*expected, "one", "two")
    job.stop()
    job.wait()
