"""Word count with raystreaming on columns, a text file to final counts: words_columns.py WORDS FOLDER."""

import json
import sys
import time

import pyarrow.acero  # noqa: F401 - packages are loaded before the clock starts
import pyarrow.compute as pc
from word_data import make_sink, write_lines

import raystreaming.runtime.embedded  # noqa: F401 - submit loads it; start-up has a benchmark of its own
from raystreaming import StreamingContext, count

text = write_lines(int(sys.argv[1]), sys.argv[2])
sink, told = make_sink()

began = time.perf_counter()
ctx = StreamingContext()
words = ctx.read_text_file(text).select(word=pc.utf8_split_whitespace(pc.field("value"))).explode("word")
words.key_by("word").agg(n=count(), updates="final").sink(lambda row: sink((row["word"], row["n"])))
ctx.execute("word-count")
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
