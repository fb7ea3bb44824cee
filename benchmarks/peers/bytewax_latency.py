"""Latency of Bytewax, with recovery: bytewax_latency.py RECORDS STATE."""

import os
import sys
from datetime import datetime, timedelta, timezone

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import cluster_main
from paced import Meter, Pace, add, key, to_event


class PacedPartition(StatefulSourcePartition):
    def __init__(self, records, position):
        self.pace = Pace(records, position)

    def next_batch(self):
        if self.pace.ended:
            raise StopIteration
        return self.pace.due()

    def next_awake(self):
        return datetime.now(timezone.utc) + timedelta(seconds=self.pace.wait())

    def snapshot(self):
        return self.pace.at


class PacedSource(FixedPartitionedSource):
    def __init__(self, records):
        self.records = records

    def list_parts(self):
        return ["paced"]

    def build_part(self, step_id, for_part, resume_state):
        return PacedPartition(self.records, resume_state or 0)


class MeterPartition(StatelessSinkPartition):
    def write_batch(self, items):
        for event in items:
            meter.take(event)


class MeterSink(DynamicSink):
    def build(self, step_id, worker_index, worker_count):
        return MeterPartition()


def reduce(state, event):
    event = event if state is None else add(state, event)
    return event, event


meter = Meter()
flow = Dataflow("latency")
stream = op.input("in", flow, PacedSource(int(sys.argv[1])))
keyed = op.key_on("key_by", op.map("map", stream, to_event), key)
reduced = op.stateful_map("reduce", keyed, reduce)
op.output("out", op.map("values", reduced, lambda pair: pair[1]), MeterSink())

os.makedirs(sys.argv[2])
init_db_dir(sys.argv[2], 1)
# What `python -m bytewax.run -r DIR -s 5 -b 0` does with one worker, in a program of our own.
cluster_main(
    flow,
    [],
    0,
    epoch_interval=timedelta(seconds=5),
    recovery_config=RecoveryConfig(sys.argv[2], timedelta(0)),
)
meter.tell()
