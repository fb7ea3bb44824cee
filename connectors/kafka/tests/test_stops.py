"""A bounded job ends at the offsets planned, whatever lies in front of them or comes after them."""

from __future__ import annotations

import time

import pytest
from confluent_kafka import Consumer, TopicPartition

from raystreaming.connector import KnownSplit, PlanContext, Terminal


def numbered(count, lead="m"):
    return [f"{lead}{i}".encode() for i in range(count)]


def payloads(splits):
    return {split.id: (split.payload["start"], split.payload["stop"]) for split in splits}


def test_what_comes_after_the_plan_is_not_read(kafka, client):
    topic = kafka.topic(2)
    kafka.produce(topic, numbered(30), 0)
    kafka.produce(topic, numbered(20), 1)
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    assert payloads(splits) == {f"{topic}-0": (0, 30), f"{topic}-1": (0, 20)}
    kafka.produce(topic, numbered(5000, "late"), 0)
    reader = kafka.open(source, splits)
    drained = kafka.drain(reader, ends=2, limit=1000)
    assert drained.rows == {f"{topic}-0": numbered(30), f"{topic}-1": numbered(20)}
    assert drained.positions == {f"{topic}-0": 30, f"{topic}-1": 20}
    assert reader.read(10, time.monotonic() + 0.1) is None, "an ended reader has nothing to say"
    reader.close()


def test_one_partition_ends_while_others_go_on(kafka, client):
    topic = kafka.topic(2)
    kafka.produce(topic, numbered(3), 0)
    kafka.produce(topic, numbered(3000), 1)
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    kafka.produce(topic, numbered(3000, "late"), 0)
    reader = kafka.open(source, splits)
    drained = kafka.drain(reader, ends=2, limit=100)
    reader.close()
    assert drained.rows == {f"{topic}-0": numbered(3), f"{topic}-1": numbered(3000)}
    assert sorted(drained.ends) == [f"{topic}-0", f"{topic}-1"]


def test_empty_partitions_end_at_once(kafka, client):
    topic = kafka.topic(3)
    kafka.produce(topic, numbered(10), 1)
    drained = kafka.read_all(kafka.source(topic, client=client))
    assert drained.rows == {f"{topic}-0": [], f"{topic}-1": numbered(10), f"{topic}-2": []}
    assert len(drained.ends) == 3
    assert kafka.read_all(kafka.source(kafka.topic(2), client=client)).count == 0


def test_an_empty_end_of_the_partition_is_reached(kafka, client):
    """Everything was deleted: the partition begins where it ends, and that is not zero."""
    topic = kafka.topic()
    kafka.produce(topic, numbered(10))
    kafka.delete_before(topic, 10)
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    assert payloads(splits) == {f"{topic}-0": (10, 10)}
    reader = kafka.open(source, splits)
    assert kafka.drain(reader, ends=1).count == 0
    reader.close()


@pytest.mark.parametrize("how", ["committed", "aborted"])
def test_a_transaction_at_the_tail(kafka, client, how):
    """Its mark takes an offset before the stop, which no message ever reaches."""
    topic = kafka.topic(2)
    kafka.produce(topic, numbered(10))
    kafka.transaction(topic, numbered(7, "t"), how)
    drained = kafka.read_all(kafka.source(topic, client=client))
    assert drained.rows[f"{topic}-0"] == numbered(10) + (numbered(7, "t") if how == "committed" else [])
    assert drained.positions[f"{topic}-0"] == 18
    assert len(drained.ends) == 2


def test_a_tail_of_nothing_but_aborted_transactions_and_messages_after_the_stop(kafka, client):
    topic = kafka.topic()
    kafka.transaction(topic, numbered(500, "a"), "aborted")
    kafka.transaction(topic, numbered(500, "b"), "aborted")
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    kafka.produce(topic, numbered(50, "late"))
    reader = kafka.open(source, splits)
    drained = kafka.drain(reader, ends=1)
    reader.close()
    assert (drained.rows, drained.positions) == ({f"{topic}-0": []}, {f"{topic}-0": 1002})


def test_an_open_transaction_is_beyond_the_stop(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, numbered(10))
    producer = kafka.transaction(topic, numbered(5, "open"), "open")
    kafka.produce(topic, numbered(5, "behind"))
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    assert payloads(splits) == {f"{topic}-0": (0, 10)}
    reader = kafka.open(source, splits)
    assert kafka.drain(reader, ends=1).rows == {f"{topic}-0": numbered(10)}
    reader.close()
    producer.commit_transaction()
    kafka.wait_for_mark(topic, 0)
    known = {f"{topic}-0": KnownSplit(splits[0], 10, True)}
    again = source.plan(PlanContext(known=known))
    reader = kafka.open(source, again, {f"{topic}-0": 10})
    assert kafka.drain(reader, ends=1).rows == {f"{topic}-0": numbered(5, "open") + numbered(5, "behind")}
    reader.close()


