"""Word count by hand, every update emitted: words.py WORDS tuned|defaults."""

import gc
import json
import sys
import time

from word_data import key, lines, make_sink, pair, reduce, split

data = lines(int(sys.argv[1]))
sink, told = make_sink()
if sys.argv[2] == "tuned":
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def count(data, emit):
    state = {}
    for line in data:
        for word in split(line):
            value = pair(word)
            k = key(value)
            if k in state:
                value = reduce(state[k], value)
            state[k] = value
            emit(value)


began = time.perf_counter()
count(data, sink)
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
