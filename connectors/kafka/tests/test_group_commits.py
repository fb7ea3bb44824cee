"""Committing to the group is for lag tools: seen from outside, and never in the way."""

from __future__ import annotations

import logging
import time

from confluent_kafka import Consumer, TopicPartition

from raystreaming.connector import PlanContext


def committed(kafka, group, topic, partitions=2):
    consumer = Consumer({"bootstrap.servers": kafka.servers, "group.id": group})
    places = consumer.committed([TopicPartition(topic, p) for p in range(partitions)], timeout=30)
    consumer.close()
    return [place.offset for place in places]


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_commits_are_visible_to_the_group(kafka, client):
    topic = kafka.topic(2)
    kafka.produce(topic, [b"x"] * 50, 0)
    group = f"g-{topic}"
    source = kafka.source(topic, client=client, group=group)
    splits = source.plan(PlanContext())
    reader = kafka.open(source, splits)
    kafka.drain(reader, records=50)
    reader.commit({f"{topic}-0": 20, f"{topic}-1": None})
    wait_for(
        lambda: reader.read(1, time.monotonic() + 0.05) is None and committed(kafka, group, topic)[0] == 20
    )
    reader.commit({f"{topic}-0": 50, f"{topic}-1": 0, "unknown-7": 3})
    reader.close()
    wait_for(lambda: committed(kafka, group, topic) == [50, 0])


def test_the_commit_of_an_ended_job_gets_out(kafka, client):
    """The last checkpoint comes after the last read, and close follows at once."""
    topic = kafka.topic(2)
    kafka.produce(topic, [b"x"] * 50, 0)
    kafka.produce(topic, [b"x"] * 5, 1)
    group = f"g-{topic}"
    source = kafka.source(topic, client=client, group=group)
    splits = source.plan(PlanContext())
    reader = kafka.open(source, splits)
    positions = kafka.drain(reader, ends=2).positions
    assert committed(kafka, group, topic) == [-1001, -1001]  # and the broker has what it keeps them in
    reader.commit(positions)
    reader.close()
    assert committed(kafka, group, topic) == [50, 5]


def test_without_a_group_nothing_is_committed(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, [b"x"] * 5)
    source = kafka.source(topic, client=client)
    reader = kafka.open(source, source.plan(PlanContext()))
    kafka.drain(reader, ends=1)
    reader.commit({f"{topic}-0": 5})
    reader.close()
    assert committed(kafka, "raystreaming-without-group", topic, 1) == [-1001]


def test_starting_at_the_offsets_of_the_group(kafka, client):
    topic = kafka.topic(2)
    kafka.produce(topic, [b"%d" % i for i in range(30)], 0)
    kafka.produce(topic, [b"%d" % i for i in range(5)], 1)
    group = f"g-{topic}"
    consumer = Consumer({"bootstrap.servers": kafka.servers, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, 28)], asynchronous=False)
    consumer.close()
    rows = kafka.read_all(kafka.source(topic, client=client, group=group, start="committed")).rows
    assert rows == {f"{topic}-0": [b"28", b"29"], f"{topic}-1": [b"0", b"1", b"2", b"3", b"4"]}


def test_a_commit_that_fails_is_logged_and_does_not_stop_reading(kafka, client, caplog):
    topic = kafka.topic()
    kafka.produce(topic, [b"x"] * 5)
    group = f"g-{topic}"
    member = Consumer({"bootstrap.servers": kafka.servers, "group.id": group})
    member.subscribe([topic])
    wait_for(lambda: member.poll(0.1) is not None or member.assignment())
    source = kafka.source(topic, client=client, group=group, stop=None)
    reader = kafka.open(source, source.plan(PlanContext()))
    kafka.drain(reader, records=5)
    with caplog.at_level(logging.WARNING, logger="raystreaming.kafka"):
        reader.commit({f"{topic}-0": 5})

        def logged():
            reader.read(10, time.monotonic() + 0.1)
            return any("could not be committed" in r.getMessage() for r in caplog.records)

        wait_for(logged)
    assert group in caplog.text
    kafka.produce(topic, [b"y"])
    assert kafka.drain(reader, records=1).rows == {f"{topic}-0": [b"y"]}
    reader.close()
    member.close()
