"""Every record once, whoever reads which partition, and wherever a restart goes on."""

from __future__ import annotations

import threading
import time

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from raystreaming.connector import PlanContext, Terminal
from raystreaming.records import rows_of


def numbered(count, lead="m"):
    return [f"{lead}{i}".encode() for i in range(count)]


@pytest.fixture
def three(kafka):
    """A topic of three partitions and what is in them."""
    topic = kafka.topic(3)
    content = {}
    for partition, count in enumerate((400, 250, 37)):
        content[f"{topic}-{partition}"] = numbered(count, f"p{partition}-")
        kafka.produce(topic, content[f"{topic}-{partition}"], partition)
    return topic, content


@pytest.mark.parametrize("readers", [1, 2, 3])
def test_all_partitions_are_read_once_by_any_number_of_readers(kafka, three, client, readers):
    topic, content = three
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext(parallelism=readers))
    assert [split.id for split in splits] == list(content)
    rows = {}
    for task in range(readers):
        mine = splits[task::readers]
        reader = kafka.open(source, mine, task=task, parallelism=readers)
        drained = kafka.drain(reader, ends=len(mine), limit=64)
        reader.close()
        assert sorted(drained.ends) == sorted(split.id for split in mine)
        assert not rows.keys() & drained.rows.keys()
        rows |= drained.rows
    assert rows == content


def test_planning_twice_gives_the_same_splits(kafka, three, client):
    topic, _ = three
    source = kafka.source(topic, client=client)
    assert source.plan(PlanContext()) == source.plan(PlanContext(parallelism=7))


def test_both_clients_plan_the_same(kafka, three):
    topic, _ = three
    committed = {"start": "committed", "group": f"g-{topic}"}
    for options in ({}, {"start": "latest"}, {"stop": None}, committed):
        plans = [
            kafka.source(topic, client=c, **options).plan(PlanContext())
            for c in ("confluent", "kafka-python")
        ]
        assert plans[0] == plans[1]


def test_planning_does_not_stumble_over_a_topic_made_just_now(kafka, kafka_topic, client):
    """Its partitions have leaders, which do not all know it yet."""
    admin = AdminClient({"bootstrap.servers": kafka.servers})
    for _ in range(10):
        topic = kafka_topic("new")
        admin.create_topics([NewTopic(topic, 8, 1)])[topic].result(60)
        deadline = time.monotonic() + 30
        while True:
            try:
                splits = kafka.source(topic, client=client).plan(PlanContext())
                break
            except Terminal:  # the topic itself may be unknown for a moment
                assert time.monotonic() < deadline
        assert len(splits) <= 8


def test_several_topics(kafka, client):
    topics = [kafka.topic(2), kafka.topic(2)]
    content = {}
    for topic in topics:
        for partition in range(2):
            content[f"{topic}-{partition}"] = numbered(100, f"{topic}{partition}-")
            kafka.produce(topic, content[f"{topic}-{partition}"], partition)
    assert kafka.read_all(kafka.source(topics, client=client)).rows == content


def test_restore_at_every_position(kafka, client):
    topic = kafka.topic(2)
    kafka.produce(topic, numbered(23), 0)
    kafka.produce(topic, numbered(11), 1)
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    for position in [None, *range(24)]:
        positions = {f"{topic}-0": position, f"{topic}-1": None if position is None else min(position, 11)}
        reader = kafka.open(source, splits, positions)
        drained = kafka.drain(reader, ends=2, limit=5)
        reader.close()
        assert drained.rows == {
            f"{topic}-0": numbered(23)[position or 0 :],
            f"{topic}-1": numbered(11)[min(position or 0, 11) :],
        }
        assert drained.positions == {f"{topic}-0": 23, f"{topic}-1": 11}


def test_snapshots_between_batches_lose_and_repeat_nothing(kafka, three, client):
    """Stop after every second batch, leave the reader as a kill does, go on with the next one."""
    topic, content = three
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    positions, rows, ended, left_behind = {}, {split.id: [] for split in splits}, set(), []
    while len(ended) < len(splits):
        reader = kafka.open(source, [s for s in splits if s.id not in ended], positions)
        left_behind.append(reader)
        for _ in range(2):
            fetched = None
            while fetched is None and len(ended) < len(splits):
                fetched = reader.read(90, time.monotonic() + 1)
            if fetched is None:
                break
            positions[fetched.split] = fetched.position
            if fetched.batch is not None:
                rows[fetched.split] += rows_of(fetched.batch.values)
            if fetched.end:
                ended.add(fetched.split)
    for reader in left_behind:
        reader.close()
    assert rows == content
    assert len(left_behind) > 3


