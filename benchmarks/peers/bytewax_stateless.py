"""map, filter, map with Bytewax: bytewax_stateless.py NUMBERS."""

import json
import sys
import time

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource, run_main
from bytewax_sink import EachSink
from number_data import double, make_sink, plus_one

data = list(range(int(sys.argv[1])))
sink, told = make_sink()

began = time.perf_counter()
flow = Dataflow("stateless")
mapped = op.map("plus_one", op.input("in", flow, TestingSource(data, batch_size=1_000)), plus_one)
# Its filter takes True and False only, so this is no_threes as one of these.
kept = op.filter("no_threes", mapped, lambda x: x % 3 != 0)
op.output("out", op.map("double", kept, double), EachSink(sink))
run_main(flow)
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
