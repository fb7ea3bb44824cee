"""Writing: what arrives, where it arrives, and that a checkpoint waits for it. On a real broker."""

from __future__ import annotations

import re
import time
from decimal import Decimal

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from raystreaming import StreamingContext, dead_letter, retry
from raystreaming.connector import Batch, OptionError, Retryable, Terminal, WriterContext
from raystreaming.errors import OperatorError
from raystreaming_kafka import KafkaSink
from raystreaming_test_support.topics import end_offsets

TIMEOUT = 30.0


def sink(kafka, topic, **options):
    return KafkaSink(**{"topic": topic, "servers": kafka.servers, **options})


def written(kafka, topic, records, timestamps=None, **options):
    """Write records and return what is in the topic then, in the order of each partition."""
    writer = sink(kafka, topic, **options).open(None, WriterContext())
    try:
        writer.write(Batch(records, timestamps=timestamps))
        writer.flush()
    finally:
        writer.close()
    return messages(kafka, topic)


def messages(kafka, topic):
    ends = end_offsets(kafka.servers, topic)
    consumer = Consumer({"bootstrap.servers": kafka.servers, "group.id": "x"})
    consumer.assign([TopicPartition(topic, n, 0) for n in range(len(ends))])
    found = []
    deadline = time.monotonic() + TIMEOUT
    while len(found) < sum(ends):
        found += consumer.consume(1000, 0.2)
        assert time.monotonic() < deadline, f"{len(found)} of {sum(ends)}"
    consumer.close()
    assert not any(message.error() for message in found)
    return sorted(found, key=lambda m: (m.partition(), m.offset()))


@pytest.mark.parametrize(
    ("format", "records", "values"),
    [
        ("bytes", [b"a", bytearray(b"b"), None], [b"a", b"b", None]),
        ("string", ["a", "ü", None], [b"a", "ü".encode(), None]),
        (
            "json",
            [{"a": 1, "b": [True, None]}, None, "x", Decimal("1.10")],
            [b'{"a":1,"b":[true,null]}', None, b'"x"', b'"1.10"'],
        ),
    ],
)
def test_formats(kafka, client, format, records, values):
    found = written(kafka, kafka.topic(), records, client=client, format=format, key=lambda r: "k")
    assert [m.value() for m in found] == values


def test_what_comes_with_a_message(kafka, client):
    records = [{"id": 1, "who": "a", "at": 1_700_000_000_001}, {"id": 2, "who": None, "at": 5}]
    found = written(
        kafka,
        kafka.topic(),
        records,
        client=client,
        format="json",
        value=lambda r: {"id": r["id"]},
        key="who",
        headers=lambda r: {"n": str(r["id"]), "raw": b"\xff"},
        timestamp="at",
    )
    assert [m.value() for m in found] == [b'{"id":1}', b'{"id":2}']
    assert [m.key() for m in found] == [b"a", None]
    assert [m.timestamp()[1] for m in found] == [1_700_000_000_001, 5]
    assert [m.headers() for m in found] == [[("n", b"1"), ("raw", b"\xff")], [("n", b"2"), ("raw", b"\xff")]]


def test_headers_of_all_messages_and_event_times(kafka, client):
    found = written(kafka, kafka.topic(), [b"a", b"b"], [7, 8], client=client, headers={"v": "1"})
    assert [m.headers() for m in found] == [[("v", b"1")]] * 2
    assert [m.timestamp()[1] for m in found] == [7, 8]


def test_keys(kafka, client):
    keys = [b"\x00raw", "text", 7, ("a", 1)]
    left = iter(keys)
    found = written(kafka, kafka.topic(), [b"v"] * 4, client=client, key=lambda _: next(left))
    assert [m.key() for m in found] == [b"\x00raw", b"text", b"7", b'["a",1]']


JAVA = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
"""Hashes of Kafka's own test (`UtilsTest.testMurmur2`)."""


def test_murmur2_is_javas(kafka, client):
    found = written(kafka, kafka.topic(7), list(JAVA), client=client, key=lambda r: r)
    assert {m.key(): m.partition() for m in found} == {k: (h & 0x7FFFFFFF) % 7 for k, h in JAVA.items()}


