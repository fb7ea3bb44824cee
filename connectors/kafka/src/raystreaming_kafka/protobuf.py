"""Protobuf messages of a generated class: alone, or after the bytes that name a schema of a registry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import DecodeError, EncodeError, Message

from raystreaming_kafka.encode import Encode, by_topic
from raystreaming_kafka.registry import SchemaRegistry

_MAGIC = 0
_ID_ENDS = 5
_MORE = 0x80


class ProtobufReader:
    """Reads single Protobuf messages.

    Args:
        message: The generated class.
        framed: Whether messages begin as those of a schema registry do. The class says what they are, so
            the registry is not asked.
    """

    def __init__(self, message: type[Message], *, framed: bool) -> None:
        self._parse = message.FromString
        self._framed = framed

    def __call__(self, value: bytes) -> Message:
        """Return the message.

        Raises:
            ValueError: It is not such a message.
        """
        try:
            return self._parse(value[_begin(value) :] if self._framed else value)
        except DecodeError as error:
            raise ValueError(f"it is not Protobuf of its class: {error}") from error


def _begin(value: bytes) -> int:
    """Return where the message begins: behind the schema's id and the indexes of its type in the schema."""
    if len(value) <= _ID_ENDS or value[0] != _MAGIC:
        raise ValueError("it does not begin as messages of a schema registry do")
    count, place = _number(value, _ID_ENDS)
    for _ in range(count):
        _, place = _number(value, place)
    return place


def _number(value: bytes, place: int) -> tuple[int, int]:
    """Read a number of variable length; return it and where it ends. Signed ones are interleaved."""
    number = shift = 0
    while place < len(value):
        byte = value[place]
        place += 1
        number |= (byte & ~_MORE) << shift
        shift += 7
        if not byte & _MORE:
            return (number >> 1) ^ -(number & 1), place
    raise ValueError("it ends within what names its schema")


def protobuf_encoder(message: type[Message], registry: SchemaRegistry | None) -> Encode:
    """Return what makes Protobuf values of messages; with a registry, as its own serializer does.

    The schema is registered for the subject ``TOPIC-value`` when a topic is first written.
    """
    serialize = _plain if registry is None else _registered(message, registry)

    def encode(record: Any, topic: str) -> bytes:
        if not isinstance(record, message):
            raise TypeError(
                f"it is {type(record).__name__} and not {message.__name__}: make one by a map() before"
            )
        try:
            return serialize(record, topic)
        except EncodeError as error:
            raise ValueError(f"it cannot be written as Protobuf: {error}") from error

    return by_topic(encode)


def _plain(record: Message, topic: str) -> bytes:
    value: bytes = record.SerializeToString()
    return value


def _registered(message: type[Message], registry: SchemaRegistry) -> Callable[[Message, str], bytes]:
    from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    make: Any = ProtobufSerializer  # its type takes objects for classes
    serializer = make(message, registry.connect(), {"use.deprecated.format": False})
    contexts: dict[str, SerializationContext] = {}

    def serialize(record: Message, topic: str) -> bytes:
        context = contexts.get(topic)
        if context is not None:
            value: bytes = serializer(record, context)
            return value
        context = SerializationContext(topic, MessageField.VALUE)
        try:  # the first one registers the schema
            made = bytes(serializer(record, context))
        except EncodeError:
            raise
        except Exception as error:
            raise registry.failure(error, f"an id for the schema of {topic}-value") from None
        contexts[topic] = context
        return made

    return serialize
