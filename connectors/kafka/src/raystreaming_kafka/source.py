"""`KafkaSource`: its options, and the plan of what to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from raystreaming.connector import (
    ErrorPolicy,
    OptionError,
    PlanContext,
    Reader,
    ReaderContext,
    Source,
    Split,
    Terminal,
    option,
)
from raystreaming.errors import nearest
from raystreaming.units import seconds, size
from raystreaming_kafka._arrow import Schema
from raystreaming_kafka.clients import Connection, Partition, Planner, open_client, open_planner
from raystreaming_kafka.formats import make_decoder
from raystreaming_kafka.json_arrow import unreadable_fields
from raystreaming_kafka.reader import KafkaReader

_LEAST_PREFETCH = 2**20

_OURS = {
    "confluent": {
        "bootstrap.servers": "servers",
        "metadata.broker.list": "servers",
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
        "bootstrap_servers": "servers",
        "group_id": "group",
        "auto_offset_reset": "start",
        "enable_auto_commit": None,
        "key_deserializer": None,
        "value_deserializer": None,
    },
}


class KafkaSource(Source[Any]):
    """Read topics of Kafka.

    - Delivery: every committed message once per checkpointed position; exactly once end to end with a
      sink that delivers exactly once. Messages of aborted transactions are never read.
    - Parallelism: the partition. A task reads any number of partitions with one consumer.
    - A restart repeats nothing: it goes on at the offsets of the last checkpoint, at once, because
      partitions are assigned to tasks by the job and not by a consumer group.

    The records are ``bytes``, ``str`` or (``format="json"``) dicts; a JSON message is one object. With
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

    topics: list[str] = option(doc="Names of the topics to read, all their partitions.")
    servers: str = option(doc="Addresses of brokers, as `host:port`, separated by commas.")
    group: str | None = option(
        default=None,
        doc="Consumer group that completed checkpoints are committed to, for lag tools; never joined.",
    )
    start: Literal["earliest", "latest", "committed"] = option(
        default="earliest",
        doc="Where a new job begins: `committed` at the group's offsets, at the earliest where it has none. "
        "A job with a checkpoint goes on where it was.",
    )
    stop: Literal["latest"] | None = option(
        default=None,
        doc="`latest` reads up to the ends the partitions have when the job starts; None never ends.",
    )
    format: Literal["bytes", "string", "json"] = option(
        default="bytes", doc="What a message's value becomes: `bytes`, `string` (UTF-8) or `json` (objects)."
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
        default="30s", doc="How often a running job looks for new partitions (without `stop`)."
    )
    client: Literal["confluent", "kafka-python"] = option(
        default="confluent",
        doc="Client library: `confluent` (librdkafka, fast) or `kafka-python` (pure Python).",
    )
    client_options: Mapping[str, Any] = option(
        default_factory=dict[str, Any],
        secret=True,
        doc="Further settings of the client library, by its names, such as `security.protocol`. Never shown.",
    )

    def validate(self) -> Iterable[str]:
        """Yield what is wrong."""
        if not self.topics:
            yield "option 'topics' is empty: name at least one topic"
        if any(not topic.strip() for topic in self.topics):
            yield "option 'topics' has an empty name"
        twice = sorted(topic for topic, times in Counter(self.topics).items() if times > 1)
        if twice:
            yield f"option 'topics' names {', '.join(map(repr, twice))} more than once"
        for server in self.servers.split(","):
            host, colon, port = server.strip().rpartition(":")
            if not (host and colon and port.isdigit() and 0 < int(port) < 65536):
                yield f"option 'servers' must be 'host:port' (several separated by commas), got {server!r}"
        if self.group is not None and not self.group.strip():
            yield "option 'group' is empty: leave it out or name a group"
        if self.start == "committed" and not self.group:
            yield "start='committed' needs group=: the offsets committed are those of a group"
        if self.schema is not None:
            if self.format != "json":
                yield f"schema= goes with format='json' only, not with {self.format!r}"
            if wrong := unreadable_fields(self.schema):
                yield f"option 'schema' has types that JSON cannot be read into: {', '.join(wrong)}"
        yield from self._wrong_units()
        for name, instead in _OURS[self.client].items():
            if name in self.client_options:
                use = f"use {instead}= for it" if instead else "the job itself decides it"
                yield f"option 'client_options' must not have {name!r}: {use}"

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
        """True with ``stop="latest"``."""
        return self.stop is not None

    @property
    def discovery_interval(self) -> float:
        """Seconds between two searches for new partitions."""
        return seconds(self.discover_every, "discover_every")

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """List one split per partition, with its start and stop offset.

        A partition that the job has not known before is read from its first message, whatever
        `start` says, so that nothing written to a new partition is lost.

        Raises:
            Retryable: No broker answers within about ten seconds.
            Terminal: A topic does not exist, or has lost what the job was about to read.
        """
        with open_planner(self._connection()) as planner:
            partitions = self._partitions(planner)
            first = planner.first_offsets(partitions)
            ends = planner.end_offsets(partitions) if self.stop or self.start == "latest" or ctx.known else {}
            starts = dict(first)
            if not ctx.known:
                if self.start == "latest":
                    starts = dict(ends)
                elif self.start == "committed":
                    starts |= planner.committed(partitions)
        splits: list[Split] = []
        for partition in partitions:
            known = ctx.known.get(str(partition))
            start = starts[partition]
            if known is not None:
                start = known.split.payload["start"]
                position = start if known.position is None else known.position
                if position > ends[partition]:
                    raise self._truncated(partition, position, ends[partition])
            payload = {
                "topic": partition.topic,
                "partition": partition.number,
                "start": start,
                "stop": ends[partition] if self.stop else None,
            }
            splits.append(Split(str(partition), payload))
        return splits

    def _partitions(self, planner: Planner) -> list[Partition]:
        partitions: list[Partition] = []
        missing: list[str] = []
        for topic in self.topics:
            numbers = planner.partitions(topic)
            if numbers is None:
                missing.append(topic)
            else:
                partitions += [Partition(topic, number) for number in numbers]
        if missing:
            raise self._unknown(missing, planner.topics())
        return partitions

    def _unknown(self, missing: Sequence[str], existing: Sequence[str]) -> Terminal:
        visible = [topic for topic in existing if not topic.startswith("__")]
        named = [f"{topic!r}{nearest(topic, visible)}" for topic in missing]
        shown = ", ".join(visible[:10]) + (", ..." if len(visible) > 10 else "")
        return Terminal(
            f"KafkaSource(topics=...): no topic {', '.join(named)} at {self.servers}. There "
            + (f"is: {shown}. " if visible else "is none that may be seen. ")
            + "Correct topics=, or create the topic first: "
            f"`kafka-topics.sh --bootstrap-server {self.servers} --create --topic {missing[0]}`."
        )

    def _truncated(self, partition: Partition, position: int, end: int) -> Terminal:
        return Terminal(
            f"Topic {partition.topic!r}, partition {partition.number}, ends at {end} at {self.servers}, "
            f"but the job has read up to {position} already: the topic was truncated or made anew. Run "
            "with --fresh to read it from start=."
        )

    def open(self, ctx: ReaderContext) -> Reader[Any]:
        """Return a reader with one consumer for all partitions of the task."""
        decoder = make_decoder(self.format, self.schema, self.on_error, ctx)
        return KafkaReader(
            open_client(self._connection()),
            decoder,
            ctx,
            servers=self.servers,
            commits=self.group is not None,
            warn_after=seconds(self.warn_after, "warn_after"),
        )

    def _connection(self) -> Connection:
        return Connection(
            client=self.client,
            servers=",".join(server.strip() for server in self.servers.split(",")),
            group=self.group,
            prefetch_bytes=size(self.prefetch_memory, "prefetch_memory"),
            mark_ends=self.bounded,
            options=self.client_options,
        )