@pytest.mark.parametrize("partitioner", ["murmur2", "crc32"])
def test_both_clients_choose_the_same_partition(kafka, partitioner):
    keys = [b"%d" % n for n in range(50)]
    places = [
        {
            m.key(): m.partition()
            for m in written(
                kafka, kafka.topic(5), keys, client=client, key=lambda r: r, partitioner=partitioner
            )
        }
        for client in ("confluent", "kafka-python")
    ]
    assert places[0] == places[1]
    assert len(set(places[0].values())) == 5


def test_a_partitioner_of_ones_own(kafka, client):
    found = written(
        kafka, kafka.topic(4), [b"0", b"1", b"6"], client=client, partitioner=lambda r, n: int(r) % n
    )
    assert [(m.partition(), m.value()) for m in found] == [(0, b"0"), (1, b"1"), (2, b"6")]
    with pytest.raises(Terminal, match=r"partitioner= chose 4, but topic .* has 0 to 3\n  record: b'0'"):
        written(kafka, kafka.topic(4), [b"0"], client=client, partitioner=lambda r, n: n)


def test_random_spreads_equal_keys(kafka, client):
    found = written(kafka, kafka.topic(2), [b"x"] * 100, client=client, key=lambda r: r, partitioner="random")
    assert {m.partition() for m in found} == {0, 1}


def test_a_topic_for_each_record(kafka, client):
    topics = {"a": kafka.topic(), "b": kafka.topic(2)}
    writer = sink(kafka, lambda r: topics[r[0]], format="string", client=client).open(None, WriterContext())
    writer.write(Batch(["a1", "b1", "a2"]))
    writer.flush()
    writer.close()
    assert [m.value() for m in messages(kafka, topics["a"])] == [b"a1", b"a2"]
    assert [m.value() for m in messages(kafka, topics["b"])] == [b"b1"]


def test_the_brokers_have_all_after_a_flush_and_not_before(kafka, client):
    """A flush that does nothing would let a checkpoint count what is in our memory only."""
    topic = kafka.topic()
    lingering = {"linger.ms": 60_000} if client == "confluent" else {"linger_ms": 60_000}
    writer = sink(kafka, topic, client=client, client_options=lingering).open(None, WriterContext())
    for epoch in (1, 2):
        writer.write(Batch([b"x"] * 100))
        time.sleep(0.3)
        assert end_offsets(kafka.servers, topic) == [(epoch - 1) * 100]
        writer.flush()
        assert end_offsets(kafka.servers, topic) == [epoch * 100]
    writer.write(Batch([b"never flushed"]))
    writer.close()
    assert end_offsets(kafka.servers, topic) == [200]


def test_a_full_buffer_is_waited_for(kafka, client):
    """Far more than the buffer takes: none is lost, none is twice, the order is kept."""
    topic = kafka.topic()
    values = [b"%06d" % n + b"x" * 300 for n in range(12_000)]
    writer = sink(kafka, topic, client=client, buffer_memory="1MiB").open(None, WriterContext())
    for start in range(0, len(values), 1000):
        writer.write(Batch(values[start : start + 1000]))
    writer.flush()
    writer.close()
    assert [m.value() for m in messages(kafka, topic)] == values


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
def test_compression(kafka, compression):
    topic = kafka.topic(compression_type="producer")
    found = written(kafka, topic, [b"x" * 1000] * 100, compression=compression)
    assert [m.value() for m in found] == [b"x" * 1000] * 100


# What goes wrong -------------------------------------------------------------------------


def test_a_topic_that_is_not_there(kafka, client):
    topic = kafka.topic()
    wrong = topic + "z"
    with pytest.raises(Terminal, match=rf"no topic '{wrong}'.* at {kafka.servers} .*--topic {wrong}`"):
        written(kafka, wrong, [b"x"], client=client)
    with pytest.raises(Terminal, match=rf"no topic '{wrong}'"):  # the question has not made it
        written(kafka, lambda r: wrong, [b"x"], client=client)


def test_a_near_topic_is_named(kafka):
    topic = kafka.topic()
    with pytest.raises(Terminal, match=rf"did you mean '{topic}'"):
        written(kafka, topic + "z", [b"x"])


