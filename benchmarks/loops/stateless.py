"""map, filter, map by hand: stateless.py NUMBERS tuned|defaults."""

import gc
import json
import sys
import time

from number_data import double, make_sink, no_threes, plus_one

data = list(range(int(sys.argv[1])))
sink, told = make_sink()
if sys.argv[2] == "tuned":
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def loop(data, emit):
    for value in data:
        value = plus_one(value)
        if no_threes(value):
            emit(double(value))


began = time.perf_counter()
loop(data, sink)
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
