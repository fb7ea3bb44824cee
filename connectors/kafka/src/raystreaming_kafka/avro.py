"""Avro messages, by fastavro: alone, or after the five bytes that name a schema of a registry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any, TypeAlias

import fastavro
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException, UnknownType

from raystreaming_kafka.encode import Encode, by_topic
from raystreaming_kafka.registry import SchemaRegistry

AvroSchema: TypeAlias = "str | Mapping[str, Any]"
"""A schema as JSON, or what JSON makes of it."""

_MAGIC = b"\x00"
_HEAD = 5
_Refused = (ValueError, TypeError, LookupError, EOFError, OverflowError, ArithmeticError)


def parsed(schema: AvroSchema, what: str) -> Any:
    """Return a schema that fastavro works with.

    Raises:
        ValueError: It is none; says why.
    """
    try:
        return fastavro.parse_schema(json.loads(schema) if isinstance(schema, str) else dict(schema))
    except (SchemaParseException, UnknownType, *_Refused) as error:
        raise ValueError(f"{what} is no Avro schema: {type(error).__name__}: {error}") from error


class AvroReader:
    """Reads single Avro values.

    Args:
        schema: Without a registry the schema of all messages; with one, what records are resolved to.
        registry: Knows the schemas that messages were written with.
    """

    def __init__(self, schema: AvroSchema | None, registry: SchemaRegistry | None) -> None:
        self._schema = None if schema is None else parsed(schema, "avro_schema=")
        self._registry = registry
        self._client = None if registry is None else registry.connect()
        self._written: dict[bytes, Any] = {}

    def __call__(self, value: bytes) -> Any:
        """Return the record.

        Raises:
            ValueError: It is not such a message.
            ConnectorError: The registry does not know its schema, or does not answer.
        """
        if self._client is None:
            return _read(BytesIO(value), self._schema, None, len(value))
        if value[:1] != _MAGIC or len(value) < _HEAD:
            raise ValueError("it does not begin as messages of a schema registry do")
        head = value[1:_HEAD]
        written = self._written.get(head)
        if written is None:
            written = self._written[head] = self._ask(int.from_bytes(head, "big"))
        stream = BytesIO(value)
        stream.seek(_HEAD)
        return _read(stream, written, self._schema, len(value))

    def _ask(self, number: int) -> Any:
        assert self._registry is not None
        assert self._client is not None
        try:
            found = self._client.get_schema(number)
        except Exception as error:  # its client raises those of the HTTP library that it uses
            raise self._registry.failure(error, f"schema {number}") from None
        if found.schema_type != "AVRO":
            raise ValueError(f"its schema {number} is {found.schema_type} and not Avro")
        return parsed(found.schema_str, f"schema {number}")


def _read(stream: BytesIO, written: Any, wanted: Any, length: int) -> Any:
    try:
        record = fastavro.schemaless_reader(stream, written, wanted)
    except (SchemaResolutionError, *_Refused) as error:
        raise ValueError(f"it is not Avro of its schema: {type(error).__name__}: {error}") from error
    if stream.tell() != length:
        raise ValueError(f"{length - stream.tell()} bytes follow its Avro value")
    return record


def avro_encoder(schema: AvroSchema, registry: SchemaRegistry | None) -> Encode:
    """Return what makes Avro values of records, with the id of the schema before each if there is a registry.

    The schema is registered for the subject ``TOPIC-value`` when a topic is first written.
    """
    known = parsed(schema, "avro_schema=")
    text = schema if isinstance(schema, str) else json.dumps(dict(schema))
    client = None if registry is None else registry.connect()
    heads: dict[str, bytes] = {}

    def head_of(topic: str) -> bytes:
        if client is None or registry is None:
            return b""
        from confluent_kafka.schema_registry import Schema

        try:
            number: int = client.register_schema(f"{topic}-value", Schema(text, "AVRO"))
        except Exception as error:
            raise registry.failure(error, f"an id for the schema of {topic}-value") from None
        return _MAGIC + number.to_bytes(4, "big")

    def encode(record: Any, topic: str) -> bytes:
        head = heads.get(topic)
        if head is None:
            head = heads[topic] = head_of(topic)
        stream = BytesIO()
        stream.write(head)
        try:
            fastavro.schemaless_writer(stream, known, record)
        except (*_Refused, AttributeError) as error:
            raise ValueError(f"it does not fit avro_schema=: {error}") from error
        return stream.getvalue()

    return by_topic(encode)
