"""`KafkaSink`: its options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Literal

from raystreaming.connector import OptionError, Sink, Writer, WriterContext, option
from raystreaming.units import seconds, size
from raystreaming_kafka.clients import Partitioner, Sending, open_producer
from raystreaming_kafka.connection import KafkaConnection
from raystreaming_kafka.encode import Encode, make_encoder, pairs, select
from raystreaming_kafka.schemas import KafkaSchemas
from raystreaming_kafka.writer import KafkaWriter

_LEAST_BUFFER = 2**20
_MAY_BE_FUNCTIONS = ("topic", "value", "key", "headers", "timestamp", "partitioner")

_RESERVED: Mapping[str, Mapping[str, str | None]] = {
    "confluent": {
        "compression.type": "compression",
        "compression.codec": "compression",
        "partitioner": "partitioner",
        "message.timeout.ms": "give_up_after",
        "delivery.timeout.ms": "give_up_after",
        "queue.buffering.max.kbytes": "buffer_memory",
        "queue.buffering.max.messages": "buffer_memory",
        "enable.idempotence": None,
        "transactional.id": None,
        "delivery.report.only.error": None,
        "on_delivery": None,
        "error_cb": None,
        "logger": None,
    },
    "kafka-python": {
        "compression_type": "compression",
        "partitioner": "partitioner",
        "delivery_timeout_ms": "give_up_after",
        "enable_idempotence": None,
        "transactional_id": None,
        "key_serializer": None,
        "value_serializer": None,
    },
}


class KafkaSink(KafkaConnection, KafkaSchemas, Sink[Any]):
    """Write records to topics of Kafka.

    - Delivery: at least once. Every checkpoint waits until the brokers have all messages before it; a
      restart writes again what came after the last checkpoint. Retries of the client repeat nothing.
    - Parallelism: any; each task has a producer of its own. Messages of one task keep their order in each
      partition.
    - A restart repeats the messages since the last checkpoint.

    A record that is None, or of which `value` is None, is a message without a value (a tombstone).

    Example:
        >>> from raystreaming_kafka import KafkaSink
        >>> sink = KafkaSink(topic="clicks", servers="127.0.0.1:9092", format="json", key="user")
        >>> sink.delivery
        'at-least-once'
    """

    reserved: ClassVar[Mapping[str, Mapping[str, str | None]]] = _RESERVED

    topic: str | Callable[..., Any] = option(
        doc="Name of the topic, or a function of a record that names one. Topics are not made."
    )
    format: Literal["bytes", "string", "json", "avro", "protobuf"] = option(
        default="bytes",
        doc="What the records are: `bytes`, `string` (UTF-8), `json` (dicts, lists and all else that JSON "
        "has; NaN becomes null, decimals become strings), `avro` (dicts) or `protobuf` (objects).",
    )
    value: str | Callable[..., Any] | None = option(
        default=None, doc="The field, or function of a record, that is written; None: the whole record."
    )
    key: str | Callable[..., Any] | None = option(
        default=None,
        doc="The field, or function of a record, that is the key: bytes, str, None, or else written as JSON.",
    )
    headers: Mapping[str, Any] | Callable[..., Any] | None = option(
        default=None,
        doc="Headers of all messages, or a function of a record that gives them: a dict, or pairs of name "
        "and value (str, bytes or None).",
    )
    timestamp: str | Callable[..., Any] | None = option(
        default=None,
        doc="The field, or function of a record, that is the message's time (ms since the epoch); None: the "
        "record's event time if it has one, else when it is sent.",
    )
    partitioner: Literal["murmur2", "crc32", "random"] | Callable[..., Any] = option(
        default="murmur2",
        doc="Chooses the partition: `murmur2` of the key as Java clients do, `crc32` of the key as "
        "librdkafka does, `random`, or a function of a record and the number of partitions.",
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = option(
        default="none", doc="How batches of messages are compressed."
    )
    buffer_memory: str | int = option(
        default="64MB", doc="Memory of each task for messages that no broker has yet, such as `64MB`."
    )
    give_up_after: str | float = option(
        default="2m", doc="How long no broker may take a message before the job restarts from its checkpoint."
    )

    def __post_init__(self) -> None:
        # To look for the bad ones of a batch is to make its messages anew: functions would run twice.
        functions = any(callable(getattr(self, name)) for name in _MAY_BE_FUNCTIONS)
        object.__setattr__(self, "rejects", not functions)

    def validate(self) -> Iterable[str]:
        """Yield what is wrong."""
        yield from super().validate()
        yield from self.validate_schemas(self.format, reading=False)
        for name in ("topic", "key", "value", "timestamp"):
            if getattr(self, name) == "":
                yield f"option {name!r} is empty"
        if isinstance(self.headers, Mapping):
            try:
                pairs(self.headers)
            except TypeError as error:
                yield f"option 'headers': {error}"
        try:
            if size(self.buffer_memory, "buffer_memory") < _LEAST_BUFFER:
                yield f"option 'buffer_memory' must be 1MiB or more, got {self.buffer_memory!r}"
        except OptionError as error:
            yield f"option 'buffer_memory': {'; '.join(error.problems)}"
        try:
            seconds(self.give_up_after, "give_up_after")
        except OptionError as error:
            yield f"option 'give_up_after': {'; '.join(error.problems)}"

    def open(self, state: bytes | None, ctx: WriterContext) -> Writer[Any]:
        """Return a writer with a producer of its own.

        Raises:
            Retryable: No broker answers within about ten seconds.
            Terminal: The topic does not exist, or may not be written.
        """
        name: Partitioner = "murmur2" if callable(self.partitioner) else self.partitioner
        sending = Sending(
            self.compression,
            name,
            size(self.buffer_memory, "buffer_memory"),
            seconds(self.give_up_after, "give_up_after"),
        )
        producer = open_producer(self.connection(), sending)

        def chosen(option: str) -> Any:
            what = getattr(self, option)
            return None if what is None else select(what, option, ctx.operator)

        try:
            return KafkaWriter(
                producer,
                self._encoder(),
                ctx,
                servers=self.servers,
                topic=self.topic if isinstance(self.topic, str) else chosen("topic"),
                value=chosen("value"),
                key=chosen("key"),
                headers=chosen("headers") if callable(self.headers) else pairs(self.headers),
                timestamp=chosen("timestamp"),
                partition=self.partitioner if callable(self.partitioner) else None,
            )
        except BaseException:
            producer.close()
            raise

    def _encoder(self) -> Encode:
        if self.format == "avro":
            from raystreaming_kafka.avro import avro_encoder

            assert self.avro_schema is not None  # validated
            return avro_encoder(self.avro_schema, self.registry)
        if self.format == "protobuf":
            from raystreaming_kafka.protobuf import protobuf_encoder

            assert self.protobuf_type is not None  # validated
            return protobuf_encoder(self.protobuf_type, self.registry)
        return make_encoder(self.format)
