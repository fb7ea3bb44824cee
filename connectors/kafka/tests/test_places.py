"""Where reading begins and ends, which topics are read, and what happens when they are gone."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timezone

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from raystreaming.connector import KnownSplit, OptionError, PlanContext, Split, Terminal
from raystreaming_kafka import KafkaSource
from raystreaming_test_support.topics import create_topic


def at(second):
    return datetime.fromtimestamp(second, timezone.utc)


@pytest.fixture
def timed(kafka):
    """A topic whose message n is of second n + 1: 0 to 9, the even ones in partition 0."""
    topic = kafka.topic(2)
    producer = Producer({"bootstrap.servers": kafka.servers})
    for n in range(10):
        producer.produce(topic, b"%d" % n, partition=n % 2, timestamp=1000 * (n + 1))
    assert producer.flush(30) == 0
    return topic


def numbers(kafka, source):
    return sorted(int(value) for rows in kafka.read_all(source).rows.values() for value in rows)


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (at(4), {0: 4, 1: 3}, range(3, 7)),
        ("earliest", "latest", range(10)),
        (at(4), "latest", range(3, 10)),
        (at(3.5), "latest", range(3, 10)),
        (at(4), at(8), range(3, 7)),
        ("earliest", at(2), range(1)),
        (at(0), at(99), range(10)),
        (at(99), "latest", []),
        ({0: 2}, "latest", [1, 3, 4, 5, 6, 7, 8, 9]),
        ({0: 2, 1: 5}, "latest", [4, 6, 8]),
        ({0: 1, 1: 1}, {0: 3, 1: 2}, [2, 3, 4]),
        ("earliest", {0: 1, 1: 0}, [0]),
        ({0: 3}, {0: 1, 1: 1}, [1]),
    ],
)
def test_places(kafka, client, timed, start, stop, expected):
    start, stop = ({timed: place} if isinstance(place, dict) else place for place in (start, stop))
    source = kafka.source(timed, client=client, start=start, stop=stop)
    assert source.bounded
    assert numbers(kafka, source) == list(expected)


def test_a_stop_after_the_end_is_waited_for(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, [b"0"])
    source = kafka.source(topic, client=client, stop={topic: {0: 3}})
    reader = kafka.open(source, source.plan(PlanContext()))
    drained = kafka.drain(reader, records=1)
    assert not drained.ends
    kafka.produce(topic, [b"1", b"2", b"beyond"])
    kafka.drain(reader, ends=1, into=drained)
    reader.close()
    assert drained.rows == {f"{topic}-0": [b"0", b"1", b"2"]}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"start": {0: 6}}, r"start= names offset 6 of topic .*, partition 0, but .* has 0 to 5 only"),
        ({"stop": {0: 5}}, r"gives no offset for \S+-1: name one for every partition"),
        ({"start": {7: 0}}, r"has offsets for \S+-7, which the job does not read"),
    ],
)
def test_offsets_that_are_not_there(kafka, client, timed, options, said):
    options = {name: {timed: place} for name, place in options.items()}
    with pytest.raises(Terminal, match=said):
        kafka.source(timed, client=client, **options).plan(PlanContext())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"topics": []}, "at least one topic, or give topic_pattern="),
        ({"topic_pattern": "x"}, "exclude each other"),
        ({"topics": [], "topic_pattern": "("}, "no regular expression"),
        ({"start": datetime(2026, 1, 1)}, "option 'start' needs a time zone"),
        ({"stop": {"t": {0: -1}}}, "offsets below 0"),
        ({"stop": "earliest"}, "'latest' or datetime or"),
        ({"start": {"t": 5}}, "must be"),
        ({"key_format": "string"}, "needs with_metadata=True"),
    ],
)
def test_what_is_wrong_is_said(options, problem):
    with pytest.raises(OptionError) as caught:
        KafkaSource(**{"topics": ["t"], "servers": "h:1", **options})
    (found,) = caught.value.problems
    assert problem in found


# Patterns --------------------------------------------------------------------------------


def test_a_pattern_reads_what_fits_whole(kafka, client):
    lead = kafka.topic()
    wanted = [f"{lead}-clicks-{n}" for n in "ab"]
    for topic in (*wanted, f"{lead}-clicks-", f"x-{lead}-clicks-a"):
        create_topic(kafka.servers, topic, 1)
        kafka.produce(topic, [topic.encode()])
    source = kafka.source([], client=client, topic_pattern=rf"{lead}-clicks-\w")
    assert kafka.read_all(source).rows == {f"{topic}-0": [topic.encode()] for topic in wanted}


def test_a_pattern_finds_new_topics_and_reads_them_from_the_beginning(kafka, client):
    lead = kafka.topic()
    kafka.produce(lead, [b"old"])
    source = kafka.source([], client=client, topic_pattern=f"{lead}.*", start="latest", stop=None)
    (split,) = source.plan(PlanContext())
    assert split.payload["start"] == 1
    create_topic(kafka.servers, f"{lead}-new", 1)
    kafka.produce(f"{lead}-new", [b"new"])
    known = {split.id: KnownSplit(split, 1, False)}
    planned = {s.id: s.payload["start"] for s in source.plan(PlanContext(known=known))}
    assert planned == {f"{lead}-0": 1, f"{lead}-new-0": 0}


def test_a_pattern_that_fits_nothing(kafka, client):
    with pytest.raises(Terminal, match=r"topic_pattern='no-such-.\*'.* no topic at .* fits it whole"):
        kafka.source([], client=client, topic_pattern="no-such-.*").plan(PlanContext())


def test_internal_topics_fit_no_pattern(kafka, client):
    topic = kafka.topic()
    kafka.transaction(topic, [b"x"], "committed")  # makes __transaction_state
    splits = kafka.source([], client=client, topic_pattern=".*", stop=None).plan(PlanContext())
    assert f"{topic}-0" in [split.id for split in splits]
    assert not [split.id for split in splits if split.id.startswith("__")]


# What was lost ---------------------------------------------------------------------------


def test_what_was_lost_while_the_job_stood_still(kafka, client, caplog):
    topic = kafka.topic()
    kafka.produce(topic, [b"%d" % n for n in range(100)])
    source = kafka.source(topic, client=client, on_lost="earliest")
    splits = source.plan(PlanContext())
    kafka.delete_before(topic, 60)
    counted = {}
    reader = kafka.open(source, splits, {f"{topic}-0": 10}, count=lambda name, n: counted.update({name: n}))
    caplog.set_level(logging.WARNING, logger="raystreaming.kafka")
    drained = kafka.drain(reader, ends=1)
    reader.close()
    assert drained.rows == {f"{topic}-0": [b"%d" % n for n in range(60, 100)]}
    assert counted == {"lost": 50}
    assert "offset 10 was to be read, but the earliest available is 60" in caplog.text
    assert "50 offsets are lost" in caplog.text


def test_all_up_to_the_stop_was_lost(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, [b"%d" % n for n in range(10)])
    source = kafka.source(topic, client=client, on_lost="earliest", stop={topic: {0: 5}})
    splits = source.plan(PlanContext())
    kafka.delete_before(topic, 7)
    drained = kafka.drain(kafka.open(source, splits, {f"{topic}-0": 1}), ends=1)
    assert drained.count == 0
    assert drained.positions == {f"{topic}-0": 5}


@pytest.mark.parametrize("on_lost", ["fail", "earliest"])
def test_committed_offsets_that_retention_has_passed(kafka, client, on_lost, caplog):
    topic = kafka.topic()
    kafka.produce(topic, [b"%d" % n for n in range(10)])
    source = kafka.source(topic, client=client, group=f"g-{topic}", start="committed", on_lost=on_lost)
    group = Consumer({"bootstrap.servers": kafka.servers, "group.id": f"g-{topic}"})
    group.commit(offsets=[TopicPartition(topic, 0, 3)], asynchronous=False)
    group.close()
    kafka.delete_before(topic, 7)
    if on_lost == "earliest":
        assert numbers(kafka, source) == [7, 8, 9]
        assert "4 offsets are lost" in caplog.text
    else:
        said = rf"group 'g-{topic}' has committed offset 3 of topic .* 7 to 10 only.*on_lost='earliest'"
        with pytest.raises(Terminal, match=said):
            source.plan(PlanContext())


def test_a_topic_that_was_deleted_between_two_runs(kafka, client):
    lead = kafka.topic()
    gone = Split(f"{lead}-gone-0", {"topic": f"{lead}-gone", "partition": 0, "start": 0, "stop": None})
    for topics in ({"topic_pattern": f"{lead}.*"}, {"topics": [lead, f"{lead}-gone"]}):
        source = KafkaSource(**{"servers": kafka.servers, "client": client, **topics})
        with pytest.raises(Terminal, match=rf"'{lead}-gone'"):
            source.plan(PlanContext(known={gone.id: KnownSplit(gone, 5, False)}))


@pytest.mark.long
def test_a_topic_that_is_deleted_while_it_is_read(own_kafka, client):
    kafka = own_kafka
    topic, other = kafka.topic(), kafka.topic()
    kafka.produce(topic, [b"x"])
    source = kafka.source([topic, other], client=client, stop=None)
    reader = kafka.open(source, source.plan(PlanContext()))
    kafka.drain(reader, records=1)
    admin = AdminClient({"bootstrap.servers": kafka.servers})
    admin.delete_topics([topic])[topic].result(30)
    with pytest.raises(Terminal, match=rf"{topic}.* was deleted"):
        # A topic that goes on must not hide it.
        read_until(reader, time.monotonic() + 90, lambda: kafka.produce(other, [b"y"]))


def read_until(reader, deadline, meanwhile):
    while time.monotonic() < deadline:
        meanwhile()
        reader.read(100, time.monotonic() + 0.1)
