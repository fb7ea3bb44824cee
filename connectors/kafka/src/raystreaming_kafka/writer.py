"""`KafkaWriter`: makes messages of the records of one task and has them sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from raystreaming.connector import Batch, Terminal, Writer, WriterContext
from raystreaming.errors import nearest
from raystreaming.operators.user_function import failure
from raystreaming.records import rows_of
from raystreaming_kafka.clients import Headers, Outgoing, Producer, Unsendable
from raystreaming_kafka.encode import Encode, headers_of, keys_of
from raystreaming_kafka.plan import visible_topics

Select = Callable[[list[Any]], list[Any]]

_LATEST = 2**63 - 1


class KafkaWriter(Writer[Any]):
    """Writes records as messages; at least once.

    Args:
        producer: A fresh producer, which the writer closes.
        encode: Makes values of records.
        servers: The brokers' addresses, for messages.
        topic: The topic, or what names one for every record.
        value: What is written of a record; None: all of it.
        key: Gives the keys; None: there are none.
        headers: Gives the headers, or those of all messages.
        timestamp: Gives the messages' times; None: the records' event times, or else now.
        partition: Chooses among so many partitions; None: the producer does.
    """

    def __init__(
        self,
        producer: Producer,
        encode: Encode,
        ctx: WriterContext,
        *,
        servers: str,
        topic: str | Select,
        value: Select | None,
        key: Select | None,
        headers: Select | Headers,
        timestamp: Select | None,
        partition: Callable[[Any, int], int] | None,
    ) -> None:
        self._producer = producer
        self._encode = encode
        self._ctx = ctx
        self._servers = servers
        self._topic = topic
        self._value = value
        self._key = key
        self._headers = headers
        self._timestamp = timestamp
        self._partition = partition
        self._partitions: dict[str, int] = {}
        if isinstance(topic, str):
            self._look_at(topic)

    def write(self, batch: Batch) -> None:
        """Take records over; wait while there is no room for them.

        What a producer has failed with, it raises again: no record is sent twice by trying again.
        """
        for records, messages in self._encoded(batch):
            if isinstance(messages, Unsendable):
                self._reject(records, messages)
            else:
                self._send(records, messages)

    def _encoded(self, batch: Batch) -> list[tuple[list[Any], Outgoing | Unsendable]]:
        """Make messages of all records at once, else of each, where the job goes on without the bad ones.

        All before any is sent, because the schema registry may fail meanwhile.
        """
        records = rows_of(batch.values)
        try:
            return [(records, self._messages(records, batch))]
        except Unsendable as bad:
            if len(records) == 1 or self._ctx.rejected is None:
                return [(records, bad)]
        return [one for i in range(len(records)) for one in self._encoded(batch.slice(i, i + 1))]

    def _send(self, records: list[Any], messages: Outgoing) -> None:
        while messages.values:
            try:
                self._producer.send(messages)
                return
            except Unsendable as bad:
                self._reject(records, bad)
                records, messages = records[bad.index + 1 :], messages.after(bad.index + 1)

    def _reject(self, records: list[Any], bad: Unsendable) -> None:
        try:
            self._ctx.reject(records[bad.index], bad.why)
        except Terminal as told:
            raise told from bad.__cause__

    def _messages(self, records: list[Any], batch: Batch) -> Outgoing:
        topics = self._topics(records)
        timestamps = batch.timestamps
        return Outgoing(
            topics,
            self._encode(records if self._value is None else self._value(records), topics),
            None if self._key is None else keys_of(self._key(records)),
            None if self._partition is None else self._chosen(self._partition, records, topics),
            self._times(records, timestamps if isinstance(timestamps, Sequence) else None),
            self._all_headers(records),
        )

    def _topics(self, records: list[Any]) -> str | list[str]:
        if isinstance(self._topic, str):
            return self._topic
        topics = self._topic(records)
        for index, topic in enumerate(topics):
            if topic not in self._partitions:
                if not isinstance(topic, str) or not topic:
                    raise Unsendable(index, f"topic= names no topic for it, but {topic!r}")
                self._look_at(topic)
        return topics

    def _look_at(self, topic: str) -> None:
        """Learn how many partitions a topic has: one that is not there would be made by a typing error."""
        partitions = self._producer.partitions(topic)
        if partitions is None:
            near = nearest(topic, visible_topics(self._producer))
            raise Terminal(
                f"KafkaSink(topic=...): no topic {topic!r}{near} at {self._servers} (step "
                f"{self._ctx.operator}). Correct topic=, or create the topic first: "
                f"`kafka-topics.sh --bootstrap-server {self._servers} --create --topic {topic}`."
            )
        self._partitions[topic] = partitions

    def _chosen(
        self, choose: Callable[[Any, int], int], records: list[Any], topics: str | list[str]
    ) -> list[int]:
        chosen: list[int] = []
        for index, record in enumerate(records):
            topic = topics if isinstance(topics, str) else topics[index]
            count = self._partitions[topic]
            try:
                partition = choose(record, count)
            except Exception as error:
                raise failure(self._ctx.operator, choose, record, error) from error
            if isinstance(partition, bool) or not isinstance(partition, int) or not 0 <= partition < count:
                raise Unsendable(
                    index, f"partitioner= chose {partition!r}, but topic {topic!r} has 0 to {count - 1}"
                )
            chosen.append(partition)
        return chosen

    def _times(self, records: list[Any], event_times: Sequence[int] | None) -> Sequence[int] | None:
        times = event_times if self._timestamp is None else self._timestamp(records)
        if not times or (set(map(type, times)) == {int} and min(times) >= 1 and max(times) <= _LATEST):
            return times
        for index, time in enumerate(times):
            # To librdkafka, 0 is now.
            if isinstance(time, bool) or not isinstance(time, int) or not 1 <= time <= _LATEST:
                raise Unsendable(
                    index, f"{time!r} is no time of a message: whole milliseconds since the epoch, from 1"
                )
        return times

    def _all_headers(self, records: list[Any]) -> list[Headers] | None:
        if callable(self._headers):
            return headers_of(self._headers(records))
        return [self._headers] * len(records) if self._headers else None

    def flush(self) -> None:
        """Wait until the brokers have everything written."""
        self._producer.flush()

    def close(self) -> None:
        """Leave."""
        self._producer.close()
