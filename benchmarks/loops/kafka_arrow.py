"""Kafka to Parquet by hand: confluent-kafka, pyarrow.json, one Parquet file per event type and five seconds.

One process, one thread of Python. It has the same schema, filter, folders, codec, row groups and fsync as the
job. It keeps no positions: killed, it starts over, and its output has rows twice.
"""

import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from event_schema import SCHEMA
from kafka_common import Files, chunks

servers, topic, folder = sys.argv[1:4]
files = Files(folder)
parse = pj.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore")
no_views = pc.field("event_type") != "view"
for values in chunks(servers, topic):
    text = b"\n".join(values)
    read = pj.ReadOptions(use_threads=False, block_size=len(text) + 1)
    files.add(pj.read_json(pa.BufferReader(text), read, parse).filter(no_views))
files.close()
