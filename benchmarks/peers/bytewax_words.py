"""Word count with Bytewax, every update emitted: bytewax_words.py WORDS."""

import json
import sys
import time

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource, run_main
from bytewax_sink import EachSink
from word_data import key, lines, make_sink, pair, reduce, split


def update(state, value):
    value = value if state is None else reduce(state, value)
    return value, value


data = lines(int(sys.argv[1]))
sink, told = make_sink()

began = time.perf_counter()
flow = Dataflow("word-count")
words = op.flat_map("split", op.input("in", flow, TestingSource(data, batch_size=1_000)), split)
keyed = op.key_on("key_by", op.map("pair", words, pair), key)
reduced = op.stateful_map("reduce", keyed, update)
op.output("out", op.map("values", reduced, lambda p: p[1]), EachSink(sink))
run_main(flow)
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
