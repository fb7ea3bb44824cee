"""map, filter, map with Pathway, the same lambdas as user-defined functions: pathway_stateless.py NUMBERS."""

import json
import sys
import time

import pathway as pw
from number_data import double, make_sink, plus_one

data = list(range(int(sys.argv[1])))
sink, told = make_sink()


class Number(pw.Schema):
    n: int


class Numbers(pw.io.python.ConnectorSubject):
    deletions_enabled = False

    def run(self):
        for n in data:
            self.next(n=n)


def changed(key, row, time, is_addition):
    sink(row["n"])


def mapped(function, of=int):
    return pw.apply_with_type(function, of, pw.this.n)


began = time.perf_counter()
numbers = pw.io.python.read(Numbers(), schema=Number).select(n=mapped(plus_one))
kept = numbers.filter(mapped(lambda n: n % 3 != 0, bool))
pw.io.subscribe(kept.select(n=mapped(double)), changed)
pw.run(monitoring_level=pw.MonitoringLevel.NONE)
print(json.dumps({"seconds": time.perf_counter() - began, **told()}))
