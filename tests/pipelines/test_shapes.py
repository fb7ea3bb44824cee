"""Jobs of every shape: partitionings, unions, keyed state, uneven parallelism, branches; rows by an oracle.

They need nothing outside the job, so the simulated runtime runs them too, under crashes.
"""

from collections import Counter, defaultdict
from itertools import accumulate

import pytest

from raystreaming import (
    FilterFunction,
    FlatMapFunction,
    KeyFunction,
    MapFunction,
    ReduceFunction,
    SinkFunction,
    StreamingContext,
)
from raystreaming.connector import operator

pytestmark = pytest.mark.runtimes("embedded", "simulated", "ray", because="they commit no files")

COUNT = 3_000


def run(ctx):
    return ctx.execute("shapes").result()


def context(runtime):
    # A simulated second is over in a moment: there are as many checkpoints as elsewhere.
    return StreamingContext(checkpoint_interval="2s" if runtime == "simulated" else "50ms")


@pytest.mark.parametrize(
    ("first", "second", "sink"),
    [(1, 1, 1), (2, 2, 2), pytest.param(1, 3, 2, marks=pytest.mark.first_on_ray), (3, 1, 2)],
)
def test_forward_where_parallelism_is_equal_and_round_robin_where_not(first, second, sink, runtime):
    ctx = context(runtime)
    (
        ctx.from_collection(range(COUNT))
        .map(lambda n: n * 2)
        .set_parallelism(first)
        .map(lambda n: n + 1)
        .set_parallelism(second)
        .collect()
        .set_parallelism(sink)
    )
    assert sorted(run(ctx)) == [n * 2 + 1 for n in range(COUNT)]


def test_one_to_one_keeps_the_order(runtime):
    ctx = context(runtime)
    ctx.from_collection(range(COUNT)).map(str).map(int).collect()
    assert run(ctx) == list(range(COUNT))


def totals(values, key):
    """The answer of `reduce` with a sum: for each key every sum so far."""
    by_key = defaultdict(list)
    for value in values:
        by_key[key(value)].append(value)
    return Counter((k, total) for k, group in by_key.items() for total in accumulate(group))


@pytest.mark.parametrize("parallelism", [1, 2, pytest.param(3, marks=pytest.mark.first_on_ray)])
def test_keyed_state_sees_each_record_of_its_key_once_and_in_order(parallelism, runtime):
    ctx = context(runtime)
    (
        ctx.from_collection(range(COUNT))
        .map(lambda n: (n % 17, n))
        .key_by(lambda p: p[0])
        .reduce(lambda a, b: (a[0], a[1] + b[1]))
        .set_parallelism(parallelism)
        .collect()
    )
    assert Counter(run(ctx)) == totals(range(COUNT), lambda n: n % 17)


def test_keys_of_every_type_meet_in_one_task(runtime):
    keys = [None, True, 0, -1, 2**63, 1.5, "a", b"a", ("a", 1), ""]
    ctx = context(runtime)
    (
        ctx.from_collection(keys * 50)
        .map(lambda k: (k, 1))
        .set_parallelism(2)
        .key_by(lambda p: p[0])
        .reduce(lambda a, b: (a[0], a[1] + b[1]))
        .set_parallelism(3)
        .collect()
    )
    assert Counter(run(ctx)) == Counter((k, n) for k in keys for n in range(1, 51))


def test_two_keyed_steps_one_after_the_other(runtime):
    ctx = context(runtime)
    (
        ctx.from_collection(range(COUNT))
        .map(lambda n: (n % 31, 1))
        .set_parallelism(2)
        .key_by(lambda p: p[0])
        .reduce(lambda a, b: (a[0], a[1] + b[1]))
        .set_parallelism(3)
        .map(lambda p: (p[0] % 2, 1))
        .key_by(lambda p: p[0])
        .reduce(lambda a, b: (a[0], a[1] + b[1]))
        .set_parallelism(2)
        .collect()
    )
    even = sum(1 for n in range(COUNT) if n % 31 % 2 == 0)
    assert Counter(run(ctx)) == Counter(
        [(0, n) for n in range(1, even + 1)] + [(1, n) for n in range(1, COUNT - even + 1)]
    )


@pytest.mark.first_on_ray
def test_union_of_streams_of_unequal_parallelism(runtime):
    ctx = context(runtime)
    one = ctx.from_collection(range(COUNT)).map(lambda n: ("one", n)).set_parallelism(2)
    two = ctx.from_collection(range(10)).map(lambda n: ("two", n))
    three = ctx.from_values()
    one.union(two, three).set_parallelism(3).filter(lambda p: p[1] % 2 == 0).collect()
    rows = Counter(run(ctx))
    assert rows == Counter([("one", n) for n in range(0, COUNT, 2)] + [("two", n) for n in range(0, 10, 2)])


