"""Word count on columns: no Python object per word. `python examples/word_count.py words.txt`."""

import sys

import pyarrow.compute as pc

from raystreaming import StreamingContext, count

ctx = StreamingContext()
(
    ctx.read_text_file(sys.argv[1])
    .select(word=pc.utf8_split_whitespace(pc.field("value")))
    .explode("word")
    .filter(pc.field("word") != "")
    .key_by("word")
    .agg(n=count(), updates="final")
    .print()
)
ctx.execute("word-count")
