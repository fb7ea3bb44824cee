"""What the Kafka loops and the peers share: tuned reading, and files as raystreaming-files writes them."""

import os
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

CHUNK = 20_000
FILE_SECONDS = 5.0
ROW_GROUP = 131_072
QUEUES = {
    "queued.min.messages": 1_000_000,
    "queued.max.messages.kbytes": 262_144,
    "fetch.queue.backoff.ms": 10,
}
"""Settings of librdkafka that drain a topic three times as fast as its own: the same for everybody."""


def chunks(servers, topic):
    """Yield lists of values up to the ends the partitions have now."""
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "loop",
            "enable.auto.commit": False,
            **QUEUES,
        }
    )
    partitions = [
        TopicPartition(topic, number, OFFSET_BEGINNING)
        for number in consumer.list_topics(topic, timeout=10).topics[topic].partitions
    ]
    ranges = [consumer.get_watermark_offsets(partition, timeout=10) for partition in partitions]
    left = sum(high - low for low, high in ranges)
    consumer.assign(partitions)
    while left:
        messages = consumer.consume(min(CHUNK, left), timeout=0.1)
        for message in messages:
            if message.error() is not None:
                raise KafkaException(message.error())
        left -= len(messages)
        if messages:
            yield [message.value() for message in messages]
    consumer.close()


class Files:
    """One Parquet file per event type, closed every five seconds, synced, and then given its name."""

    def __init__(self, folder):
        self.folder = folder
        self.writers = {}
        self.waiting = {}
        self.number = 0
        self.opened = time.monotonic()

    def add(self, table):
        types = table["event_type"]
        for event_type in pc.unique(types).to_pylist():
            part = table.filter(pc.equal(types, event_type)).drop_columns(["event_type"])
            waiting = self.waiting.setdefault(event_type, [])
            waiting.append(part)
            if sum(map(len, waiting)) >= ROW_GROUP:
                self.write(event_type)
        if time.monotonic() - self.opened >= FILE_SECONDS:
            self.close()

    def write(self, event_type):
        parts = self.waiting.pop(event_type)
        if event_type not in self.writers:
            folder = os.path.join(self.folder, f"event_type={event_type}")
            os.makedirs(folder, exist_ok=True)
            staged = os.path.join(folder, f".part-{self.number:05d}.parquet")
            self.number += 1
            self.writers[event_type] = (
                staged,
                pq.ParquetWriter(staged, parts[0].schema, compression="snappy"),
            )
        self.writers[event_type][1].write_table(pa.concat_tables(parts), row_group_size=ROW_GROUP)

    def close(self):
        for event_type in list(self.waiting):
            self.write(event_type)
        for staged, writer in self.writers.values():
            writer.close()
            sync(staged)
            os.rename(staged, staged.replace("/.part-", "/part-"))
            sync(os.path.dirname(staged))
        self.writers.clear()
        sync(self.folder)
        self.opened = time.monotonic()


def sync(path):
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)