def test_aborted_messages_are_never_given_between_others(kafka, client):
    topic = kafka.topic()
    expected = []
    for i in range(4):
        kafka.transaction(topic, numbered(20, f"no{i}-"), "aborted")
        kafka.transaction(topic, numbered(20, f"yes{i}-"), "committed")
        kafka.produce(topic, numbered(3, f"plain{i}-"))
        expected += numbered(20, f"yes{i}-") + numbered(3, f"plain{i}-")
    drained = kafka.read_all(kafka.source(topic, client=client))
    assert drained.rows == {f"{topic}-0": expected}
    for position in sorted({f.position for f in drained.fetched} | {1, 20, 21, 22, 42, 70}):
        rows = kafka.read_all(kafka.source(topic, client=client), {f"{topic}-0": position}).rows
        assert rows[f"{topic}-0"] == expected[len(expected) - len(rows[f"{topic}-0"]) :]


def compacted(kafka):
    """Make a topic whose first segments have holes, at their ends too."""
    topic = kafka.topic(
        cleanup_policy="compact",
        segment_ms="100",
        min_cleanable_dirty_ratio="0.01",
        min_compaction_lag_ms="0",
        max_compaction_lag_ms="200",
    )
    for round_ in range(4):
        values = numbered(50, f"r{round_}-")
        kafka.produce(topic, values, keys=[b"k%d" % (i % 7) for i in range(50)])
        time.sleep(0.15)
    return topic


def content(kafka, topic):
    """Read offsets and values with a plain consumer."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.servers,
            "group.id": "plain",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,  # the end is told with a fetch that brings nothing
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    while True:
        message = consumer.poll(30)
        assert message is not None
        if message.error():
            consumer.close()
            return found
        found.append((message.offset(), message.value()))


def while_nothing_changes(kafka, topic, read):
    """Return what the topic holds and what `read` returns, once compaction did nothing in between."""
    deadline = time.monotonic() + 60
    found = content(kafka, topic)
    while True:
        result = read()
        before, found = found, content(kafka, topic)
        if found == before:
            return found, result
        assert time.monotonic() < deadline, "the broker does not end compacting"


def test_a_compacted_topic(kafka, client):
    topic = compacted(kafka)
    deadline = time.monotonic() + 60
    while len(content(kafka, topic)) > 120:
        assert time.monotonic() < deadline, "the broker did not compact"
        time.sleep(0.1)
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    assert payloads(splits) == {f"{topic}-0": (0, 200)}
    found, drained = while_nothing_changes(kafka, topic, lambda: kafka.read_all(source))
    assert drained.rows == {f"{topic}-0": [value for _, value in found]}
    # Stops that lie in holes, as those of a killed run may do when compaction has gone on.
    there = {offset for offset, _ in found}
    holes = [offset for offset in range(1, 200) if offset not in there][::17]
    assert len(holes) >= 3
    for stop in holes:
        cut = [type(split)(split.id, {**split.payload, "stop": stop}) for split in splits]

        def up_to_the_hole(cut=cut):
            return kafka.drain(kafka.open(source, cut), ends=1, limit=10)

        found, drained = while_nothing_changes(kafka, topic, up_to_the_hole)
        assert drained.rows == {f"{topic}-0": [value for offset, value in found if offset < stop]}
        assert drained.positions == {f"{topic}-0": stop}


def test_a_finished_job_run_again_reads_what_is_new(kafka, client):
    topic = kafka.topic(2)
    kafka.produce(topic, numbered(10), 0)
    source = kafka.source(topic, client=client)
    first = source.plan(PlanContext())
    known = {split.id: KnownSplit(split, split.payload["stop"], True) for split in first}
    kafka.produce(topic, numbered(4, "new"), 0)
    kafka.produce(topic, numbered(2, "new"), 1)
    again = source.plan(PlanContext(known=known))
    assert [split.id for split in again] == [split.id for split in first]
    reader = kafka.open(source, again, {name: split.position for name, split in known.items()})
    assert kafka.drain(reader, ends=2).rows == {
        f"{topic}-0": numbered(4, "new"),
        f"{topic}-1": numbered(2, "new"),
    }
    reader.close()


def test_a_new_partition_is_read_from_its_start_even_by_a_job_that_began_at_the_end(kafka, client):
    topic = kafka.topic(2)
    kafka.produce(topic, numbered(10), 0)
    kafka.produce(topic, numbered(10), 1)
    source = kafka.source(topic, client=client, start="latest", stop=None)
    first = source.plan(PlanContext())
    assert payloads(first) == {f"{topic}-0": (10, None), f"{topic}-1": (10, None)}
    known = {f"{topic}-0": KnownSplit(first[0], 10, False)}
    assert payloads(source.plan(PlanContext(known=known))) == {
        f"{topic}-0": (10, None),
        f"{topic}-1": (0, None),
    }


def test_a_topic_made_anew_is_noticed(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, numbered(5))
    source = kafka.source(topic, client=client)
    (split,) = source.plan(PlanContext())
    with pytest.raises(Terminal, match=rf"{topic}.*partition 0, ends at 5 .*read up to 900.*--fresh"):
        source.plan(PlanContext(known={split.id: KnownSplit(split, 900, True)}))
