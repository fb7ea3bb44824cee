"""Files and Kafka partitions that appear while a job runs are read by it, once."""

from __future__ import annotations

import time

import pytest

from raystreaming import StreamingContext
from raystreaming.connector import BatchSink, option
from raystreaming_test_support.topics import create_topic, grow_topic, produce_all

PATIENCE = 60

pytestmark = pytest.mark.runtimes(
    "embedded", because="they watch the rows of a job that runs, in its process"
)


class ListSink(BatchSink[object]):
    rows: list[object] = option(doc="Where the records go.")

    def write_batch(self, values):
        self.rows.extend(values)


def wait_for(rows, expected):
    deadline = time.monotonic() + PATIENCE
    while sorted(rows) != sorted(expected):
        assert time.monotonic() < deadline, f"{rows} instead of {expected}"
        time.sleep(0.02)


def test_files(tmp_path):
    folder, rows = tmp_path / "in", []
    folder.mkdir()
    (folder / "a.txt").write_text("a1\na2\n")

    def job():
        ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="60s")
        lines = ctx.read_files(folder, format="text", watch=True, discover_every="50ms").set_parallelism(2)
        lines.sink(ListSink(rows=rows))
        return ctx.submit("watch")

    running = job()
    wait_for(rows, ["a1", "a2"])
    for name in "bc":
        (tmp_path / name).write_text(f"{name}1\n")
        (tmp_path / name).rename(folder / f"{name}.txt")
        wait_for(rows, ["a1", "a2", "b1"] if name == "b" else ["a1", "a2", "b1", "c1"])
    running.stop()
    running.wait()
    (folder / "d.txt").write_text("d1\n")
    again = job()
    wait_for(rows, ["a1", "a2", "b1", "c1", "d1"])
    again.stop()
    assert again.wait().status().state == "stopped"
    assert sorted(rows) == ["a1", "a2", "b1", "c1", "d1"], "none twice"


@pytest.mark.parametrize("start", ["earliest", "latest"])
def test_kafka_partitions(kafka_broker, kafka_topic, start):
    """A partition found later is read from its first message, whatever `start` says."""
    servers, topic, rows = kafka_broker.servers, kafka_topic("growing"), []
    create_topic(servers, topic)
    produce_all(servers, topic, [(0, b"first")])
    ctx = StreamingContext(checkpoint_interval="60s")
    messages = ctx.read_kafka(
        servers=servers, topics=[topic], start=start, format="string", discover_every="100ms"
    )
    messages.set_parallelism(2).sink(ListSink(rows=rows))
    job = ctx.submit("grow")
    expected = ["first"] if start == "earliest" else []
    wait_for(rows, expected)
    grow_topic(servers, topic, 3)
    produce_all(servers, topic, [(1, b"one"), (2, b"two")])
    wait_for(rows, [*expected, "one", "two"])
    job.stop()
    job.wait()
