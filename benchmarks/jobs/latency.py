"""Latency of raystreaming, with checkpoints: latency.py RECORDS STATE."""

import sys

from paced import Meter, add, key, to_event
from paced_source import PacedSource

from raystreaming import StreamingContext

meter = Meter()
ctx = StreamingContext(checkpoint_dir=sys.argv[2], checkpoint_interval="5s")
ctx.source(PacedSource(records=int(sys.argv[1]))).map(to_event).key_by(key).reduce(add).sink(meter.take)
ctx.execute("latency")
meter.tell()
