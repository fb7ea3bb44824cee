"""Sending by confluent-kafka, that is by librdkafka."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import repeat
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka import Producer as LibraryProducer

from raystreaming.connector import ConnectorError, Retryable, Terminal
from raystreaming_kafka.clients import Connection, Outgoing, Sending, Unsendable, logger, open_planner
from raystreaming_kafka.clients.confluent import (
    _BYTES_PER_MESSAGE,
    _NO_TOPIC,
    _REFUSED,
    LibraryLog,
    bad_settings,
)

_PARTITIONERS = {"murmur2": "murmur2_random", "crc32": "consistent_random", "random": "random"}
_PATIENCE = 0.2
"""Seconds of one wait in the library, so that signals are heard."""

_TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)
_NEVER = (*_NO_TOPIC, *_TOO_LARGE, KafkaError._UNKNOWN_PARTITION, KafkaError.INVALID_RECORD)


class ConfluentProducer:
    """A librdkafka producer without a call into Python for each message."""

    def __init__(self, connection: Connection, sending: Sending) -> None:
        self._connection = connection
        self._failed: ConnectorError | None = None
        self._cut_off = False
        settings: dict[str, Any] = {
            "client.id": "raystreaming",
            "reconnect.backoff.max.ms": 1000,
            **connection.revealed(),
            "bootstrap.servers": connection.servers,
            "enable.idempotence": True,
            "compression.type": sending.compression,
            "partitioner": _PARTITIONERS[sending.partitioner],
            "message.timeout.ms": int(sending.give_up_after * 1000),
            # As for reading: half of the memory for the values, half for what comes with each message.
            "queue.buffering.max.kbytes": max(1, sending.buffer_bytes // 2 // 1024),
            "queue.buffering.max.messages": max(1, sending.buffer_bytes // 2 // _BYTES_PER_MESSAGE),
            "delivery.report.only.error": True,
            "on_delivery": self._on_delivery,
            "error_cb": self._on_error,
        }
        try:
            self._producer = LibraryProducer(settings, logger=LibraryLog(connection.hide))
        except KafkaException as error:
            raise bad_settings(connection, error) from None

    def partitions(self, topic: str) -> int | None:
        """Return how many partitions a topic has: asked of another client, because a producer makes it."""
        with open_planner(self._connection) as planner:
            found = planner.partitions(topic)
        return len(found) if found else None

    def topics(self) -> list[str]:
        """Return the names of all topics that may be seen."""
        with open_planner(self._connection) as planner:
            return planner.topics()

    def send(self, messages: Outgoing) -> None:
        """Take messages over; wait while the buffer is full."""
        self._producer.poll(0)
        self._raise_failure()
        taken = 0
        while taken < len(messages.values):
            taken += self._take(messages.after(taken), taken)

    def _take(self, messages: Outgoing, taken: int) -> int:
        """Take over as many messages as there is room for; return how many."""
        values = iter(messages.values)
        topics, _, keys, partitions, timestamps, headers = messages
        columns: list[Any] = [
            repeat(topics) if isinstance(topics, str) else topics,
            values,
            repeat(None) if keys is None else keys,
            repeat(-1) if partitions is None else partitions,
        ]
        if timestamps is not None or headers is not None:
            no_callback: Any = repeat(None)
            columns += [no_callback, no_callback, repeat(0) if timestamps is None else timestamps]
        if headers is not None:
            columns.append(headers)
        try:
            deque(map(self._producer.produce, *columns), maxlen=0)
        except BufferError:
            self._producer.poll(_PATIENCE)
            self._raise_failure()
            return _begun(messages, values) - 1
        except KafkaException as error:
            raise self._unsendable(taken + _begun(messages, values) - 1, error.args[0]) from error
        return len(messages.values)

    def flush(self) -> None:
        """Wait until the brokers have all messages, or one has failed."""
        while self._producer.flush(_PATIENCE):
            self._raise_failure()
        self._raise_failure()

    def close(self) -> None:
        """Leave; what was not flushed is given up, so that nothing is waited for."""
        self._producer.purge()
        self._producer.flush(_PATIENCE)

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise self._failed

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is not None and self._failed is None:
            where = f"topic {message.topic()!r}"
            if (message.partition() or 0) >= 0:
                where += f", partition {message.partition()}"
            self._failed = self._failure(error, where)

    def _on_error(self, error: KafkaError) -> None:
        why = self._connection.hide(error.str())
        logger.debug("librdkafka: %s", why)
        if self._failed is None and (error.code() in _REFUSED or error.fatal()):
            self._failed = self._failure(error, "the topics")
        elif error.code() == KafkaError._ALL_BROKERS_DOWN and not self._cut_off:
            self._cut_off = True
            logger.warning("no broker of %s reachable for writing; waiting", self._connection.servers)

    def _unsendable(self, index: int, error: KafkaError) -> Unsendable:
        why = self._connection.hide(error.str())
        if error.code() in _TOO_LARGE:
            why += (
                " (raise message.max.bytes in client_options, and max.message.bytes of the topic, or write "
                "smaller records)"
            )
        return Unsendable(index, why)

    def _failure(self, error: KafkaError, where: str) -> ConnectorError:
        servers, why = self._connection.servers, self._connection.hide(error.str())
        text = f"Writing to {where} at {servers} failed: {why} ({error.name()}). "
        if error.code() in _REFUSED:
            return Terminal(f"{text}Check username=, password=, sasl= and tls=, and that the user may write.")
        if error.code() in _NO_TOPIC:
            return Terminal(f"{text}The topic was deleted, or the partition is gone: create it again.")
        if error.code() in _TOO_LARGE:
            return Terminal(
                f"{text}Raise max.message.bytes of the topic (message.max.bytes in client_options is our own "
                "limit), or write smaller records."
            )
        if error.code() == KafkaError._MSG_TIMED_OUT:
            text += "No broker has taken it within give_up_after=. "
        kind = Terminal if error.code() in _NEVER else Retryable
        return kind(
            f"{text}Nothing is lost: the job goes on from its last checkpoint. The broker's log tells more; "
            "so does the logger raystreaming.kafka.librdkafka at level DEBUG."
        )


def _begun(messages: Outgoing, values: Iterator[bytes | None]) -> int:
    """Return how many messages were tried, of which `values` has what is left."""
    left: int = values.__length_hint__()  # type: ignore[attr-defined]
    return len(messages.values) - left
