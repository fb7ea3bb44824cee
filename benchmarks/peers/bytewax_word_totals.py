"""Word count with Bytewax, a text file to final counts: bytewax_word_totals.py WORDS FOLDER."""

import json
import sys
import time

import bytewax.operators as op
from bytewax.connectors.files import FileSource
from bytewax.dataflow import Dataflow
from bytewax.testing import run_main
from bytewax_sink import EachSink
from word_data import make_sink, split, write_lines

text = write_lines(int(sys.argv[1]), sys.argv[2])
sink, told = make_sink()

began = time.perf_counter()
flow = Dataflow("word-count")
words = op.flat_map("split", op.input("in", flow, FileSource(text, batch_size=1_000)), split)
op.output("out", op.count_final("count", words, lambda word: word), EachSink(sink))
run_main(flow)
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
