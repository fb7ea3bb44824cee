"""Word count with raystreaming, every update emitted: words.py WORDS."""

import json
import sys
import time

from word_data import key, lines, make_sink, pair, reduce, split

import raystreaming.runtime.embedded  # noqa: F401 - submit loads it; start-up has a benchmark of its own
from raystreaming import StreamingContext

data = lines(int(sys.argv[1]))
sink, told = make_sink()

began = time.perf_counter()
ctx = StreamingContext()
ctx.from_collection(data).flat_map(split).map(pair).key_by(key).reduce(reduce).sink(sink)
ctx.execute("word-count")
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
