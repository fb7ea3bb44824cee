"""map, filter, map with raystreaming, in a chain or not: stateless.py NUMBERS [apart]."""

import json
import sys
import time

from number_data import double, make_sink, no_threes, plus_one

import raystreaming.runtime.embedded  # noqa: F401 - submit loads it; start-up has a benchmark of its own
from raystreaming import StreamingContext

apart = sys.argv[2:] == ["apart"]
data = list(range(int(sys.argv[1])))
sink, told = make_sink()

began = time.perf_counter()
ctx = StreamingContext()
numbers = ctx.from_collection(data)
if apart:
    threes_left_out = numbers.map(plus_one).disable_chain().filter(no_threes).disable_chain()
    threes_left_out.map(double).disable_chain().sink(sink).disable_chain()
else:
    numbers.map(plus_one).filter(no_threes).map(double).sink(sink)
ctx.execute("stateless")
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