@pytest.mark.first_on_ray
def test_branches_that_come_together_again(runtime):
    ctx = context(runtime)
    numbers = ctx.from_collection(range(COUNT)).map(int).set_parallelism(2)
    odd = numbers.filter(lambda n: n % 2).map(lambda n: -n)
    even = numbers.filter(lambda n: n % 2 == 0).set_parallelism(3)
    odd.union(even).set_parallelism(2).collect()
    assert sorted(run(ctx)) == sorted(-n if n % 2 else n for n in range(COUNT))


def test_an_operator_that_expands(runtime):
    ctx = context(runtime)
    (
        ctx.from_collection(range(100))
        .flat_map(lambda n: [(n, i) for i in range(n)])
        .set_parallelism(2)
        .key_by(lambda p: p[0])
        .map(lambda p: p)
        .set_parallelism(3)
        .collect()
    )
    assert sorted(run(ctx)) == [(n, i) for n in range(100) for i in range(n)]


class Both(FlatMapFunction):
    def flat_map(self, value, collector):
        collector.collect(value)
        collector.collect(-value)


class NoSixes(FilterFunction):
    def filter(self, value):
        return value % 10 != 6


class LastDigit(KeyFunction):
    def key_by(self, value):
        return abs(value[2]) % 10


class Largest(ReduceFunction):
    def reduce(self, old_value, new_value):
        return max(old_value, new_value, key=lambda row: row[2])


class Where(MapFunction):
    """Each record with a name and the index of the task that sees it."""

    def __init__(self, name):
        self.name = name

    def open(self, context):
        self.task = context.task

    def map(self, value):
        return (self.name, self.task, value)


class Leave(SinkFunction):
    """Leaves a file for each record: the same one, should it come twice."""

    def __init__(self, folder):
        self.folder = folder

    def sink(self, value):
        (self.folder / str(value)).touch()


@operator
def named(value, *, name):
    yield (name, 0, value)


@pytest.mark.first_on_ray
def test_every_partitioning_and_class_of_functions(runtime, tmp_path):
    count, tasks = 60, 3
    ctx = context(runtime)
    numbers = ctx.from_collection(range(count)).partition_by(lambda n, of: n % of).map(int).set_parallelism(2)
    kept = numbers.flat_map(Both()).filter(NoSixes())
    kept.sink(Leave(tmp_path)).set_parallelism(2)
    spread = {
        "forward": numbers.forward().map(Where("forward")),
        "partition_by": numbers.partition_by(lambda n, of: n * n % of).map(Where("partition_by")),
        **{
            m: getattr(numbers, m)().map(Where(m)) for m in ("broadcast", "rescale", "round_robin", "shuffle")
        },
        "apply": numbers.apply(named(name="apply")),
        "map_batches": numbers.map_batches(lambda batch: [("map_batches", 0, n) for n in batch], "rows"),
        "reduce": kept.map(Where("reduce")).set_parallelism(2).key_by(LastDigit()).reduce(Largest()),
    }
    for name, stream in spread.items():
        stream.set_parallelism(2 if name == "forward" else tasks)
    first, *others = spread.values()
    first.union(*others).collect()

    rows = run(ctx)
    seen = {name: [(task, n) for found, task, n in rows if found == name] for name in spread}
    assert Counter(seen["forward"]) == Counter((n % 2, n) for n in range(count))
    assert Counter(seen["partition_by"]) == Counter((n * n % tasks, n) for n in range(count))
    assert Counter(seen["broadcast"]) == Counter((t, n) for t in range(tasks) for n in range(count))
    for name in ("rescale", "round_robin", "shuffle", "apply", "map_batches"):
        assert sorted(n for _, n in seen[name]) == list(range(count)), name
    for name in ("rescale", "round_robin"):
        assert {task for task, _ in seen[name]} == set(range(tasks)), name
    expected = [v for n in range(count) for v in (n, -n) if v % 10 != 6]
    assert {path.name for path in tmp_path.iterdir()} == set(map(str, expected))
    assert len(seen["reduce"]) == len(expected)
    digits = {abs(n) % 10: max(v for v in expected if (abs(v) - abs(n)) % 10 == 0) for n in expected}
    largest = {digit: max(n for _, n in seen["reduce"] if abs(n) % 10 == digit) for digit in digits}
    assert largest == digits
