"""Kafka to Parquet with Pathway: pathway_kafka.py SERVERS TOPIC FOLDER STATE.

Its sink for Parquet files, Delta Lake, wants a licence key; this one is an observer, which is how its
documentation writes sinks, and has the files of the hand-written loops. Messages are parsed and filtered
without Python. It keeps no state: a static read has nothing to go on from.
"""

import sys

import pathway as pw
import pyarrow as pa
from event_schema import SCHEMA
from kafka_common import CHUNK, QUEUES, Files


class Event(pw.Schema):
    seq: int
    user_id: int
    item_id: int
    event_type: str
    price: float
    event_time: int
    session: str


class ParquetSink(pw.io.python.ConnectorObserver):
    def __init__(self):
        self.files = Files(folder)
        self.rows = []

    def on_change(self, key, row, time, is_addition):
        self.rows.append(row)
        if len(self.rows) == CHUNK:
            self.on_time_end(time)

    def on_time_end(self, time):
        self.files.add(pa.Table.from_pylist(self.rows, SCHEMA))
        self.rows = []

    def on_end(self):
        self.files.close()


servers, topic, folder = sys.argv[1:4]
settings = {
    "bootstrap.servers": servers,
    "group.id": "bench",
    "auto.offset.reset": "earliest",
    **{name: str(value) for name, value in QUEUES.items()},
}
events = pw.io.kafka.read(settings, topic=topic, schema=Event, format="json", mode="static")
pw.io.python.write(events.filter(pw.this.event_type != "view"), ParquetSink())
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
