"""Word count with Pathway, a text file to final counts: pathway_word_totals.py WORDS FOLDER.

Counting is its own; splitting is a Python function, as it has none for texts.
"""

import json
import sys
import time

import pathway as pw
from word_data import make_sink, split, write_lines

text = write_lines(int(sys.argv[1]), sys.argv[2])
sink, told = make_sink()


def changed(key, row, time, is_addition):
    if is_addition:
        sink((row["word"], row["n"]))


began = time.perf_counter()
read = pw.io.plaintext.read(text, mode="static")
words = read.select(word=pw.apply_with_type(split, list[str], pw.this.data)).flatten(pw.this.word)
pw.io.subscribe(words.groupby(pw.this.word).reduce(pw.this.word, n=pw.reducers.count()), changed)
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
