"""Kafka to Parquet with raystreaming and a filter that is a Python function."""

import sys

from event_schema import SCHEMA

from raystreaming import StreamingContext

servers, topic, folder, state = sys.argv[1:]
ctx = StreamingContext(checkpoint_dir=state, checkpoint_interval="5s")
(
    ctx.read_kafka(
        servers=servers,
        topics=[topic],
        group="bench",
        start="earliest",
        stop="latest",
        format="json",
    )
    .filter(lambda e: e["event_type"] != "view")
    .write_files(folder, format="parquet", partition_by=["event_type"], schema=SCHEMA)
)
ctx.execute("events-to-parquet")
