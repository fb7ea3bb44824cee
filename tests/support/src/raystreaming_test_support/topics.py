"""Topics of a Kafka cluster: make one, fill one, read all of one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec
from confluent_kafka.cimpl import NewPartitions, NewTopic  # where they are typed

_TIMEOUT = 60.0
_POLL_EVERY = 10_000
# What is said of partitions that were just made. `retriable()` is True for transactions' errors only.
_NOT_YET_LED = {
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}


class TopicError(RuntimeError):
    """A topic could not be written or read completely."""


def create_topic(
    servers: str,
    topic: str,
    partitions: int = 1,
    config: Mapping[str, str] | None = None,
) -> None:
    """Make a topic of one replica and wait until each partition has a leader, which knows that it is one.

    Args:
        servers: Addresses of brokers.
        topic: Its name.
        partitions: How many partitions it has.
        config: Settings of the topic, such as `retention.ms`.

    Raises:
        KafkaException: The broker refused, for instance because the topic exists.
        TopicError: No leader after a minute.
    """
    admin = AdminClient({"bootstrap.servers": servers})
    new = NewTopic(topic, partitions, replication_factor=1, config=dict(config or {}))
    admin.create_topics([new])[topic].result(_TIMEOUT)
    _await_leaders(admin, topic, partitions)


def grow_topic(servers: str, topic: str, partitions: int) -> None:
    """Give a topic more partitions and wait until each has a leader, which knows that it is one.

    Args:
        servers: Addresses of brokers.
        topic: Its name.
        partitions: How many partitions it has then.

    Raises:
        KafkaException: The broker refused.
        TopicError: No leader after a minute.
    """
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(_TIMEOUT)
    _await_leaders(admin, topic, partitions)


def _await_leaders(admin: AdminClient, topic: str, partitions: int) -> None:
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        found = admin.list_topics(topic, timeout=_TIMEOUT).topics[topic].partitions
        if sum(one.leader >= 0 for one in found.values()) == partitions:
            places = {TopicPartition(topic, partition): OffsetSpec.latest() for partition in found}
            try:
                for asked in admin.list_offsets(places).values():
                    asked.result(_TIMEOUT)
            except KafkaException:  # not the leader that the controller has just made it
                pass
            else:
                return
        time.sleep(0.02)
    raise TopicError(f"Topic {topic!r} has no leader for each partition after a minute")


def end_offsets(servers: str, topic: str) -> list[int]:
    """Return the end offset of each partition, the first of partition 0."""
    consumer = _consumer(servers, "read_uncommitted")
    try:
        return [_end_offset(consumer, partition) for partition in _partitions(consumer, topic)]
    finally:
        consumer.close()


def _end_offset(consumer: Consumer, partition: TopicPartition) -> int:
    """Return the end offset, as soon as the leader of a new partition knows that it is one."""
    deadline = time.monotonic() + _TIMEOUT
    while True:
        try:
            offsets = consumer.get_watermark_offsets(partition, timeout=_TIMEOUT)
        except KafkaException as error:
            if error.args[0].code() not in _NOT_YET_LED or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return int(offsets[1])


def produce_all(
    servers: str,
    topic: str,
    messages: Iterable[tuple[int, bytes]],
    *,
    compression: str = "none",
) -> None:
    """Send messages, in order in each partition, and verify that all have arrived.

    Args:
        servers: Addresses of brokers.
        topic: An existing topic that nobody else writes to meanwhile.
        messages: Pairs of a partition and a value.
        compression: Kafka's name of one: `none`, `lz4`, `zstd`, `snappy` or `gzip`.

    Raises:
        TopicError: The broker did not take a message, or the end offsets do not grow
            by the number of messages within a minute.
    """
    refused: list[str] = []

    def on_delivery(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            refused.append(f"partition {message.partition()}: {error}")

    producer = Producer(
        {
            "bootstrap.servers": servers,
            "compression.type": compression,
            "enable.idempotence": True,  # no duplicates when it retries
            "linger.ms": 50,
            "batch.size": 1_000_000,
            "batch.num.messages": 10_000,
            "queue.buffering.max.messages": 500_000,
            "message.timeout.ms": int(_TIMEOUT * 1000),
            # It warns while a new broker loads its coordinators, and tries again.
            "log_level": 3,
            # Two million calls for what went well would cost more than the sending.
            "delivery.report.only.error": True,
            "on_delivery": on_delivery,
        }
    )
    before = sum(end_offsets(servers, topic))
    sent = 0
    for partition, value in messages:
        while True:
            try:
                producer.produce(topic, value, partition=partition)
                break
            except BufferError:
                producer.poll(0.1)
        sent += 1
        if sent % _POLL_EVERY == 0:
            producer.poll(0)
            if refused:
                break
    left = producer.flush(_TIMEOUT + 10)
    if refused or left:
        raise TopicError(
            f"Topic {topic!r} at {servers}: {len(refused)} messages refused, {left} "
            f"not sent, of {sent}. The first: {refused[0] if refused else 'timed out'}"
        )
    deadline = time.monotonic() + _TIMEOUT
    while (grown := sum(end_offsets(servers, topic)) - before) != sent:
        if time.monotonic() > deadline:
            raise TopicError(
                f"Topic {topic!r} at {servers} grew by {grown} messages, and {sent} "
                "were sent. Does something else write to it?"
            )
        time.sleep(0.1)


def read_topic(servers: str, topic: str, *, committed_only: bool = True) -> list[list[bytes]]:
    """Read all that a topic holds now.

    Args:
        servers: Addresses of brokers.
        topic: An existing topic.
        committed_only: Leave out what open and aborted transactions wrote.

    Returns:
        For each partition the values in order.

    Raises:
        TopicError: The end was not reached, nor any progress made, for a minute.
    """
    isolation = "read_committed" if committed_only else "read_uncommitted"
    consumer = _consumer(servers, isolation)
    try:
        assigned = _partitions(consumer, topic)
        values: list[list[bytes]] = [[] for _ in assigned]
        ended: set[int] = set()
        consumer.assign(assigned)
        deadline = time.monotonic() + _TIMEOUT
        while len(ended) < len(assigned):
            # It returns when it has all 10,000 or the time is over.
            batch = consumer.consume(10_000, timeout=0.1)
            if batch:
                deadline = time.monotonic() + _TIMEOUT
            elif time.monotonic() > deadline:
                raise TopicError(
                    f"Topic {topic!r} at {servers} gave nothing for a minute; "
                    f"partitions read to their end: {sorted(ended)} of {len(assigned)}"
                )
            for message in batch:
                error, partition = message.error(), message.partition()
                assert partition is not None
                if error is None:
                    values[partition].append(message.value() or b"")
                elif error.code() == KafkaError._PARTITION_EOF:
                    ended.add(partition)
                else:
                    raise KafkaException(error)
        return values
    finally:
        consumer.close()


def _consumer(servers: str, isolation: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "raystreaming-test-support",  # required, and not used
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": isolation,
            "queued.min.messages": 1_000_000,
            "fetch.queue.backoff.ms": 10,
        }
    )


def _partitions(consumer: Consumer, topic: str) -> list[TopicPartition]:
    found = consumer.list_topics(topic, timeout=_TIMEOUT).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in sorted(found.partitions)]
