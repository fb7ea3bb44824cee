"""What the reader and the planner need of a Kafka client, and the choice of one.

The client libraries are imported on first use only: a job needs just the one that it names.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from raystreaming.connector import Secret, Terminal
from raystreaming_kafka.secrets import hidden, resolved

logger = logging.getLogger("raystreaming.kafka")

ClientName: TypeAlias = Literal["confluent", "kafka-python"]

Headers: TypeAlias = "list[tuple[str, bytes | None]]"
Partitioner: TypeAlias = Literal["murmur2", "crc32", "random"]

ANSWER_WITHIN = 10.0
"""Seconds that planning waits for a broker."""


class Partition(NamedTuple):
    """A partition of a topic; also its split's id, as text."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.number}"


@dataclass(frozen=True)
class Connection:
    """How to reach the brokers, and what the client may use.

    Attributes:
        client: Which library.
        servers: Addresses of brokers, separated by commas.
        group: The consumer group to commit to, if any.
        prefetch_bytes: Memory that fetched messages may take; of a reader only.
        mark_ends: Whether the client has to tell at once that it has reached the end of a partition.
        options: The library's own settings; they win over ours. Never shown.
        security: Who we are to the brokers, in the library's own settings. Never shown.
        user: Name of the connector's class, for messages.
    """

    client: ClientName
    servers: str
    group: str | None = None
    prefetch_bytes: int = 0
    mark_ends: bool = False
    options: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    security: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    user: str = "KafkaSource"

    def revealed(self) -> dict[str, Any]:
        """Return the library's own settings with secrets readable, for the library only.

        Raises:
            Terminal: A setting refers to a variable or a file that is not there.
        """
        return {
            name: resolved(value, name) if isinstance(value, str) else value
            for name, value in (*self.security.items(), *self.options.items())
        }

    def hide(self, text: str) -> str:
        """Return `text` without secrets and the values of settings: libraries repeat them in messages."""
        return hidden(text, self.secrets())

    def secrets(self) -> list[str]:
        """Return what must not be shown."""
        secrets = [resolved(v, k) for k, v in self.security.items() if isinstance(v, Secret)]
        values = [resolved(v, k) for k, v in self.options.items() if isinstance(v, str)]
        return [*secrets, *(value for value in values if len(value) > 3)]


class Chunk(NamedTuple):
    """Consecutive messages of one partition, as the client's own objects."""

    partition: Partition
    messages: list[Any]


class Metadata(NamedTuple):
    """What comes with messages beside their values, as columns."""

    keys: list[bytes | None]
    offsets: list[int]
    timestamps: list[int]
    headers: list[Headers]


class Reached(NamedTuple):
    """Nothing is left before `offset`: what lies between it and the last message is no message."""

    partition: Partition
    offset: int


class OffsetGone(Exception):
    """The broker does not have (any more, or yet) what lies at the offset to read."""

    def __init__(self, partition: Partition, offset: int | None = None) -> None:
        super().__init__(partition, offset)
        self.partition = partition
        self.offset = offset


class Client(Protocol):
    """Reads messages from assigned partitions; used by one thread."""

    def assign(self, positions: Mapping[Partition, int]) -> None:
        """Read more partitions, each from its offset."""
        ...

    def unassign(self, partitions: Sequence[Partition]) -> None:
        """Stop reading partitions and drop what was fetched of them."""
        ...

    def poll(self, limit: int, timeout: float) -> list[Chunk | Reached]:
        """Wait for a message, then return it with at most `limit` that are there already.

        Raises:
            OffsetGone: A partition cannot be read where it should be.
            ConnectorError: Anything else that waiting does not heal.
        """
        ...

    def values(self, messages: list[Any]) -> list[bytes | None]:
        """Return the values of messages."""
        ...

    def offset(self, message: Any) -> int:
        """Return the offset of a message."""
        ...

    def metadata(self, messages: list[Any]) -> Metadata:
        """Return what comes with messages beside their values."""
        ...

    def trouble(self) -> bool:
        """Return whether a connection was lost, or none was ever made. Costs nothing."""
        ...

    def reachable(self, timeout: float) -> bool:
        """Return whether a broker answers; if so, `trouble` is over."""
        ...

    def range_of(self, partition: Partition, timeout: float) -> tuple[int, int] | None:
        """Return the first offset that there is and the next that will be, None if unknown."""
        ...

    def known_end(self, partition: Partition) -> int | None:
        """Return the next offset that will be, as the broker has told last; None before. Costs nothing."""
        ...

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Send offsets to the group without waiting; a failure is logged."""
        ...

    def close(self) -> None:
        """Leave. May take a moment, to get commits out."""
        ...


class Outgoing(NamedTuple):
    """Messages to be sent, as columns of one length; None is a column that says nothing."""

    topics: str | list[str]
    values: list[bytes | None]
    keys: list[bytes | None] | None = None
    partitions: list[int] | None = None
    timestamps: Sequence[int] | None = None
    headers: list[Headers] | None = None

    def topic(self, index: int) -> str:
        """Return the topic of one message."""
        return self.topics if isinstance(self.topics, str) else self.topics[index]

    def after(self, index: int) -> Outgoing:
        """Return the messages from one on."""
        if index == 0:
            return self
        rest = (c if c is None or isinstance(c, str) else c[index:] for c in self)
        return Outgoing(*rest)  # type: ignore[arg-type]  # a slice is of its column's type


class Unsendable(Exception):
    """A message that no broker would take."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(index, why)
        self.index = index
        self.why = why


