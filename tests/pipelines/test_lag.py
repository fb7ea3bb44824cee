"""How far a job is behind, while it is stopped up and when it has caught up."""

from __future__ import annotations

import time

from confluent_kafka import Producer

from raystreaming import StreamingContext
from raystreaming_test_support.events import create_topic

PATIENCE = 60


def produce(servers, topic, count):
    producer = Producer({"bootstrap.servers": servers})
    for n in range(count):
        producer.produce(topic, b"%d" % n, partition=n % 2)
    assert producer.flush(PATIENCE) == 0


def wait_for(condition, job):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, job.status()
        time.sleep(0.05)


def test_a_job_that_is_stopped_up_falls_behind_and_catches_up(kafka_broker, kafka_topic, tmp_path, request):
    servers, topic, gate = kafka_broker.servers, kafka_topic("lag"), tmp_path / "gate"
    create_topic(servers, topic, 2)
    produce(servers, topic, 1000)

    def pass_gate(message):
        while not gate.exists():
            time.sleep(0.01)
        return message

    ctx = StreamingContext()
    ctx.read_kafka(servers=servers, topics=[topic]).set_parallelism(2).map(pass_gate).sink(lambda m: None)
    job = ctx.submit("behind")

    def end():  # else a test that fails would leave it running
        gate.touch()
        job.cancel()

    request.addfinalizer(end)

    def known():
        """Return how many records the job has taken or knows to wait."""
        status = job.status()
        taken = sum(t.records_in for t in status.tasks)
        return None if status.lag is None or not taken else taken + status.lag

    wait_for(lambda: known() == 1000, job)
    before = job.status().lag
    produce(servers, topic, 600)
    wait_for(lambda: known() == 1600, job)
    assert before < job.status().lag < 1600
    gate.touch()
    wait_for(lambda: job.status().lag == 0, job)
    wait_for(lambda: known() == 1600, job)
    job.stop()
    assert job.wait().status().state == "stopped"
