"""Reading and planning by kafka-python, for places without librdkafka."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from raystreaming.connector import Retryable
from raystreaming_kafka.clients import (
    ANSWER_WITHIN,
    Chunk,
    Connection,
    Metadata,
    OffsetGone,
    Partition,
    Reached,
    logger,
)
from raystreaming_kafka.clients.kafka_python_connect import connected, failure, kafka_errors, library
from raystreaming_kafka.clients.topic_watch import TopicWatch

OffsetAndMetadata = library.OffsetAndMetadata
TopicPartition = library.TopicPartition

_LARGEST_RESPONSE = 50 * 2**20
_FIRST_TRY = 1.0
_LEAST_TRY = 0.5
_END_CHECK = 0.05
"""Seconds between two looks whether a partition's end is reached without a message."""

_values = attrgetter("value")


def _consumer(connection: Connection, within: float) -> Any:
    """Return a consumer once it has found the cluster."""
    prefetch = connection.prefetch_bytes
    settings: dict[str, Any] = {
        "client_id": "raystreaming",
        "isolation_level": "read_committed",
        "reconnect_backoff_max_ms": 1000,
        "allow_auto_create_topics": False,
        "fetch_max_bytes": min(_LARGEST_RESPONSE, max(2**20, prefetch // 4)),
        "max_partition_fetch_bytes": min(4 * 2**20, max(2**20, prefetch // 4)),
        "check_crcs": False,  # as librdkafka does; TCP has its own
        "metrics_enabled": False,
        **connection.revealed(),
        "bootstrap_servers": connection.servers.split(","),
        "group_id": connection.group,
        "bootstrap_timeout_ms": int(within * 1000),
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
    }
    return connected(library.KafkaConsumer, connection, settings)


class KafkaPythonClient:
    """A kafka-python consumer that is told what to read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._partitions: dict[Any, Partition] = {}
        self._positions: dict[Any, int] = {}
        self._closed = False
        self._topic_watch = TopicWatch(connection.servers)
        self._consumer: Any = None
        self._connect(_FIRST_TRY)

    def _connect(self, within: float) -> bool:
        """Make the consumer, which needs a broker for that; return whether one was there."""
        try:
            self._consumer = _consumer(self._connection, within)
        except Retryable as error:
            logger.debug("kafka-python: %s", error)
            return False
        if self._partitions:
            self._consumer.assign(list(self._partitions))
            for place, offset in self._positions.items():
                self._consumer.seek(place, offset)
        return True

    def assign(self, positions: Mapping[Partition, int]) -> None:
        """Read more partitions, each from its offset."""
        self._partitions |= {TopicPartition(*p): p for p in positions}
        added = {TopicPartition(*p): offset for p, offset in positions.items()}
        self._positions |= added
        if self._consumer is not None:
            self._consumer.assign(list(self._partitions))
            for place, offset in added.items():
                self._consumer.seek(place, offset)

    def unassign(self, partitions: Sequence[Partition]) -> None:
        """Stop reading partitions and drop what was fetched of them."""
        for partition in partitions:
            del self._partitions[TopicPartition(*partition)]
            del self._positions[TopicPartition(*partition)]
        self._consumer.assign(list(self._partitions))

    def poll(self, limit: int, timeout: float) -> list[Chunk | Reached]:
        """Wait for a message, then return it with at most `limit` that are there already."""
        if self._consumer is None and not self._connect(max(timeout, _LEAST_TRY)):
            return []
        consumer: Any = self._consumer
        mark_ends = self._connection.mark_ends
        if mark_ends:  # it does not return when it has only passed over the mark of a transaction
            timeout = min(timeout, _END_CHECK)
        try:
            records = consumer.poll(timeout_ms=timeout * 1000, max_records=limit)
            reached = self._reached() if mark_ends or not records else []
        except kafka_errors.OffsetOutOfRangeError as error:
            place, offset = next(iter(error.args[0].items()))
            raise OffsetGone(Partition(*place), offset) from None
        except (kafka_errors.NoOffsetForPartitionError, kafka_errors.LogTruncationError) as error:
            raise OffsetGone(next(iter(self._partitions.values()))) from error
        except kafka_errors.RetriableError as error:
            logger.debug("kafka-python: %r", error)
            return []
        except kafka_errors.KafkaError as error:
            raise failure(self._connection, error, "messages") from error
        found: list[Chunk | Reached] = [
            Chunk(self._partitions[place], messages)
            for place, messages in records.items()
            if place in self._partitions
        ]
        self._look_for_topics()
        return found + reached

    def _look_for_topics(self) -> None:
        """Look now and then whether the topics are still there."""
        if self.trouble() or not self._topic_watch.due():
            return
        try:
            there = self._consumer.topics()
        except kafka_errors.KafkaError:
            return
        self._topic_watch.check({p.topic for p in self._partitions.values()}, there)

    def _reached(self) -> list[Chunk | Reached]:
        """Return the partitions that were read, with how far: past marks of transactions too."""
        found: list[Chunk | Reached] = []
        for place, partition in self._partitions.items():
            offset = self._consumer.position(place, timeout_ms=0)
            if offset is not None and offset != self._positions[place]:
                self._positions[place] = offset
                found.append(Reached(partition, offset))
        return found

    def values(self, messages: list[Any]) -> list[bytes | None]:
        """Return the values of messages."""
        return list(map(_values, messages))

    def offset(self, message: Any) -> int:
        """Return the offset of a message."""
        offset: int = message.offset
        return offset

    def metadata(self, messages: list[Any]) -> Metadata:
        """Return what comes with messages beside their values."""
        return Metadata(
            [message.key for message in messages],
            [message.offset for message in messages],
            [message.timestamp for message in messages],
            [list(message.headers or ()) for message in messages],
        )

    def trouble(self) -> bool:
        """Return whether no connection is open; kafka-python has no public word for it."""
        if self._consumer is None:
            return True
        manager = getattr(self._consumer, "_manager", None)
        connections = getattr(manager, "_conns", None)
        if connections is None:
            return False
        return not any(c.connected for c in list(connections.values()))

    def reachable(self, timeout: float) -> bool:
        """Return whether a connection is open."""
        return not self.trouble()

    def range_of(self, partition: Partition, timeout: float) -> tuple[int, int] | None:
        """Return the first offset that there is and the next that will be."""
        place = TopicPartition(*partition)
        if self._consumer is None:
            return None
        try:
            first = self._consumer.beginning_offsets([place], timeout_ms=timeout * 1000)[place]
            end = self._consumer.end_offsets([place], timeout_ms=timeout * 1000)[place]
        except kafka_errors.KafkaError:
            return None
        return int(first), int(end)

    def known_end(self, partition: Partition) -> int | None:
        """Return the next offset that will be, as the last fetch that was looked at has it."""
        end: int | None = None
        if self._consumer is not None:
            end = self._consumer.highwater(TopicPartition(*partition))
        return end

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Send offsets to the group without waiting."""
        if self._consumer is None:
            return
        offsets = {TopicPartition(*p): OffsetAndMetadata(o, "", -1) for p, o in positions.items()}
        try:
            self._consumer.commit_async(offsets, callback=self._on_commit)
        except kafka_errors.KafkaError as error:
            self._on_commit(offsets, error)

    def _on_commit(self, offsets: Any, response: Any) -> None:
        if isinstance(response, Exception):
            logger.warning(
                "Offsets could not be committed to group %r at %s: %s. The job goes on: its positions are in "
                "its checkpoints; lag tools see the next commit.",
                self._connection.group,
                self._connection.servers,
                self._connection.hide(str(response)),
            )

    def close(self) -> None:
        """Leave."""
        if not self._closed:
            self._closed = True
            if self._consumer is not None:
                self._consumer.close(autocommit=False, timeout_ms=2000)


class KafkaPythonPlanner:
    """Asks the brokers; every question has an answer or an error within about ten seconds."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._consumer = _consumer(connection, ANSWER_WITHIN)

    def close(self) -> None:
        """Leave."""
        self._consumer.close(autocommit=False, timeout_ms=2000)

    def partitions(self, topic: str) -> list[int] | None:
        """Return the partitions of a topic, None if there is no such topic."""
        found = self._ask(f"topic {topic!r}", lambda: self._consumer.partitions_for_topic(topic))
        return sorted(found) or None

    def topics(self) -> list[str]:
        """Return the names of all topics that may be seen."""
        return sorted(self._ask("its topics", lambda: self._consumer.topics()))

    def first_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the first offset of each partition."""
        return self._offsets(partitions, self._consumer.beginning_offsets)

    def end_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the offset after the last committed message of each partition."""
        return self._offsets(partitions, self._consumer.end_offsets)

    def _offsets(self, partitions: Sequence[Partition], method: Any) -> dict[Partition, int]:
        if not partitions:
            return {}
        places = [TopicPartition(*p) for p in partitions]
        found = self._ask("offsets", lambda: method(places, timeout_ms=ANSWER_WITHIN * 1000))
        return {Partition(*place): int(offset) for place, offset in found.items()}

    def offsets_at(self, partitions: Sequence[Partition], timestamp: int) -> dict[Partition, int]:
        """Return the first offset not before a time (ms), of the partitions that have such a message."""
        if not partitions:
            return {}
        times = {TopicPartition(*p): timestamp for p in partitions}
        question = partial(self._consumer.offsets_for_times, times, timeout_ms=ANSWER_WITHIN * 1000)
        found = self._ask("offsets", question)
        return {Partition(*place): int(at.offset) for place, at in found.items() if at is not None}

    def committed(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the group's offsets, of the partitions that have one."""
        found: dict[Partition, int] = {}
        for partition in partitions:
            place = TopicPartition(*partition)
            question = partial(self._consumer.committed, place, timeout_ms=ANSWER_WITHIN * 1000)
            offset = self._ask(f"the offsets of group {self._connection.group!r}", question)
            if offset is not None and offset >= 0:
                found[partition] = int(offset)
        return found

    def _ask(self, what: str, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except kafka_errors.KafkaError as error:
            raise failure(self._connection, error, what) from error
