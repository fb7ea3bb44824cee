"""Word count with pyarrow alone, from a text file to final counts: words_columns.py WORDS FOLDER."""

import json
import sys
import time

import pyarrow as pa
import pyarrow.acero
import pyarrow.compute as pc
from word_data import make_sink, write_lines

text = write_lines(int(sys.argv[1]), sys.argv[2])
sink, told = make_sink()

began = time.perf_counter()
words = []
with text.open() as file:
    while block := file.readlines(1 << 20):
        words.append(pc.list_flatten(pc.utf8_split_whitespace(pa.array(block).cast(pa.string()))))
table = pa.table({"word": pa.chunked_array(words, pa.string())})
for row in table.filter(pc.field("word") != "").group_by("word").aggregate([([], "count_all")]).to_pylist():
    sink((row["word"], row["count_all"]))
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
