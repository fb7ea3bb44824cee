"""Planning by confluent-kafka's admin client."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from typing import Any, TypeVar

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec  # where it is typed

from raystreaming.connector import ConnectorError, Retryable, Terminal
from raystreaming_kafka.clients import ANSWER_WITHIN, Connection, Partition
from raystreaming_kafka.clients.confluent import _NO_TOPIC, _REFUSED, LibraryLog, bad_settings, settings_of

T = TypeVar("T")

_EARLIEST: Any = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_LIMIT: dict[str, Any] = {"request_timeout": ANSWER_WITHIN}
_CONSUMER_ONLY = (
    "allow.auto.create.topics",
    "auto.offset.reset",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.partition.eof",
    "group.id",
    "heartbeat.interval.ms",
    "isolation.level",
    "session.timeout.ms",
)
_SLICE = 0.05
_PAUSE = 0.1
_PASSING = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NETWORK_EXCEPTION,
    KafkaError.NOT_COORDINATOR,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REPLICA_NOT_AVAILABLE,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)


class ConfluentPlanner:
    """Asks the brokers; every question has an answer or an error within about ten seconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._refused: KafkaError | None = None
        self._reason = ""
        settings = settings_of(connection)
        uncommitted = settings["isolation.level"] == "read_uncommitted"
        self._isolation = IsolationLevel.READ_UNCOMMITTED if uncommitted else IsolationLevel.READ_COMMITTED
        wanted: dict[str, Any] = {
            name: value
            for name, value in settings.items()
            if name not in _CONSUMER_ONLY and not name.startswith(("queued.", "fetch."))
        }
        wanted["error_cb"] = self._on_error
        try:
            self._admin = AdminClient(wanted, logger=LibraryLog(connection.hide))
        except KafkaException as error:
            raise bad_settings(connection, error) from None

    def close(self) -> None:
        """Leave; librdkafka's client ends with its last reference."""
        del self._admin

    def partitions(self, topic: str) -> list[int] | None:
        """Return the partitions of a topic, None if there is no such topic.

        It describes the topic because asking for its metadata would create it on many clusters.
        """
        try:
            asked = self._admin.describe_topics(TopicCollection([topic]), **_LIMIT)
            found: Any = self._wait(asked[topic])
        except KafkaException as error:
            if error.args[0].code() in _NO_TOPIC:
                return None
            raise self._failure(error, f"topic {topic!r}") from error
        return sorted(p.id for p in found.partitions)

    def topics(self) -> list[str]:
        """Return the names of all topics that may be seen."""
        try:
            return sorted(self._admin.list_topics(timeout=ANSWER_WITHIN).topics)
        except KafkaException as error:
            raise self._failure(error, "its topics") from error

    def first_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the first offset of each partition."""
        return self._offsets(partitions, _EARLIEST)

    def end_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the offset after the last committed message of each partition."""
        return self._offsets(partitions, _LATEST)

    def offsets_at(self, partitions: Sequence[Partition], timestamp: int) -> dict[Partition, int]:
        """Return the first offset not before a time (ms), of the partitions that have such a message."""
        found = self._offsets(partitions, OffsetSpec.for_timestamp(timestamp))
        return {partition: offset for partition, offset in found.items() if offset >= 0}

    def _offsets(self, partitions: Sequence[Partition], spec: Any) -> dict[Partition, int]:
        if not partitions:
            return {}
        try:
            return self._repeat(lambda: self._offsets_now(partitions, spec))
        except KafkaException as error:
            raise self._failure(error, "the offsets of " + _list(partitions)) from error

    def _offsets_now(self, partitions: Sequence[Partition], spec: Any) -> dict[Partition, int]:
        asked = self._admin.list_offsets(
            {TopicPartition(*p): spec for p in partitions}, isolation_level=self._isolation, **_LIMIT
        )
        return {Partition(p.topic, p.partition): self._wait(f).offset for p, f in asked.items()}

    def committed(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the group's offsets, of the partitions that have one."""
        group = self._connection.group
        assert group is not None
        if not partitions:
            return {}
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(*p) for p in partitions])
        try:
            found: Any = self._repeat(
                lambda: self._wait(self._admin.list_consumer_group_offsets([wanted], **_LIMIT)[group])
            )
        except KafkaException as error:
            raise self._failure(error, f"the offsets of group {group!r}") from error
        return {Partition(p.topic, p.partition): p.offset for p in found.topic_partitions if p.offset >= 0}

    def _repeat(self, question: Callable[[], T]) -> T:
        """Ask again while the cluster is settling, as it is just after a topic was made."""
        until = time.monotonic() + ANSWER_WITHIN
        while True:
            try:
                return question()
            except KafkaException as error:
                if error.args[0].code() not in _PASSING or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE)

    def _wait(self, future: Future[T]) -> T:
        """Wait for an answer, but not once a broker has refused us."""
        until = time.monotonic() + ANSWER_WITHIN + 1
        while not future.done():
            self._admin.poll(0)
            if self._refused is not None:
                raise KafkaException(self._refused)
            if time.monotonic() > until:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            try:
                return future.result(_SLICE)
            except NotYet:
                continue
        return future.result()

    def _on_error(self, error: KafkaError) -> None:
        if error.code() in _REFUSED or _untrusted(error):
            self._refused = error
        elif error.code() != KafkaError._ALL_BROKERS_DOWN or not self._reason:
            self._reason = self._connection.hide(error.str())

    def _failure(self, error: KafkaException, what: str) -> ConnectorError:
        cause: KafkaError = error.args[0]
        servers, why = self._connection.servers, self._connection.hide(cause.str())
        if cause.code() in _REFUSED or cause.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            return Terminal(
                f"Asking {servers} for {what} was refused: {why}. Check username=, password=, sasl= and "
                "tls=, and what the user may do."
            )
        if _untrusted(cause):
            return Terminal(
                f"Asking {servers} for {what} failed: {why}. Check that tls_ca= is the file of the authority "
                "that signed the brokers' certificates, that they name the host in servers=, and "
                "tls_certificate= where the brokers ask for ours."
            )
        if self._reason:
            why = f"{why} ({self._reason})"
        return Retryable(
            f"Asking {servers} for {what} failed: {why}. Check that a broker runs there and that this "
            f"machine may connect to it (`nc -vz {servers.split(',')[0].replace(':', ' ')}`), or correct "
            "servers=."
        )


def _untrusted(error: KafkaError) -> bool:
    """Return whether it is about a certificate; other errors of a handshake may pass."""
    return error.code() in (KafkaError._SSL, KafkaError._TRANSPORT) and "certificate" in error.str()


def _list(partitions: Sequence[Partition]) -> str:
    topics = sorted({p.topic for p in partitions})
    return ("topic " if len(topics) == 1 else "topics ") + ", ".join(map(repr, topics))
