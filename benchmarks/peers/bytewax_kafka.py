"""Kafka to Parquet with Bytewax, recovery on: bytewax_kafka.py SERVERS TOPIC FOLDER STATE.

It has no Parquet sink; its documentation writes one with pyarrow. This one has the files of the hand-written
loops. The messages are parsed by batch, with orjson, which is what it is fastest with.
"""

import os
import sys
from datetime import timedelta

import bytewax.operators as op
import orjson
import pyarrow as pa
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import cluster_main
from event_schema import SCHEMA
from kafka_common import CHUNK, QUEUES, Files


class ParquetPartition(StatelessSinkPartition):
    def __init__(self):
        self.files = Files(folder)

    def write_batch(self, items):
        self.files.add(pa.Table.from_pylist(items, SCHEMA))

    def close(self):
        self.files.close()


class ParquetSink(DynamicSink):
    def build(self, step_id, worker_index, worker_count):
        return ParquetPartition()


def parse(messages):
    return [event for event in (orjson.loads(m.value) for m in messages) if keep(event)]


servers, topic, folder, state = sys.argv[1:]
keep = lambda e: e["event_type"] != "view"  # noqa: E731 - the same lambda as in the job
flow = Dataflow("events-to-parquet")
settings = {name: str(value) for name, value in QUEUES.items()}
source = KafkaSource(brokers=[servers], topics=[topic], tail=False, batch_size=CHUNK, add_config=settings)
op.output("out", op.flat_map_batch("parse", op.input("in", flow, source), parse), ParquetSink())

os.makedirs(state)
init_db_dir(state, 1)
cluster_main(
    flow, [], 0, epoch_interval=timedelta(seconds=5), recovery_config=RecoveryConfig(state, timedelta(0))
)
