"""`KafkaSource`: its options, and the plan of what to read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from raystreaming.connector import (
    ErrorPolicy,
    Inspector,
    OptionError,
    PlanContext,
    Reader,
    ReaderContext,
    Source,
    Split,
    option,
)
from raystreaming.units import seconds, size
from raystreaming_kafka._arrow import Schema
from raystreaming_kafka.clients import Connection, open_client, open_planner
from raystreaming_kafka.connection import KafkaConnection
from raystreaming_kafka.fields import WithMetadata
from raystreaming_kafka.formats import make_decoder
from raystreaming_kafka.json_arrow import unreadable_fields
from raystreaming_kafka.plan import Wanted, plan_splits
from raystreaming_kafka.reader import KafkaReader
from raystreaming_kafka.schemas import KafkaSchemas

_LEAST_PREFETCH = 2**20

_RESERVED: Mapping[str, Mapping[str, str | None]] = {
    "confluent": {
        "group.id": "group",
        "auto.offset.reset": "start",
        "enable.auto.commit": None,
        "enable.auto.offset.store": None,
        "enable.partition.eof": None,
        "error_cb": None,
        "on_commit": None,
        "logger": None,
    },
    "kafka-python": {
        "group_id": "group",
        "auto_offset_reset": "start",
        "enable_auto_commit": None,
        "key_deserializer": None,
        "value_deserializer": None,
    },
}


class KafkaSource(KafkaConnection, KafkaSchemas, Source[Any]):
    """Read topics of Kafka.

    - Delivery: every committed message once per checkpointed position; exactly once end to end with a
      sink that delivers exactly once. Messages of aborted transactions are never read.
    - Parallelism: the partition. A task reads any number of partitions with one consumer.
    - A restart repeats nothing: it goes on at the offsets of the last checkpoint, at once, because
      partitions are assigned to tasks by the job and not by a consumer group.

    The records are ``bytes``, ``str``, (``format="json"`` and ``"avro"``) dicts, or the objects of
    `protobuf_type`; a JSON message is one object. With
    ``format="json"``:

    - Where the next operator takes Arrow, records come as Arrow batches. Pass `schema` for a production job:
      without it the columns are those of the first messages that a task reads, so tasks may differ, and
      columns are added or widened (integer to float) when later messages ask for it.
    - With `schema`, missing fields are null, unknown ones are left out, and a wrong type makes a bad message,
      whether records come as Arrow or as dicts. Without it, dicts are as they were sent.
    - Messages without a value (tombstones) and blank ones are left out and counted as ``tombstones`` and
      ``blank``. The formats ``bytes`` and ``string`` give ``None`` for a message without a value.

    Example:
        >>> from raystreaming_kafka import KafkaSource
        >>> source = KafkaSource(topics=["clicks"], servers="127.0.0.1:9092", stop="latest", format="json")
        >>> source.bounded
        True
    """

    columnar: ClassVar[bool] = True
    reserved: ClassVar[Mapping[str, Mapping[str, str | None]]] = _RESERVED

    topics: list[str] = option(
        default_factory=list[str], doc="Names of the topics to read, all their partitions."
    )
    topic_pattern: str | None = option(
        default=None,
        doc="Instead of `topics`: a regular expression; every topic whose whole name fits is read, also "
        "those made while the job runs.",
    )
    group: str | None = option(
        default=None,
        doc="Consumer group that completed checkpoints are committed to, for lag tools; never joined.",
    )
    start: Literal["earliest", "latest", "committed"] | datetime | Mapping[str, Mapping[int, int]] = option(
        default="earliest",
        doc="Where a new job begins: `committed` at the group's offsets, at the earliest where it has none; "
        "a `datetime` at the first message not before it; `{topic: {partition: offset}}` at offsets, others "
        "at the earliest. A job with a checkpoint goes on where it was.",
    )
    stop: Literal["latest"] | datetime | Mapping[str, Mapping[int, int]] | None = option(
        default=None,
        doc="`latest` reads up to the ends the partitions have when the job starts; a `datetime` up to the "
        "first message not before it, or those ends; `{topic: {partition: offset}}` up to, not including, "
        "offsets; None never ends.",
    )
    on_lost: Literal["fail", "earliest"] = option(
        default="fail",
        doc="Where retention has deleted what was to be read: fail, or go on at the earliest message and "
        "count what is missing as `lost`.",
    )
    with_metadata: bool = option(
        default=False,
        doc="Give records of the fields `key`, `value`, `topic`, `partition`, `offset`, `timestamp` (ms "
        "since the epoch) and `headers` (pairs of name and bytes) instead of values alone.",
    )
    key_format: Literal["bytes", "string"] = option(
        default="bytes", doc="What keys become, with `with_metadata`: `bytes` or `string` (UTF-8)."
    )
    format: Literal["bytes", "string", "json", "avro", "protobuf"] = option(
        default="bytes",
        doc="What a message's value is: `bytes`, `string` (UTF-8), `json` (objects), `avro` or `protobuf`.",
    )
    schema: Schema | None = option(
        default=None, doc="Arrow schema of the JSON objects; None takes them as they are."
    )
    on_error: ErrorPolicy = option(
        default="fail",
        doc="A message that cannot be read fails the job, is left out and counted (`skip`), or is written to "
        "another sink (`dead_letter(sink)`); `retry(n)` reads on by itself where the broker fails.",
    )
    prefetch_memory: str | int = option(
        default="128MB", doc="Memory of each task for messages fetched ahead, such as `64MB`, or in bytes."
    )
    warn_after: str | float = option(
        default="5s",
        doc="How long no broker may answer before a warning; reading goes on by itself.",
    )
    discover_every: str | float = option(
        default="30s",
        doc="How often a running job without `stop` looks for new partitions, and topics of `topic_pattern`.",
    )

    def validate(self) -> Iterable[str]:
        """Yield what is wrong."""
        if self.topic_pattern is not None:
            yield from self._wrong_pattern(self.topic_pattern)
        elif not self.topics:
            yield "option 'topics' is empty: name at least one topic, or give topic_pattern="
        if any(not topic.strip() for topic in self.topics):
            yield "option 'topics' has an empty name"
        twice = sorted(topic for topic, times in Counter(self.topics).items() if times > 1)
        if twice:
            yield f"option 'topics' names {', '.join(map(repr, twice))} more than once"
        yield from super().validate()
        if self.group is not None and not self.group.strip():
            yield "option 'group' is empty: leave it out or name a group"
        if self.start == "committed" and not self.group:
            yield "start='committed' needs group=: the offsets committed are those of a group"
        if self.schema is not None:
            if self.format != "json":
                yield f"schema= goes with format='json' only, not with {self.format!r}"
            if wrong := unreadable_fields(self.schema):
                yield f"option 'schema' has types that JSON cannot be read into: {', '.join(wrong)}"
        yield from self.validate_schemas(self.format, reading=True)
        if self.key_format != "bytes" and not self.with_metadata:
            yield f"key_format={self.key_format!r} needs with_metadata=True: else no record has a key"
        yield from self._wrong_places()
        yield from self._wrong_units()

    def _wrong_pattern(self, pattern: str) -> Iterable[str]:
        if self.topics:
            yield "topics= and topic_pattern= exclude each other: give one of them"
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"option 'topic_pattern' is no regular expression: {error}, got {pattern!r}"

    def _wrong_places(self) -> Iterable[str]:
        for name in ("start", "stop"):
            value = getattr(self, name)
            if isinstance(value, datetime) and value.tzinfo is None:
                yield f"option {name!r} needs a time zone: datetime(..., tzinfo=timezone.utc), got {value!r}"
            if isinstance(value, Mapping):
                wrong = [at for offsets in value.values() for at in offsets.values() if at < 0]
                if wrong:
                    yield f"option {name!r} has offsets below 0: {', '.join(map(str, wrong))}"

    def _wrong_units(self) -> Iterable[str]:
        try:
            if size(self.prefetch_memory, "prefetch_memory") < _LEAST_PREFETCH:
                yield f"option 'prefetch_memory' must be 1MiB or more, got {self.prefetch_memory!r}"
        except OptionError as error:
            yield f"option 'prefetch_memory': {'; '.join(error.problems)}"
        for name in ("warn_after", "discover_every"):
            try:
                seconds(getattr(self, name), name)
            except OptionError as error:
                yield f"option {name!r}: {'; '.join(error.problems)}"

    @property
    def bounded(self) -> bool:
        """Whether there is a `stop`."""
        return self.stop is not None

    @property
    def discovery_interval(self) -> float:
        """Seconds between two searches for new partitions."""
        return seconds(self.discover_every, "discover_every")

    @classmethod
    def inspector(cls) -> type[Inspector]:
        """Return what lists topics, their offsets and what their messages seem to be."""
        from raystreaming_kafka.inspector import KafkaInspector  # the command line asks, jobs do not

        return KafkaInspector

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """List one split per partition, with its start and stop offset.

        A partition that the job has not known before is read from its first message, whatever
        `start` says, so that nothing written to a new partition is lost.

        Raises:
            Retryable: No broker answers within about ten seconds.
            Terminal: A topic does not exist, or has lost what the job was about to read.
        """
        wanted = Wanted(
            self.servers,
            self.topics,
            self.topic_pattern,
            self.start,
            self.stop,
            self.group,
            skip_lost=self.on_lost == "earliest",
        )
        with open_planner(self._connection()) as planner:
            return plan_splits(wanted, planner, ctx)

    def open(self, ctx: ReaderContext) -> Reader[Any]:
        """Return a reader with one consumer for all partitions of the task."""
        decoder = make_decoder(self.format, self.schema, self.on_error, ctx, self._single_reader())
        columnar = ctx.columnar and self.format != "protobuf"
        whole = WithMetadata(decoder, self.key_format, columnar=columnar)
        return KafkaReader(
            open_client(self._connection()),
            decoder,
            ctx,
            servers=self.servers,
            commits=self.group is not None,
            warn_after=seconds(self.warn_after, "warn_after"),
            with_metadata=whole if self.with_metadata else None,
            skip_lost=self.on_lost == "earliest",
        )

    def _single_reader(self) -> Callable[[bytes], Any] | None:
        """Return what reads single messages of a format with a schema."""
        if self.format == "avro":
            from raystreaming_kafka.avro import AvroReader

            return AvroReader(self.avro_schema, self.registry)
        if self.protobuf_type is not None:
            from raystreaming_kafka.protobuf import ProtobufReader

            return ProtobufReader(self.protobuf_type, framed=self.registry is not None)
        return None

    def _connection(self) -> Connection:
        return self.connection(
            group=self.group,
            prefetch_bytes=size(self.prefetch_memory, "prefetch_memory"),
            mark_ends=self.bounded,
        )
