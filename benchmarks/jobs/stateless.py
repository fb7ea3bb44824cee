"""map, filter, map with raystreaming: stateless.py NUMBERS."""

import json
import sys
import time

from number_data import double, make_sink, no_threes, plus_one

import raystreaming.runtime.embedded  # noqa: F401 - submit loads it; start-up has a benchmark of its own
from raystreaming import StreamingContext

data = list(range(int(sys.argv[1])))
sink, told = make_sink()

began = time.perf_counter()
ctx = StreamingContext()
ctx.from_collection(data).map(plus_one).filter(no_threes).map(double).sink(sink)
ctx.execute("stateless")
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
