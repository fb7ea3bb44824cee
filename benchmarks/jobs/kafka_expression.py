"""Kafka to Parquet with raystreaming and a filter that is an expression."""

import sys

import pyarrow.compute as pc
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
        schema=SCHEMA,
    )
    .filter(pc.field("event_type") != "view")
    .write_files(folder, format="parquet", partition_by=["event_type"], schema=SCHEMA)
)
ctx.execute("events-to-parquet")