@dataclass(frozen=True)
class Sending:
    """How messages are sent.

    Attributes:
        compression: Name of the codec, ``"none"`` for none.
        partitioner: What chooses the partition of a message that comes without one.
        buffer_bytes: Memory for messages that no broker has yet.
        give_up_after: Seconds until a message that no broker takes is a failure.
    """

    compression: str
    partitioner: Partitioner
    buffer_bytes: int
    give_up_after: float


class Producer(Protocol):
    """Sends messages, each partition's in order; used by one thread.

    Transactions fit in as four more methods: begin, prepare, commit and abort. The writer calls nothing
    between two flushes but `send`.
    """

    def partitions(self, topic: str) -> int | None:
        """Return how many partitions a topic has, None if there is no such topic; it is not made.

        Raises:
            ConnectorError: No broker answers, or may not.
        """
        ...

    def topics(self) -> list[str]:
        """Return the names of all topics that may be seen.

        Raises:
            ConnectorError: No broker answers, or may not.
        """
        ...

    def send(self, messages: Outgoing) -> None:
        """Take messages over; wait while the buffer is full.

        Raises:
            Unsendable: One of them can never be sent. Those before it are.
            ConnectorError: A message of an earlier call has failed.
        """
        ...

    def flush(self) -> None:
        """Wait until the brokers have all messages.

        Raises:
            ConnectorError: A message has failed.
        """
        ...

    def close(self) -> None:
        """Leave; what was not flushed is given up."""
        ...


class Planner(Protocol):
    """Answers what a job has to know before it starts; a context manager."""

    def partitions(self, topic: str) -> list[int] | None:
        """Return the partitions of a topic, None if there is no such topic."""
        ...

    def topics(self) -> list[str]:
        """Return the names of all topics that may be seen.

        Raises:
            ConnectorError: No broker answers.
        """
        ...

    def first_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the first offset of each partition."""
        ...

    def end_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the offset after the last committed message of each partition."""
        ...

    def offsets_at(self, partitions: Sequence[Partition], timestamp: int) -> dict[Partition, int]:
        """Return the first offset not before a time (ms), of the partitions that have such a message."""
        ...

    def committed(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the group's offsets, of the partitions that have one."""
        ...

    def close(self) -> None:
        """Leave."""
        ...


def open_client(connection: Connection) -> Client:
    """Return a client of the library that `connection` names."""
    with _saying_what_to_install(connection):
        if connection.client == "confluent":
            from raystreaming_kafka.clients.confluent import ConfluentClient

            return ConfluentClient(connection)
        from raystreaming_kafka.clients.kafka_python import KafkaPythonClient

        return KafkaPythonClient(connection)


def open_planner(connection: Connection) -> AbstractContextManager[Planner]:
    """Return a planner of the library that `connection` names."""
    with _saying_what_to_install(connection):
        if connection.client == "confluent":
            from raystreaming_kafka.clients.confluent_planner import ConfluentPlanner

            return closing(ConfluentPlanner(connection))
        from raystreaming_kafka.clients.kafka_python import KafkaPythonPlanner

        return closing(KafkaPythonPlanner(connection))


def open_producer(connection: Connection, sending: Sending) -> Producer:
    """Return a producer of the library that `connection` names."""
    with _saying_what_to_install(connection):
        if connection.client == "confluent":
            from raystreaming_kafka.clients.confluent_producer import ConfluentProducer

            return ConfluentProducer(connection, sending)
        from raystreaming_kafka.clients.kafka_python_producer import KafkaPythonProducer

        return KafkaPythonProducer(connection, sending)


@contextmanager
def _saying_what_to_install(connection: Connection) -> Generator[None, None, None]:
    """Translate that the library is not there; any other ImportError passes."""
    try:
        yield
    except ImportError as error:
        if connection.client == "confluent":
            absent = isinstance(error, ModuleNotFoundError) and error.name == "confluent_kafka"
            if absent or "librdkafka" in str(error):
                raise Terminal(
                    f"{connection.user}(client='confluent') cannot load confluent-kafka: {error}. "
                    "Install it (`pip install confluent-kafka`; where there is no wheel, it needs librdkafka "
                    "and its headers), or pass client='kafka-python', which is pure Python and slower."
                ) from error
        elif isinstance(error, ModuleNotFoundError) and error.name == "kafka":
            raise Terminal(
                f"{connection.user}(client='kafka-python') cannot load kafka-python: {error}. "
                "Install it with `pip install kafka-python`, or leave out client= to use confluent-kafka."
            ) from error
        raise