def test_the_position_is_that_after_the_batch_given_out_not_after_what_was_fetched(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, numbered(100))
    source = kafka.source(topic, client=client)
    reader = kafka.open(source, source.plan(PlanContext()))
    seen = 0
    for fetched in kafka.drain(reader, ends=1, limit=7).fetched:
        seen += len(fetched.batch or ())
        assert fetched.position == seen
    reader.close()


def test_what_is_left_when_the_limit_shrinks_is_given_later(kafka, three, client):
    topic, content = three
    source = kafka.source(topic, client=client)
    reader = kafka.open(source, source.plan(PlanContext()))
    time.sleep(0.5)  # all are fetched, so that one poll brings several partitions
    drained = kafka.drain(reader, records=1, limit=600)
    kafka.drain(reader, records=drained.count + 3, limit=3, into=drained)
    kafka.drain(reader, ends=3, limit=7, into=drained)
    reader.close()
    assert drained.rows == content


def test_splits_may_come_later(kafka, three, client):
    topic, content = three
    source = kafka.source(topic, client=client)
    first, second, third = source.plan(PlanContext())
    reader = kafka.open(source, [first])
    drained = kafka.drain(reader, records=10, limit=10)
    reader.add_splits([(second, None)])
    kafka.drain(reader, records=300, limit=10, into=drained)
    reader.add_splits([(third, None)])
    kafka.drain(reader, ends=3, into=drained)
    reader.close()
    assert drained.rows == content


def test_an_endless_source_gives_what_comes_and_waits_no_longer_than_told(kafka, client):
    topic = kafka.topic()
    source = kafka.source(topic, client=client, stop=None)
    assert not source.bounded
    reader = kafka.open(source, source.plan(PlanContext()))
    started = time.monotonic()
    assert reader.read(10, started + 0.3) is None
    assert 0.25 < time.monotonic() - started < 60
    for round_ in range(3):
        kafka.produce(topic, numbered(5, f"r{round_}-"))
        drained = kafka.drain(reader, records=5)
        assert drained.rows == {f"{topic}-0": numbered(5, f"r{round_}-")}
        assert drained.positions == {f"{topic}-0": 5 * (round_ + 1)}
        assert not drained.ends
    reader.close()


def test_start_latest_skips_what_is_there(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, numbered(5, "old"))
    source = kafka.source(topic, client=client, start="latest", stop=None)
    splits = source.plan(PlanContext())
    kafka.produce(topic, numbered(5, "new"))
    reader = kafka.open(source, splits)
    assert kafka.drain(reader, records=5).rows == {f"{topic}-0": numbered(5, "new")}
    reader.close()


def test_messages_without_value_and_text(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, [b"a", None, b"", "ü".encode()])
    assert kafka.read_all(kafka.source(topic, client=client)).rows == {
        f"{topic}-0": [b"a", None, b"", b"\xc3\xbc"]
    }
    rows = kafka.read_all(kafka.source(topic, client=client, format="string")).rows
    assert rows == {f"{topic}-0": ["a", None, "", "ü"]}


def test_large_messages_make_small_batches(kafka, client):
    topic = kafka.topic()
    values = [bytes([65 + i]) * 700_000 for i in range(20)]
    kafka.produce(topic, values)
    source = kafka.source(topic, client=client)
    reader = kafka.open(source, source.plan(PlanContext()))
    time.sleep(1)  # all are fetched before the first is asked for
    drained = kafka.drain(reader, ends=1)
    reader.close()
    assert drained.rows == {f"{topic}-0": values}
    assert max(len(f.batch) for f in drained.fetched if f.batch) <= 8


def test_a_tiny_prefetch_reads_all(kafka, client):
    topic = kafka.topic(2)
    values = [b"%07d" % i * 30 for i in range(20_000)]
    kafka.produce(topic, values, 0)
    kafka.produce(topic, values, 1)
    rows = kafka.read_all(kafka.source(topic, client=client, prefetch_memory="1MiB")).rows
    assert rows == {f"{topic}-0": values, f"{topic}-1": values}


def test_closing_twice_leaves_no_thread(kafka, three, client):
    topic, _ = three
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    before = set(threading.enumerate())
    reader = kafka.open(source, splits)
    kafka.drain(reader, records=1)
    reader.close()
    reader.close()
    deadline = time.monotonic() + 60
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not set(threading.enumerate()) - before
