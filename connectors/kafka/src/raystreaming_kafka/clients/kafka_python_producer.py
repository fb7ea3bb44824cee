"""Sending by kafka-python, for places without librdkafka."""

from __future__ import annotations

import random
import zlib
from collections import deque
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from raystreaming.connector import ConnectorError, Retryable, Terminal
from raystreaming_kafka.clients import (
    ANSWER_WITHIN,
    Connection,
    Outgoing,
    Partitioner,
    Planner,
    Sending,
    Unsendable,
    open_planner,
)
from raystreaming_kafka.clients.kafka_python_connect import connected, kafka_errors, library

_LibraryPartitioner: Any = library.partitioner.abc.Partitioner
_SETTLED = 60.0
"""Seconds beyond the time to give up, in which the client itself says that it has."""

_NEVER = (
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.UnknownTopicOrPartitionError,
    kafka_errors.InvalidTopicError,
)


class KafkaPythonProducer:
    """A kafka-python producer that keeps no more than its share of memory."""

    def __init__(self, connection: Connection, sending: Sending) -> None:
        self._connection = connection
        self._room = sending.buffer_bytes
        self._wait = sending.give_up_after + _SETTLED
        self._waiting: deque[tuple[Any, int]] = deque()
        self._failure: ConnectorError | None = None
        settings: dict[str, Any] = {
            "client_id": "raystreaming",
            "reconnect_backoff_max_ms": 1000,
            "linger_ms": 5,
            "batch_size": 2**17,
            "metrics_enabled": False,
            **connection.revealed(),
            "bootstrap_servers": connection.servers.split(","),
            "bootstrap_timeout_ms": int(ANSWER_WITHIN * 1000),
            "allow_auto_create_topics": False,
            "enable_idempotence": True,
            "compression_type": None if sending.compression == "none" else sending.compression,
            "delivery_timeout_ms": int(sending.give_up_after * 1000),
            "request_timeout_ms": int(min(30.0, max(1.0, sending.give_up_after / 2)) * 1000),
            "max_block_ms": int(ANSWER_WITHIN * 1000),
        }
        if sending.partitioner != "murmur2":  # which is its own
            settings["partitioner"] = _Partitioner(sending.partitioner)
        self._producer = connected(library.KafkaProducer, connection, settings)

    def partitions(self, topic: str) -> int | None:
        """Return how many partitions a topic has, None if there is no such topic; it is not made."""
        with self._planner() as planner:
            found = planner.partitions(topic)
        return len(found) if found else None

    def topics(self) -> list[str]:
        """Return the names of all topics that may be seen."""
        with self._planner() as planner:
            return planner.topics()

    def _planner(self) -> AbstractContextManager[Planner]:
        """Return what asks without making the topic, as a producer of kafka-python does."""
        known = library.KafkaConsumer.DEFAULT_CONFIG
        options = {name: value for name, value in self._connection.options.items() if name in known}
        return open_planner(replace(self._connection, options=options))

    def send(self, messages: Outgoing) -> None:
        """Take messages over; wait while the buffer is full."""
        self._raise_failure()
        send = self._producer.send
        for index, value in enumerate(messages.values):
            key = messages.keys[index] if messages.keys else None
            headers = messages.headers[index] if messages.headers else []
            size = len(value or b"") + len(key or b"") + 100
            while self._waiting and size > self._room:
                self._settle()
            try:
                future = send(
                    messages.topic(index),
                    value,
                    key,
                    headers,
                    messages.partitions[index] if messages.partitions else None,
                    messages.timestamps[index] if messages.timestamps else None,
                )
            except kafka_errors.KafkaTimeoutError as error:
                raise self._failed(error, messages.topic(index)) from error
            except (ValueError, TypeError, kafka_errors.MessageSizeTooLargeError) as error:
                raise Unsendable(index, self._connection.hide(str(error))) from error
            self._waiting.append((future, size))
            self._room -= size
        while self._waiting and self._waiting[0][0].is_done:
            self._settle()

    def _settle(self) -> None:
        """Wait for the oldest message."""
        future, size = self._waiting.popleft()
        self._room += size
        try:
            future.get(timeout=self._wait)
        except kafka_errors.KafkaError as error:
            place = getattr(getattr(future, "_produce_future", None), "topic_partition", ("?", -1))
            raise self._failed(error, str(place[0])) from error

    def flush(self) -> None:
        """Wait until the brokers have all messages."""
        self._raise_failure()
        try:
            self._producer.flush(timeout=self._wait)
        except kafka_errors.KafkaTimeoutError as error:
            raise self._failed(error, "?") from error
        while self._waiting:
            self._settle()

    def close(self) -> None:
        """Leave; what was not flushed is given up."""
        if self._waiting:  # else `close` would begin to send them
            self._give_up()
        try:
            self._producer.close(timeout=0 if self._waiting else 2)
        except kafka_errors.KafkaTimeoutError:  # it leaves its thread running where messages wait
            self._give_up()
        self._waiting.clear()

    def _give_up(self) -> None:
        sender = getattr(self._producer, "_sender", None)
        if sender is not None:
            sender.force_close()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _failed(self, error: Exception, topic: str) -> ConnectorError:
        """Return what to raise, from now on: a message is missing."""
        self._failure = self._told(error, topic)
        return self._failure

    def _told(self, error: Exception, topic: str) -> ConnectorError:
        why = self._connection.hide(f"{type(error).__name__}: {error}")
        text = f"Writing to topic {topic!r} at {self._connection.servers} failed: {why}. "
        if isinstance(error, kafka_errors.AuthorizationError):
            return Terminal(f"{text}Check username=, password= and sasl=, and that the user may write.")
        if isinstance(error, _NEVER):
            return Terminal(
                f"{text}Check that the topic is there, and what max.message.bytes it has, or write smaller "
                "records."
            )
        return Retryable(
            f"{text}Nothing is lost: the job goes on from its last checkpoint. Check that the brokers run; "
            "give_up_after= is how long they may take."
        )


class _Partitioner(_LibraryPartitioner):  # type: ignore[misc]  # it ships no types
    """Chooses as librdkafka does under the same name."""

    def __init__(self, name: Partitioner) -> None:
        self._by_key = name == "crc32"

    def partition(
        self,
        topic: str,
        key: Any,
        serialized_key: bytes | None,
        value: Any,
        serialized_value: Any,
        cluster: Any,
    ) -> int:
        partitions: list[int] = sorted(cluster.partitions_for_topic(topic))
        if self._by_key and serialized_key is not None:
            return partitions[zlib.crc32(serialized_key) % len(partitions)]
        return random.choice(partitions)
