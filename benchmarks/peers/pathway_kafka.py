"""Kafka to Parquet with Pathway: pathway_kafka.py SERVERS TOPIC FOLDER STATE.

Its sink for Parquet is Delta Lake: Parquet files in folders by event type, with a log. The filter is an
expression, so no record becomes a Python object. It keeps no state: a static read has nothing to go on from.
"""

import sys

import pathway as pw
from kafka_common import QUEUES


class Event(pw.Schema):
    seq: int
    user_id: int
    item_id: int
    event_type: str
    price: float
    event_time: int
    session: str


servers, topic, folder = sys.argv[1:4]
settings = {
    "bootstrap.servers": servers,
    "group.id": "bench",
    "auto.offset.reset": "earliest",
    **{name: str(value) for name, value in QUEUES.items()},
}
events = pw.io.kafka.read(settings, topic=topic, schema=Event, format="json", mode="static")
kept = events.filter(pw.this.event_type != "view")
pw.io.deltalake.write(kept, folder, partition_columns=[kept.event_type], min_commit_frequency=5_000)
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
