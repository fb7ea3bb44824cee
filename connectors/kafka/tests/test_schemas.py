"""Avro and Protobuf messages, alone and with a schema registry."""

from __future__ import annotations

import io
import json
import logging

import pytest

fastavro = pytest.importorskip("fastavro")
pytest.importorskip("google.protobuf")
pytest.importorskip("confluent_kafka.schema_registry.protobuf")

from google.protobuf.struct_pb2 import Struct  # noqa: E402
from google.protobuf.timestamp_pb2 import Timestamp  # noqa: E402

from raystreaming.connector import (  # noqa: E402
    Batch,
    OptionError,
    Retryable,
    Secret,
    Terminal,
    WriterContext,
)
from raystreaming_kafka import KafkaSink, KafkaSource, SchemaRegistry  # noqa: E402
from raystreaming_test_support.schema_registry import LocalSchemaRegistry  # noqa: E402

SCHEMA = {
    "type": "record",
    "name": "Click",
    "fields": [{"name": "user", "type": "string"}, {"name": "n", "type": ["null", "long"], "default": None}],
}
NEWER = {**SCHEMA, "fields": [*SCHEMA["fields"], {"name": "page", "type": "string", "default": "home"}]}
ROWS = [{"user": "ann", "n": 2**40}, {"user": "ü", "n": None}]
TIMES = [Timestamp(seconds=n, nanos=5) for n in (1, 2**40)]
PASSWORD = "canary-R3gistry"


@pytest.fixture
def server():
    with LocalSchemaRegistry() as running:
        yield running


def write(kafka, topic, records, **options):
    writer = KafkaSink(topic=topic, servers=kafka.servers, **options).open(None, WriterContext())
    try:
        writer.write(Batch(records))
        writer.flush()
    finally:
        writer.close()


def read(kafka, topic, **options):
    return kafka.read_all(kafka.source(topic, **options)).rows.get(f"{topic}-0")


@pytest.mark.parametrize("schema", [SCHEMA, json.dumps(SCHEMA)])
def test_avro_alone(kafka, client, schema):
    topic = kafka.topic()
    write(kafka, topic, ROWS, format="avro", avro_schema=schema, client=client)
    assert read(kafka, topic, format="avro", avro_schema=schema, client=client) == ROWS
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, SCHEMA, ROWS[0])
    assert read(kafka, topic)[0] == stream.getvalue(), "plain Avro, as any other library writes it"


def test_avro_with_a_registry(kafka, server):
    topic = kafka.topic()
    registry = SchemaRegistry(server.url)
    write(kafka, topic, ROWS * 50, format="avro", avro_schema=SCHEMA, registry=registry)
    assert server.subjects == {f"{topic}-value": [1]}
    assert read(kafka, topic)[0][:5] == b"\0\0\0\0\1"
    server.asked.clear()
    assert read(kafka, topic, format="avro", registry=registry) == ROWS * 50
    assert server.asked == {"/schemas/ids/1": 1}, "each schema is asked for once"


def test_messages_of_two_schemas_become_what_the_reader_wants(kafka, server):
    topic = kafka.topic()
    registry = SchemaRegistry(server.url)
    write(kafka, topic, ROWS[:1], format="avro", avro_schema=SCHEMA, registry=registry)
    newer = [{"user": "bob", "n": 1, "page": "cart"}]
    write(kafka, topic, newer, format="avro", avro_schema=NEWER, registry=registry)
    assert read(kafka, topic, format="avro", registry=registry) == [ROWS[0], newer[0]]
    wanted = read(kafka, topic, format="avro", registry=registry, avro_schema=NEWER)
    assert wanted == [{**ROWS[0], "page": "home"}, newer[0]]


