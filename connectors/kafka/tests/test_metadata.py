"""Records with keys, headers and places, as rows and as Arrow."""

from __future__ import annotations

import pyarrow as pa
import pytest
from confluent_kafka import Producer

from raystreaming.connector import Terminal

FIELDS = ["key", "value", "topic", "partition", "offset", "timestamp", "headers"]
MESSAGES = [
    (b"k0", b'{"n":0}', [("a", b"1"), ("a", None)]),
    (None, b'{"n":1}', None),
    (b"k2", None, None),
    (b"k3", b'{"n":3}', [("b", b"\xff")]),
]


@pytest.fixture
def topic(kafka):
    name = kafka.topic(2)
    producer = Producer({"bootstrap.servers": kafka.servers})
    for n, (key, value, headers) in enumerate(MESSAGES):
        producer.produce(name, value, key=key, headers=headers, timestamp=1000 + n, partition=1)
    assert producer.flush(30) == 0
    return name


def expected(topic, values, key=lambda k: k):
    return [
        {
            "key": None if k is None else key(k),
            "value": value,
            "topic": topic,
            "partition": 1,
            "offset": n,
            "timestamp": 1000 + n,
            "headers": list(headers or []),
        }
        for n, ((k, _, headers), value) in enumerate(zip(MESSAGES, values, strict=True))
    ]


def read(kafka, topic, **options):
    context = options.pop("context", {})
    source = kafka.source(topic, with_metadata=True, **options)
    return kafka.read_all(source, **context).rows[f"{topic}-1"]


def test_bytes(kafka, client, topic):
    assert read(kafka, topic, client=client) == expected(topic, [value for _, value, _ in MESSAGES])


@pytest.mark.parametrize("schema", [None, pa.schema([("n", pa.int64())])])
@pytest.mark.parametrize("columnar", [False, True])
def test_json_as_rows_and_as_arrow(kafka, client, topic, columnar, schema):
    found = read(
        kafka,
        topic,
        client=client,
        format="json",
        schema=schema,
        key_format="string",
        context={"columnar": columnar},
    )
    assert found == expected(topic, [{"n": 0}, {"n": 1}, None, {"n": 3}], bytes.decode)


def test_the_columns_of_arrow(kafka, topic):
    source = kafka.source(topic, with_metadata=True, format="json")
    fetched = next(f for f in kafka.read_all(source, columnar=True).fetched if f.batch)
    schema = fetched.batch.values.schema
    assert schema.names == FIELDS
    assert schema.types == [
        pa.binary(),
        pa.struct([("n", pa.int64())]),
        pa.string(),
        pa.int32(),
        pa.int64(),
        pa.int64(),
        pa.map_(pa.string(), pa.binary()),
    ]


@pytest.mark.parametrize("columnar", [False, True])
@pytest.mark.parametrize("format", ["json", "string"])
def test_a_message_left_out_takes_nothing_of_its_neighbours(kafka, client, format, columnar):
    """Keys and offsets stay with their values when bad messages, blank ones and bad keys are left out."""
    topic = kafka.topic()
    bad = {"json": b"{]", "string": b"\xff"}[format]
    good = {"json": b'{"n":%d}', "string": b"%d"}[format]
    values = [good % 0, bad, good % 2, None, good % 4, good % 5]
    kafka.produce(topic, values, keys=[b"k0", b"k1", b"k2", b"k3", b"\xff", b"k5"])
    counted = {}
    source = kafka.source(
        topic, client=client, format=format, with_metadata=True, key_format="string", on_error="skip"
    )
    context = {
        "columnar": columnar,
        "count": lambda name, n: counted.update({name: counted.get(name, 0) + n}),
    }
    found = kafka.read_all(source, **context).rows[f"{topic}-0"]
    value = {"json": lambda n: {"n": n}, "string": str}[format]
    assert [(row["key"], row["value"], row["offset"]) for row in found] == [
        ("k0", value(0), 0),
        ("k2", value(2), 2),
        ("k3", None, 3),
        ("k5", value(5), 5),
    ]
    assert counted == {"skipped": 2}


def test_a_bad_message_is_named_by_its_own_offset(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, [None, b"{}", b"{]"])
    with pytest.raises(Terminal, match=r"offset 2, cannot be read .*not JSON"):
        kafka.read_all(kafka.source(topic, client=client, format="json", with_metadata=True))


def test_only_tombstones(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, [None, None], keys=[b"a", b"b"])
    for columnar in (False, True):
        source = kafka.source(topic, client=client, format="json", with_metadata=True)
        rows = kafka.read_all(source, columnar=columnar).rows[f"{topic}-0"]
        assert [(row["key"], row["value"]) for row in rows] == [(b"a", None), (b"b", None)]