@pytest.mark.parametrize(
    ("options", "record", "why"),
    [
        ({}, {"a": 1}, r"format='bytes' takes bytes, not dict: pass format='json'.*record: \{'a': 1\}"),
        ({}, "text", "not str: pass format='string'"),
        ({"format": "string"}, b"raw", "not bytes: pass format='bytes'"),
        ({"format": "json"}, {"a": b"raw"}, "JSON has no bytes|not JSON serializable: bytes"),
        ({"format": "json"}, {1: 2}, "Dict key must be str"),
        ({"format": "json", "key": "who"}, {"a": 1}, "key='who': it has no such field"),
        ({"format": "json", "headers": lambda r: {"h": 1}}, {}, "a header's value is str, bytes or None"),
        ({"format": "json", "timestamp": lambda r: 1.5}, {}, r"1\.5 is no time of a message"),
        ({"format": "json", "timestamp": lambda r: 2**63}, {}, r"9223372036854775808 is no time"),
    ],
)
def test_a_record_that_cannot_be_written_is_shown(kafka, options, record, why):
    good = {"bytes": b"good", "string": "good", "json": {"who": "good"}}[options.get("format", "bytes")]
    records = [good, record]
    with pytest.raises(Terminal, match=rf"(?s)sink 'sink' cannot write a record: .*{why}"):
        written(kafka, kafka.topic(), records if "key" in options or not options else [record], **options)


def test_a_secret_in_a_record_that_cannot_be_written_is_hidden(kafka):
    with pytest.raises(Terminal, match=r"(?s)'password': '\*\*\*'.*\.on_error") as caught:
        written(kafka, kafka.topic(), [{"password": "canary", "raw": b"x"}], format="json")
    assert "canary" not in str(caught.value)


BAD = [{"user": "a", "n": b"no JSON"}, {"n": 1}, {"user": "b", "n": "x" * 2_000_000}, "no dict", {1: 2}]
"""What cannot be a message whose key is the user: for its value, its key, its size."""


@pytest.mark.parametrize("functions", [False, True])
def test_neighbours_of_what_cannot_be_written_are_there_once(kafka, client, functions):
    topic = kafka.topic()
    good = [{"user": f"u{n}", "n": n} for n in range(100)]
    records = list(good)
    for place, bad in enumerate(BAD):
        records.insert(7 + 20 * place, bad)
    asked, letters = [], []

    def user(record):
        asked.append(record)
        return record["user"]

    ctx = StreamingContext()
    rows = ctx.from_collection(records)
    stream = rows.sink(sink(kafka, topic, client=client, format="json", key=user if functions else "user"))
    stream.on_error(dead_letter(letters.append, form=lambda letter: letter))
    job = ctx.execute()
    assert [m.key() for m in messages(kafka, topic)] == [row["user"].encode() for row in good]
    assert [letter.record for letter in letters] == BAD
    assert job.status().counts == {"dead letters": len(BAD)}
    whys = ["bytes", "user", "(?i)size|larger", "", "Dict key must be str|KeyError"]
    for letter, why in zip(letters, whys, strict=True):
        assert re.search(why, letter.error), letter.error
    have_values = [record for record in records if record not in (BAD[0], BAD[4])]
    assert asked == (have_values if functions else []), "each once"


def test_neighbours_of_what_is_too_large_are_there_once(kafka, client):
    """The client tells when it has taken those before it."""
    topic, rejected = kafka.topic(), []
    large = [bytes([n]) * 2_000_000 for n in range(3)]
    writer = sink(kafka, topic, client=client).open(None, WriterContext(rejected=rejected.append))
    writer.write(Batch([b"a", large[0], b"b", b"c", large[1], large[2]], timestamps=[1, 2, 3, 4, 5, 6]))
    writer.write(Batch([b"d"]))
    writer.flush()
    writer.close()
    found = messages(kafka, topic)
    assert [m.value() for m in found] == [b"a", b"b", b"c", b"d"]
    assert [m.timestamp()[1] for m in found[:3]] == [1, 3, 4]
    assert [one.record for one in rejected] == large


def test_arrow_rows_that_cannot_be_written_are_skipped(kafka, client):
    topic = kafka.topic()
    records = [{"user": "a", "raw": None}, {"user": "b", "raw": b"x"}, {"user": "c", "raw": None}]
    ctx = StreamingContext()
    stream = ctx.from_collection(records).map_batches(lambda batch: batch)
    stream.sink(sink(kafka, topic, client=client, format="json", key="user")).on_error("skip")
    assert ctx.execute().status().counts == {"skipped": 1}
    assert [m.key() for m in messages(kafka, topic)] == [b"a", b"c"]