def test_confluents_own_serializers_understand_us(kafka, server):
    """What we write, and what we read, is theirs."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
    from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    theirs, registry = SchemaRegistryClient({"url": server.url}), SchemaRegistry(server.url)
    avro, protobuf = kafka.topic(), kafka.topic()
    write(kafka, avro, ROWS, format="avro", avro_schema=SCHEMA, registry=registry)
    context = SerializationContext(avro, MessageField.VALUE)
    read_avro = AvroDeserializer(theirs)
    assert [read_avro(value, context) for value in read(kafka, avro)] == ROWS
    kafka.produce(avro, [AvroSerializer(theirs, json.dumps(SCHEMA))(ROWS[0], context)])
    assert read(kafka, avro, format="avro", registry=registry) == [*ROWS, ROWS[0]]
    write(kafka, protobuf, TIMES, format="protobuf", protobuf_type=Timestamp, registry=registry)
    context = SerializationContext(protobuf, MessageField.VALUE)
    own = {"use.deprecated.format": False}
    read_protobuf = ProtobufDeserializer(Timestamp, own)
    assert [read_protobuf(value, context) for value in read(kafka, protobuf)] == TIMES
    kafka.produce(protobuf, [ProtobufSerializer(Timestamp, theirs, own)(TIMES[0], context)])
    options = {"format": "protobuf", "protobuf_type": Timestamp, "registry": registry}
    assert read(kafka, protobuf, **options) == [*TIMES, TIMES[0]]


def test_protobuf_alone(kafka, client):
    topic = kafka.topic()
    options = {"format": "protobuf", "protobuf_type": Timestamp, "client": client}
    write(kafka, topic, TIMES, **options)
    assert read(kafka, topic, **options) == TIMES
    assert read(kafka, topic) == [time.SerializeToString() for time in TIMES]


def test_tombstones(kafka, server):
    registry = SchemaRegistry(server.url)
    for options in (
        {"format": "avro", "avro_schema": SCHEMA, "registry": registry},
        {"format": "protobuf", "protobuf_type": Timestamp, "registry": registry},
    ):
        topic = kafka.topic()
        write(
            kafka,
            topic,
            [None, *(ROWS if options["format"] == "avro" else TIMES)],
            **options,
            key=lambda r: "k",
        )
        rows = read(kafka, topic, with_metadata=True, **options)
        assert [row["value"] for row in rows] == [None, *(ROWS if options["format"] == "avro" else TIMES)]
        assert len(read(kafka, topic, **options)) == 2


@pytest.mark.parametrize(
    ("options", "value", "why"),
    [
        ({"format": "avro", "avro_schema": SCHEMA}, b"\x02", "not Avro of its schema"),
        ({"format": "avro", "avro_schema": SCHEMA}, b"\x02a\x00beyond", "6 bytes follow"),
        ({"format": "avro", "registry": True}, b"no head", "does not begin as messages of a schema registry"),
        ({"format": "protobuf", "protobuf_type": Timestamp}, b"\xff\xff", "not Protobuf of its class"),
        ({"format": "protobuf", "protobuf_type": Timestamp, "registry": True}, b"x", "does not begin as"),
        (
            {"format": "protobuf", "protobuf_type": Timestamp, "registry": True},
            b"\0\0\0\0\1\x80",
            "ends within",
        ),
    ],
)
def test_a_message_that_is_something_else(kafka, server, options, value, why):
    topic = kafka.topic()
    kafka.produce(topic, [value])
    if "registry" in options:
        options = {**options, "registry": SchemaRegistry(server.url)}
    with pytest.raises(Terminal, match=rf"offset 0, cannot be read .*{why}"):
        read(kafka, topic, **options)
    assert not read(kafka, topic, on_error="skip", **options)


@pytest.mark.parametrize(
    ("options", "record", "why"),
    [
        ({"format": "avro", "avro_schema": SCHEMA}, {"user": 5}, "does not fit avro_schema="),
        ({"format": "avro", "avro_schema": SCHEMA}, "text", "does not fit avro_schema="),
        ({"format": "protobuf", "protobuf_type": Timestamp}, Struct(), "it is Struct and not Timestamp"),
    ],
)
def test_a_record_that_does_not_fit_is_shown(kafka, options, record, why):
    with pytest.raises(Terminal, match=rf"(?s)cannot write a record: .*{why}.*record:"):
        write(kafka, kafka.topic(), [record], **options)


def test_a_schema_that_the_registry_does_not_have(kafka, server):
    topic = kafka.topic()
    kafka.produce(topic, [b"\0\0\0\0\x63rest"])
    with pytest.raises(Terminal, match=rf"registry {server.url} for schema 99 failed: .*404"):
        read(kafka, topic, format="avro", registry=SchemaRegistry(server.url))


def test_a_registry_that_is_not_there(kafka):
    topic = kafka.topic()
    kafka.produce(topic, [b"\0\0\0\0\1x"])
    registry = SchemaRegistry("http://127.0.0.1:1")
    with pytest.raises(Retryable, match=r"registry http://127\.0\.0\.1:1 for schema 1 failed.*correct url="):
        read(kafka, topic, format="avro", registry=registry)


@pytest.mark.long
def test_a_registry_that_stays_away(kafka):
    """The second attempt fails as the first does."""
    registry = SchemaRegistry("http://127.0.0.1:1")
    options = {"format": "protobuf", "protobuf_type": Timestamp, "registry": registry}
    writer = KafkaSink(topic=kafka.topic(), servers=kafka.servers, **options).open(None, WriterContext())
    for _ in range(2):
        with pytest.raises(Retryable, match=r"registry http://127\.0\.0\.1:1 for an id .*correct url="):
            writer.write(Batch(TIMES))
    writer.close()


def test_its_password(kafka, caplog):
    caplog.set_level(logging.DEBUG)
    topic = kafka.topic()
    with LocalSchemaRegistry("shop", PASSWORD) as server:
        for password in (Secret(PASSWORD), PASSWORD):
            registry = SchemaRegistry(server.url, username="shop", password=password)
            options = {"format": "avro", "avro_schema": SCHEMA, "registry": registry}
            write(kafka, topic, ROWS, **options)
            source = KafkaSource(topics=[topic], servers=kafka.servers, **options)
            assert PASSWORD not in f"{registry!r} {source!r} {registry}"
        wrong = SchemaRegistry(server.url, username="shop", password=f"{PASSWORD}-wrong")
        with pytest.raises(Terminal, match="Check username= and password= of SchemaRegistry") as caught:
            read(kafka, topic, format="avro", registry=wrong)
    assert PASSWORD not in str(caught.value)
    assert caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"format": "avro"}, "format='avro' needs avro_schema=, or registry="),
        ({"format": "avro", "avro_schema": "{"}, "option 'avro_schema' is no Avro schema"),
        ({"format": "avro", "avro_schema": {"type": "recrod"}}, "option 'avro_schema' is no Avro schema"),
        ({"format": "protobuf"}, "needs protobuf_type="),
        ({"format": "protobuf", "protobuf_type": str}, "no generated class"),
        ({"avro_schema": SCHEMA}, "avro_schema= goes with format='avro' only"),
        ({"registry": SchemaRegistry("http://h:1")}, "registry= goes with format='avro' or 'protobuf' only"),
    ],
)
def test_what_is_wrong_is_said(options, problem):
    with pytest.raises(OptionError) as caught:
        KafkaSource(**{"topics": ["t"], "servers": "h:1", **options})
    (found,) = caught.value.problems
    assert problem in found


def test_a_sink_needs_the_schema():
    registry = SchemaRegistry("http://h:1")
    with pytest.raises(OptionError, match=r"format='avro' needs avro_schema=$"):
        KafkaSink(topic="t", servers="h:1", format="avro", registry=registry)


@pytest.mark.parametrize(
    ("url", "problem"),
    [("registry:8081", "must be 'http"), ("http://u:secret@h", "must not hold credentials")],
)
def test_a_wrong_address(url, problem):
    with pytest.raises(OptionError, match=problem) as caught:
        SchemaRegistry(url)
    assert "secret" not in str(caught.value)
