"""Reading by confluent-kafka, that is by librdkafka."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from raystreaming.connector import ConnectorError, Retryable, Terminal
from raystreaming_kafka.clients import Chunk, Connection, Metadata, OffsetGone, Partition, Reached, logger
from raystreaming_kafka.clients.topic_watch import TopicWatch

_BYTES_PER_MESSAGE = 384
"""What librdkafka needs for a queued message beside its value (measured: 310-330)."""

_LARGEST_RESPONSE = 50 * 2**20

_LOOK_TIMEOUT = 1.0
"""Seconds that the cluster may take to say which topics there are."""

_BROKERS_GONE = (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE)
_HEALS = (
    *_BROKERS_GONE,
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._WAIT_COORD,
    KafkaError._MAX_POLL_EXCEEDED,
)
_REFUSED = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
)
_NO_TOPIC = (
    KafkaError._UNKNOWN_TOPIC,
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)


class LibraryLog:
    """Takes what librdkafka logs: for us it is detail, what matters has a line of its own."""

    def __init__(self, hide: Callable[[str], str]) -> None:
        self._logger = logging.getLogger("raystreaming.kafka.librdkafka")
        self._hide = hide

    def log(self, level: int, text: str, *args: Any) -> None:
        """Log as detail, whatever librdkafka takes it for."""
        if self._logger.isEnabledFor(logging.DEBUG):
            self._logger.debug("%s", self._hide(text % args if args else text))


def settings_of(connection: Connection) -> dict[str, Any]:
    """Return the settings of a consumer: ours, then those of the user."""
    prefetch = connection.prefetch_bytes
    return {
        "client.id": "raystreaming",
        "isolation.level": "read_committed",
        "reconnect.backoff.max.ms": 1000,
        "allow.auto.create.topics": False,
        # There is no session, but this is how long a commit, and so close, waits for a coordinator.
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 2000,
        # Half of the memory for the values and half for what comes with each message: short ones
        # fill the second half first, long ones the first. It is one queue for all partitions.
        "queued.max.messages.kbytes": max(1, prefetch // 2 // 1024),
        "queued.min.messages": max(1, prefetch // 2 // _BYTES_PER_MESSAGE),
        "fetch.max.bytes": min(_LARGEST_RESPONSE, max(2**20, prefetch // 4)),
        # Look soon whether the queue has room again: the usual second starves a fast job.
        "fetch.queue.backoff.ms": 10,
        **connection.revealed(),
        "bootstrap.servers": connection.servers,
        # librdkafka wants one; partitions are assigned by us, so nobody ever joins it.
        "group.id": connection.group or "raystreaming-without-group",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        # Tells of the marks of transactions after the last message, which are nothing to wait for.
        "enable.partition.eof": True,
    }


class ConfluentClient:
    """A librdkafka consumer that is told what to read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._trouble = True  # until something has come
        self._drained = True
        self._failed: ConnectorError | None = None
        self._closed = False
        self._partitions: dict[tuple[str, int], Partition] = {}
        self._topic: str | None = None
        self._topic_watch = TopicWatch(connection.servers)
        settings = settings_of(connection)
        settings["error_cb"] = self._on_error
        settings["on_commit"] = self._on_commit
        try:
            self._consumer = Consumer(settings, logger=LibraryLog(connection.hide))
        except KafkaException as error:
            raise bad_settings(connection, error) from None

    def assign(self, positions: Mapping[Partition, int]) -> None:
        """Read more partitions, each from its offset."""
        self._partitions |= {(p.topic, p.number): p for p in positions}
        self._consumer.incremental_assign([TopicPartition(*p, offset) for p, offset in positions.items()])
        self._count_topics()

    def unassign(self, partitions: Sequence[Partition]) -> None:
        """Stop reading partitions and drop what was fetched of them."""
        for partition in partitions:
            del self._partitions[partition.topic, partition.number]
        self._consumer.incremental_unassign([TopicPartition(*p) for p in partitions])
        self._count_topics()

    def _count_topics(self) -> None:
        topics = {p.topic for p in self._partitions.values()}
        self._topic = topics.pop() if len(topics) == 1 else None

    def poll(self, limit: int, timeout: float) -> list[Chunk | Reached]:
        """Wait for a message, then return it with at most `limit` that are there already.

        `consume(limit, timeout)` would hold the first message back until the timeout.
        """
        consumer = self._consumer
        first = consumer.poll(timeout)
        if self._failed is not None:
            raise self._failed
        self._look_for_topics()
        if first is None:
            self._drained = True
            return []
        if self._trouble and self._drained:  # it was not queued before the trouble began
            error = first.error()
            self._trouble = error is not None and error.code() != KafkaError._PARTITION_EOF
        messages = [first]
        if limit > 1:
            messages += consumer.consume(limit - 1, 0)
        found: list[Chunk | Reached] = []
        if any(map(Message.error, messages)):
            messages, found = self._sort_out(messages)
        return self._chunks(messages) + found

    def _look_for_topics(self) -> None:
        """Look now and then whether the topics are still there."""
        if self._trouble or not self._topic_watch.due():
            return
        try:
            there = self._consumer.list_topics(timeout=_LOOK_TIMEOUT).topics
        except KafkaException:
            return
        self._topic_watch.check({p.topic for p in self._partitions.values()}, there)

    def _chunks(self, messages: list[Message]) -> list[Chunk | Reached]:
        """Group messages by partition."""
        if not messages:
            return []
        numbers: Any = list(map(Message.partition, messages))
        if self._topic is not None:
            if numbers.count(numbers[0]) == len(numbers):
                partition = self._partitions.get((self._topic, numbers[0]))
                return [Chunk(partition, messages)] if partition else []
            places: Any = numbers
        else:
            places = zip(map(Message.topic, messages), numbers, strict=True)
        # A fetch brings a run of one partition, so the runs are few and long.
        groups: dict[Any, list[Message]] = {}
        start = 0
        for place, run in groupby(places):
            stop = start + len(list(run))
            groups.setdefault(place, []).extend(messages[start:stop])
            start = stop
        known, topic = self._partitions, self._topic
        keyed = groups if topic is None else {(topic, number): group for number, group in groups.items()}
        return [Chunk(known[place], group) for place, group in keyed.items() if place in known]

    def _sort_out(self, messages: list[Message]) -> tuple[list[Message], list[Chunk | Reached]]:
        """Return the real messages, and the ends that were told in between."""
        real: list[Message] = []
        reached: list[Chunk | Reached] = []
        for message in messages:
            error = message.error()
            if error is None:
                real.append(message)
                continue
            code = error.code()
            partition = self._partitions.get((message.topic() or "", message.partition() or 0))
            offset = message.offset()
            if code == KafkaError._PARTITION_EOF:
                if partition is not None and offset is not None:
                    reached.append(Reached(partition, offset))
            elif code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
                if partition is not None:
                    raise OffsetGone(partition, offset if offset is not None and offset >= 0 else None)
            elif code in _BROKERS_GONE:
                self._lost()
            elif code not in _HEALS and not error.retriable():
                raise self._failure(error, str(partition) if partition else "the topics")
        return real, reached

    def _failure(self, error: KafkaError, where: str) -> ConnectorError:
        servers, why = self._connection.servers, self._connection.hide(error.str())
        if error.code() in _NO_TOPIC:
            return Terminal(
                f"Reading {where} at {servers} failed: {why}. The topic was deleted, or the partition is "
                "gone. Read a topic that exists; `--fresh` starts over without the old positions."
            )
        if error.code() in _REFUSED:
            return Terminal(
                f"Reading {where} at {servers} was refused: {why}. Check username=, password=, sasl= "
                "and tls=, and that the user may read the topics"
                + (" and use the group." if self._connection.group else ".")
            )
        kind = Terminal if error.fatal() else Retryable
        return kind(
            f"Reading {where} at {servers} failed: {why} ({error.name()}). The broker's log tells more; "
            "so does the logger raystreaming.kafka.librdkafka at level DEBUG."
        )

    def _on_error(self, error: KafkaError) -> None:
        logger.debug("librdkafka: %s", self._connection.hide(error.str()))
        if error.code() in _BROKERS_GONE:
            self._lost()
        elif error.code() in _REFUSED or error.fatal():
            self._failed = self._failure(error, "the topics")

    def _lost(self) -> None:
        if not self._trouble:
            self._trouble, self._drained = True, False

    def values(self, messages: list[Message]) -> list[bytes | None]:
        """Return the values of messages."""
        return list(map(Message.value, messages))

    def offset(self, message: Message) -> int:
        """Return the offset of a message."""
        offset = message.offset()
        assert offset is not None
        return offset

    def metadata(self, messages: list[Message]) -> Metadata:
        """Return what comes with messages beside their values."""
        offsets: Any = list(map(Message.offset, messages))
        headers: Any = map(Message.headers, messages)  # pairs, whatever its stub says
        return Metadata(
            list(map(Message.key, messages)),
            offsets,
            [message.timestamp()[1] for message in messages],
            [list(pairs or ()) for pairs in headers],
        )

    def trouble(self) -> bool:
        """Return whether a connection was lost, or none was ever made."""
        return self._trouble

    def reachable(self, timeout: float) -> bool:
        """Ask for the metadata of a topic, which is read anyway."""
        topic = next(iter(self._partitions.values())).topic if self._partitions else None
        try:
            if topic is None:
                self._consumer.list_topics(timeout=timeout)
            else:
                self._consumer.list_topics(topic, timeout=timeout)
        except KafkaException:
            return False
        self._trouble = False
        return True

    def range_of(self, partition: Partition, timeout: float) -> tuple[int, int] | None:
        """Return the first offset that there is and the next that will be."""
        try:
            found = self._consumer.get_watermark_offsets(TopicPartition(*partition), timeout=timeout)
        except KafkaException:
            return None
        return (int(found[0]), int(found[1]))

    def known_end(self, partition: Partition) -> int | None:
        """Return the next offset that will be, as the last fetch of the partition has it."""
        found: Any = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
        return int(found[1]) if found is not None and found[1] >= 0 else None

    def commit(self, positions: Mapping[Partition, int]) -> None:
        """Send offsets to the group without waiting."""
        try:
            self._consumer.commit(
                offsets=[TopicPartition(*p, offset) for p, offset in positions.items()], asynchronous=True
            )
        except KafkaException as error:
            self._on_commit(error.args[0], [])

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        if error is not None and error.code() != KafkaError._NO_OFFSET:
            logger.warning(
                "Offsets could not be committed to group %r at %s: %s. The job goes on: its positions are in "
                "its checkpoints; lag tools see the next commit.",
                self._connection.group,
                self._connection.servers,
                self._connection.hide(error.str()),
            )

    def close(self) -> None:
        """Leave."""
        if self._closed:
            return
        self._closed = True
        self._partitions.clear()
        self._consumer.close()  # waits for commits under way, at most the session's timeout


def bad_settings(connection: Connection, error: KafkaException) -> Terminal:
    """Return what to raise when librdkafka does not take the settings."""
    cause = error.args[0] if error.args else error
    why = connection.hide(cause.str() if isinstance(cause, KafkaError) else str(cause))
    if "ssl." in why:
        return Terminal(
            f"{connection.user}(tls=True): librdkafka cannot use the files: {why}. Correct tls_ca=, "
            "tls_certificate=, tls_key= or tls_key_password=."
        )
    return Terminal(
        f"{connection.user}(client_options=...): librdkafka refuses the settings: {why}. client_options "
        "takes librdkafka's names, such as 'security.protocol'; correct or remove that one."
    )