def test_what_fails_is_tried_again_before_it_is_left_out(kafka):
    topic, tries = kafka.topic(), []

    def key(record):
        tries.append(record)
        if tries.count(record) < record:
            raise ValueError("not yet")

    ctx = StreamingContext()
    stream = ctx.from_collection([1, 2, 3, 1]).sink(sink(kafka, topic, format="json", key=key))
    stream.on_error(retry(1, 0, then="skip"))
    assert ctx.execute().status().counts == {"retries": 2, "skipped": 1}
    assert tries == [1, 2, 2, 3, 3, 1]
    assert [m.value() for m in messages(kafka, topic)] == [b"1", b"2", b"1"]


def test_a_function_that_raises_is_blamed(kafka):
    def key(record):
        return record["id"] / record["zero"]

    with pytest.raises(OperatorError, match=r"(?s)test_sink\.py.*ZeroDivisionError.*'zero': 0"):
        written(kafka, kafka.topic(), [{"id": 1, "zero": 1}, {"id": 2, "zero": 0}], format="json", key=key)


def test_a_message_too_large_for_us(kafka, client):
    with pytest.raises(Terminal, match=r"(?s)cannot write a record: .*record: b'xxx"):
        written(kafka, kafka.topic(), [b"small", b"x" * 2_000_000], client=client)


def test_a_message_too_large_for_the_topic(kafka, client):
    topic = kafka.topic(max_message_bytes="1000")
    with pytest.raises(Terminal, match=rf"Writing to topic '{topic}'.*max\.message\.bytes"):
        written(kafka, topic, [b"x" * 5000], client=client)


@pytest.mark.long
def test_a_topic_deleted_while_writing(own_kafka):
    kafka = own_kafka
    topic = kafka.topic()
    writer = sink(kafka, topic).open(None, WriterContext())
    writer.write(Batch([b"before"]))
    writer.flush()
    admin = AdminClient({"bootstrap.servers": kafka.servers})
    admin.delete_topics([topic])[topic].result(TIMEOUT)
    with pytest.raises(Terminal, match=rf"Writing to topic '{topic}'.*create it again"):
        write_until(writer, time.monotonic() + 60)
    writer.close()


def write_until(writer, deadline):
    while time.monotonic() < deadline:
        writer.write(Batch([b"after"]))
        writer.flush()


@pytest.mark.long
def test_a_broker_restarted_while_writing(own_kafka, client):
    """What the client sends again is there once, in its order."""
    kafka = own_kafka
    topic = kafka.topic()
    values = [b"%06d" % n for n in range(6000)]
    writer = sink(kafka, topic, client=client).open(None, WriterContext())
    for start in range(0, len(values), 100):
        writer.write(Batch(values[start : start + 100]))
        if start == 3000:
            kafka.broker.kill()
            kafka.broker.restart()
    writer.flush()
    writer.close()
    assert [m.value() for m in messages(kafka, topic)] == values


@pytest.mark.long
def test_a_broker_that_stays_away(own_kafka, client):
    kafka = own_kafka
    writer = sink(kafka, kafka.topic(), client=client, give_up_after="2s").open(None, WriterContext())
    writer.write(Batch([b"before"]))
    writer.flush()
    kafka.broker.kill()
    writer.write(Batch([b"after"]))
    for again in (writer.flush, writer.flush, lambda: writer.write(Batch([b"later"]))):
        with pytest.raises(Retryable, match="goes on from its last checkpoint"):
            again()
    writer.close()


# Options ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"topic": ""}, "option 'topic' is empty"),
        ({"key": ""}, "option 'key' is empty"),
        ({"format": "text"}, "'bytes' or 'string' or 'json'"),
        ({"headers": {"h": 1}}, "option 'headers': a header's value is str, bytes or None, not int"),
        ({"compression": "lzma"}, "'zstd'"),
        ({"partitioner": "hash"}, "'murmur2'"),
        ({"buffer_memory": "1KB"}, "1MiB or more"),
        ({"buffer_memory": "lots"}, "no size"),
        ({"give_up_after": "soon"}, "no duration"),
        ({"client_options": {"compression.type": "lz4"}}, "use compression= for it"),
        ({"client_options": {"transactional.id": "x"}}, "the job itself decides"),
        ({"servers": "h"}, "'host:port'"),
    ],
)
def test_what_is_wrong_is_said(options, problem):
    with pytest.raises(OptionError) as caught:
        KafkaSink(**{"topic": "t", "servers": "h:1", **options})
    (found,) = caught.value.problems
    assert problem in found
