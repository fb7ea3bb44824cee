"""Kafka to Parquet with Quix Streams: quix_kafka.py SERVERS TOPIC FOLDER STATE COUNT.

Its own file sink writes Parquet, but by partition of the topic, and without a schema; this sink is written as
its documentation says, and has the files of the hand-written loops. It ends after COUNT rows: nothing else
tells it that the topic has been read.
"""

import sys

import pyarrow as pa
from event_schema import SCHEMA
from kafka_common import QUEUES, Files
from quixstreams import Application
from quixstreams.sinks import BatchingSink


class ParquetSink(BatchingSink):
    def __init__(self, folder):
        super().__init__()
        self.files = Files(folder)

    def write(self, batch):
        self.files.add(pa.Table.from_pylist([item.value for item in batch], SCHEMA))

    def flush(self):
        super().flush()
        self.files.close()


servers, topic, folder, state, count = sys.argv[1:]
app = Application(
    broker_address=servers,
    consumer_group=f"bench-{folder}",
    auto_offset_reset="earliest",
    commit_interval=5.0,
    consumer_extra_config=QUEUES,
    state_dir=state,
    loglevel="WARNING",
)
events = app.dataframe(app.topic(topic, value_deserializer="json"))
events.filter(lambda e: e["event_type"] != "view").sink(ParquetSink(folder))
app.run(count=int(count), collect=False)
