"""How many messages a reader knows to wait behind what it has given out."""

from __future__ import annotations

import time

import pytest

from raystreaming.connector import PlanContext


def numbered(count):
    return [f"m{i}".encode() for i in range(count)]


def idle_until(reader, lag):
    """Read, which brings nothing, until the reader knows that so many messages wait."""
    deadline = time.monotonic() + 60
    while reader.lag() != lag:
        fetched = reader.read(100, time.monotonic() + 0.1)
        assert fetched is None or fetched.batch is None
        assert time.monotonic() < deadline, f"lag {reader.lag()}"


@pytest.fixture
def reader_of(kafka, client):
    """Return a function that opens a reader of a topic; it is closed at the end."""
    readers = []

    def open_(topic, **options):
        source = kafka.source(topic, client=client, **options)
        readers.append(kafka.open(source, source.plan(PlanContext())))
        return readers[-1]

    yield open_
    for reader in readers:
        reader.close()


def test_a_bounded_reader_counts_up_to_its_stops(kafka, reader_of):
    topic = kafka.topic(2)
    kafka.produce(topic, numbered(100), 0)
    kafka.produce(topic, numbered(50), 1)
    reader = reader_of(topic)
    kafka.produce(topic, numbered(30), 0)  # behind the stop
    assert reader.lag() == 150, "known before anything is read"
    drained = None
    for records in range(1, 151, 7):
        drained = kafka.drain(reader, records=records, limit=7, into=drained)
        assert reader.lag() == 150 - drained.count
    kafka.drain(reader, ends=2, into=drained)
    assert reader.lag() == 0


def test_an_endless_reader_counts_up_to_the_ends_it_has_been_told_of(kafka, reader_of):
    topic = kafka.topic(2)
    kafka.produce(topic, numbered(60), 0)
    kafka.produce(topic, numbered(40), 1)
    reader = reader_of(topic, stop=None)
    assert reader.lag() in (None, 100), "not known before the broker has answered"
    drained = kafka.drain(reader, records=1, limit=10)
    while drained.count < 100:
        if set(drained.rows) == {f"{topic}-0", f"{topic}-1"}:  # both have been fetched
            assert reader.lag() == 100 - drained.count
        kafka.drain(reader, records=drained.count + 1, limit=10, into=drained)
    idle_until(reader, 0)
    kafka.produce(topic, numbered(20), 1)
    kafka.drain(reader, records=1, limit=3, into=drained)
    kafka.drain(reader, records=103, limit=1, into=drained)
    assert reader.lag() == 120 - drained.count


@pytest.mark.parametrize("client", ["confluent"])  # kafka-python fetches while it is read from only
def test_it_grows_while_nothing_is_read(kafka, reader_of):
    topic = kafka.topic()
    kafka.produce(topic, numbered(5))
    reader = reader_of(topic, stop=None)
    kafka.drain(reader, records=1, limit=1)
    deadline = time.monotonic() + 60
    for more in (0, 1000, 500):
        before = reader.lag()
        kafka.produce(topic, numbered(more))
        while reader.lag() != before + more:
            assert time.monotonic() < deadline, f"lag {reader.lag()}"
            time.sleep(0.01)


@pytest.mark.parametrize("how", ["committed", "aborted"])
def test_what_transactions_leave_behind_is_nothing_to_wait_for(kafka, reader_of, how):
    topic = kafka.topic()
    kafka.produce(topic, numbered(3))
    kafka.transaction(topic, numbered(4), how)
    reader = reader_of(topic, stop=None)
    kafka.drain(reader, records=7 if how == "committed" else 3)
    idle_until(reader, 0)


def test_messages_of_an_open_transaction_wait(kafka, reader_of):
    topic = kafka.topic()
    kafka.produce(topic, numbered(3))
    writer = kafka.transaction(topic, numbered(4), "open")
    reader = reader_of(topic, stop=None)
    kafka.drain(reader, records=3)
    idle_until(reader, 4)
    writer.commit_transaction(60)
    kafka.drain(reader, records=4)
    idle_until(reader, 0)


def test_a_reader_without_partitions_has_no_lag(kafka, client):
    reader = kafka.open(kafka.source(kafka.topic(), client=client, stop=None), [])
    assert reader.lag() == 0
    reader.close()
