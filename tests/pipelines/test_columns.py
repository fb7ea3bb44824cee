"""Columns, function classes and side outputs on every runtime; rows by a plain computation.

They need nothing outside the job, so the simulated runtime runs them too, under crashes.
"""

from collections import Counter

import pyarrow.compute as pc
import pytest

from raystreaming import MapFunction, StreamingContext, Tagged, count, max_, sum_
from raystreaming_test_support.number_source import Numbers

pytestmark = pytest.mark.runtimes("embedded", "simulated", "ray", because="they write no files")

COUNT = 3_000


def context(runtime):
    # A simulated second is over in a moment: there are as many checkpoints as elsewhere.
    return StreamingContext(checkpoint_interval="2s" if runtime == "simulated" else "50ms")


@pytest.mark.parametrize("parallelism", [1, pytest.param(3, marks=pytest.mark.first_on_ray)])
@pytest.mark.parametrize("updates", ["final", "batch"])
def test_aggregates_of_columns(parallelism, updates, runtime):
    ctx = context(runtime)
    rows = ctx.from_collection([{"k": f"key {n % 17}", "n": n, "tags": [n % 2, 2]} for n in range(COUNT)])
    columns = rows.with_columns(double=pc.field("n") * 2).explode("tags").filter(pc.field("tags") != 1)
    totals = columns.select("k", "double").set_parallelism(parallelism).key_by("k")
    results = totals.agg(n=count(), total=sum_("double"), last=max_("double"), updates=updates)
    results.set_parallelism(parallelism).collect()
    found = ctx.execute("columns").result()
    expected = {}
    for n in range(COUNT):
        for tag in (n % 2, 2):
            if tag != 1:
                so_far = expected.get(n % 17, (0, 0))
                expected[n % 17] = (so_far[0] + 1, so_far[1] + 2 * n)
    if updates == "final":
        assert len(found) == 17, "one record for each key, once"
    by_n = sorted(found, key=lambda row: row["n"])
    assert {int(r["k"].removeprefix("key ")): (r["n"], r["total"]) for r in by_n} == expected
    assert len({(r["k"], r["n"]) for r in found}) == len(found), "no update comes twice"


class Numbered(MapFunction):
    """The how manieth record of its task each is; odd ones go aside."""

    seen = 0

    def map(self, value):
        self.seen += 1
        return Tagged("odd", (self.seen, value)) if value % 2 else (self.seen, value)

    def save_checkpoint(self):
        return self.seen

    def load_checkpoint(self, seen):
        self.seen = seen


@pytest.mark.parametrize("parallelism", [1, pytest.param(2, marks=pytest.mark.first_on_ray)])
def test_functions_with_state_and_a_side_output(parallelism, runtime):
    ctx = context(runtime)
    numbered = ctx.source(Numbers(COUNT, at_once=10)).set_parallelism(parallelism).map(Numbered())
    odd = numbered.side_output("odd").map(lambda pair: ("odd", *pair))
    numbered.map(lambda pair: ("even", *pair)).union(odd).collect()
    found = ctx.execute("functions").result()
    assert Counter((kind, n) for kind, _, n in found) == Counter(
        ("odd" if n % 2 else "even", n) for n in range(COUNT)
    )
    seen = [range(1, len(range(i, COUNT, parallelism)) + 1) for i in range(parallelism)]
    assert Counter(number for _, number, _ in found) == Counter(n for each in seen for n in each)
