"""Function classes, at every parallelism, as a plain computation has it; and their life."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from typing import ClassVar

import pytest

from raystreaming import (
    FilterFunction,
    FlatMapFunction,
    KeyFunction,
    MapFunction,
    ReduceFunction,
    SinkFunction,
    SourceFunction,
    StreamingContext,
)
from raystreaming.errors import OperatorError
from raystreaming_test_support.number_source import Numbers

N = 60
PARALLELISM = [1, 2, 3, 7]


class Square(MapFunction[int, int]):
    def map(self, value):
        return value * value


class Both(FlatMapFunction[int]):
    def flat_map(self, value, collector):
        collector.collect(value)
        collector.collect(-value)


class NoSixes(FilterFunction[int]):
    def filter(self, value):
        return value % 10 != 6


class LastDigit(KeyFunction[int, int]):
    def key_by(self, value):
        return abs(value) % 10


class Where(MapFunction[int, tuple]):
    def open(self, context):
        self.task = context.task

    def map(self, value):
        return (self.task, value)


class Largest(ReduceFunction[tuple]):
    def reduce(self, old_value, new_value):
        return (old_value[0], max(old_value[1], new_value[1]))


class Keep(SinkFunction[object]):
    kept: ClassVar[list] = []

    def sink(self, value):
        Keep.kept.append(value)


@pytest.fixture(autouse=True)
def _empty():
    Keep.kept = []


def plain():
    squares = [n * n for n in range(N)]
    return [v for n in squares for v in (n, -n) if v % 10 != 6]


@pytest.mark.parametrize("tasks", PARALLELISM)
@pytest.mark.parametrize("sources", PARALLELISM)
def test_all_of_them(sources, tasks):
    ctx = StreamingContext().set_parallelism(tasks)
    numbers = ctx.source(Numbers(N)).set_parallelism(sources).map(Square()).flat_map(Both()).filter(NoSixes())
    numbers.sink(Keep())
    pairs = numbers.key_by(LastDigit()).map(Where()).key_by(lambda p: abs(p[1]) % 10)
    pairs.reduce(Largest()).collect()
    largest = ctx.execute("functions").result()
    assert Counter(Keep.kept) == Counter(plain())
    where, ends = defaultdict(set), {}
    for task, value in largest:
        where[abs(value) % 10].add(task)
        ends[abs(value) % 10] = max(value, ends.get(abs(value) % 10, value))
    assert all(len(seen_in) == 1 for seen_in in where.values()), "one key in one place"
    assert ends == {k: max(v for v in plain() if abs(v) % 10 == k) for k in {abs(v) % 10 for v in plain()}}
    assert len(largest) == len(plain())


@pytest.mark.parametrize("tasks", PARALLELISM)
@pytest.mark.parametrize("key", [lambda r: r["k"], "k"])
def test_keys_by_function_and_field(key, tasks):
    ctx = StreamingContext().set_parallelism(tasks)
    ctx.from_collection([{"k": n % 5, "n": n} for n in range(N)]).key_by(key).sum("n").collect()
    rows = ctx.execute("keys").result()
    expected = [{"k": n % 5, "n": sum(range(n % 5, n + 1, 5))} for n in range(N)]
    assert sorted(rows, key=lambda r: (r["k"], r["n"])) == sorted(expected, key=lambda r: (r["k"], r["n"]))


@pytest.mark.parametrize("tasks", PARALLELISM)
def test_keys_by_index_and_what_adds_up(tasks):
    pairs = [(n % 5, n) for n in range(N)]
    expected = Counter((n % 5, sum(range(n % 5, n + 1, 5))) for n in range(N))
    for compute in (
        lambda s: s.key_by(0).sum(1),
        lambda s: s.key_by(0).sum(lambda p: p[1]),
        lambda s: s.reduce_by_key(lambda a, b: a + b),
    ):
        ctx = StreamingContext().set_parallelism(tasks)
        compute(ctx.from_collection(pairs)).collect()
        assert Counter(ctx.execute("adds").result()) == expected


@pytest.mark.parametrize("tasks", PARALLELISM)
@pytest.mark.parametrize("what", ["k", 0, ["k", "l"], [0]])
def test_equal_values_of_a_field_meet(what, tasks):
    of_dicts = what in ("k", ["k", "l"])
    rows = [{"k": str(n % 9), "l": n % 2} if of_dicts else (str(n % 9),) for n in range(N)]
    ctx = StreamingContext()
    spread = ctx.from_collection(rows).partition(what).map(Where()).set_parallelism(tasks)
    spread.collect()
    seen = ctx.execute("field").result()
    assert Counter(str(row) for _, row in seen) == Counter(map(str, rows))
    assert all(len({t for t, r in seen if r == row}) == 1 for row in rows)


class Counted(MapFunction[int, tuple]):
    """How many this object has seen."""

    def __init__(self):
        self.seen = 0

    def map(self, value):
        self.seen += 1
        return (self.seen, value)

    def save_checkpoint(self):
        return self.seen

    def load_checkpoint(self, seen):
        self.seen = seen


class CountedSink(Keep):
    def open(self, context):
        self.count = 0

    def sink(self, value):
        self.count += 1
        Keep.kept.append((self.count, value))

    def save_checkpoint(self):
        return self.count

    def load_checkpoint(self, count):
        self.count = count


class CountedFlat(FlatMapFunction[int]):
    seen = 0

    def flat_map(self, value, collector):
        self.seen += 1
        collector.collect((self.seen, value))

    save_checkpoint = Counted.save_checkpoint
    load_checkpoint = Counted.load_checkpoint


class CountedFilter(FilterFunction[int]):
    seen = 0

    def filter(self, value):
        self.seen += 1
        return value == self.seen - 1  # always so, if no call is forgotten

    save_checkpoint = Counted.save_checkpoint
    load_checkpoint = Counted.load_checkpoint


class CountedKey(KeyFunction[tuple, int]):
    seen = 0

    def key_by(self, value):
        self.seen += 1
        return self.seen - value[1]  # always 1, if no call is forgotten

    save_checkpoint = Counted.save_checkpoint
    load_checkpoint = Counted.load_checkpoint


class CountedReduce(ReduceFunction[tuple]):
    seen = 0

    def reduce(self, old_value, new_value):
        self.seen += 1
        return (self.seen + 1, new_value[1])  # the first record is not asked about

    save_checkpoint = Counted.save_checkpoint
    load_checkpoint = Counted.load_checkpoint


def endless(folder, eventually, build):
    before = len(Keep.kept)
    ctx = StreamingContext(checkpoint_dir=folder, checkpoint_interval="10ms")
    build(ctx.source(Numbers(None)))
    job = ctx.submit("job")
    eventually(lambda: len(Keep.kept) > before + 200)
    job.stop()
    job.wait()


def first(value):
    return (1, value)


@pytest.mark.parametrize(
    "build",
    [
        lambda s: s.map(Counted()).sink(Keep()),
        lambda s: s.flat_map(CountedFlat()).sink(Keep()),
        lambda s: s.sink(CountedSink()),
        lambda s: s.filter(CountedFilter()).map(lambda n: (n + 1, n)).sink(Keep()),
        lambda s: s.map(first).key_by(CountedKey()).reduce(lambda a, b: (a[0] + 1, b[1])).sink(Keep()),
        lambda s: s.map(first).key_by(lambda _: 0).reduce(CountedReduce()).sink(Keep()),
    ],
    ids=["map and source", "flat_map", "sink", "filter", "key_by", "reduce"],
)
def test_state_of_functions_is_in_the_checkpoint(tmp_path, eventually, build):
    for _ in range(3):
        endless(tmp_path, eventually, build)
    assert Keep.kept == [(n + 1, n) for n in range(len(Keep.kept))]


class Talking(MapFunction[int, int]):
    said: ClassVar[list] = []

    def open(self, context):
        self.said.append(("open", context.operator, context.task, context.parallelism, context.config))

    def map(self, value):
        return value

    def close(self):
        self.said.append(("close",))


def test_each_task_has_an_object_of_its_own_that_is_opened_and_closed():
    Talking.said = []
    template = Talking()
    ctx = StreamingContext()
    told = ctx.from_values(1, 2).map(template).set_parallelism(2).with_config("a", 1).with_config({"b": 2})
    told.sink()
    ctx.execute("life")
    assert sorted(Talking.said) == [("close",), ("close",)] + [
        ("open", "from_values.map", task, 2, {"a": 1, "b": 2}) for task in (0, 1)
    ]


LIFE: list = []


class Living:
    """A function's life, whatever its class."""

    def open(self, context):
        LIFE.append(("open", self, context.operator, context.task))

    def close(self):
        LIFE.append(("close", self))


class LivingSource(Living, Numbers):
    pass


class LivingMap(Living, Square):
    pass


class LivingFlatMap(Living, Both):
    pass


class LivingFilter(Living, NoSixes):
    pass


class LivingKey(Living, LastDigit):
    pass


class LivingReduce(Living, Largest):
    pass


class LivingSink(Living, Keep):
    pass


@pytest.mark.parametrize("tasks", PARALLELISM)
@pytest.mark.parametrize(
    ("kind", "build"),
    [
        ("LivingSource", lambda ctx: ctx.source(LivingSource(N)).sink()),
        ("map", lambda ctx: ctx.from_values(1).map(LivingMap()).sink()),
        ("flat_map", lambda ctx: ctx.from_values(1).flat_map(LivingFlatMap()).sink()),
        ("filter", lambda ctx: ctx.from_values(1).filter(LivingFilter()).sink()),
        ("key_by", lambda ctx: ctx.from_values(1).map(int).key_by(LivingKey()).sum(int).sink()),
        ("reduce", lambda ctx: ctx.from_values(1).key_by(LastDigit()).reduce(LivingReduce()).sink()),
        ("reduce", lambda ctx: ctx.from_values((1, 1)).reduce_by_key(LivingReduce()).sink()),
        ("sink", lambda ctx: ctx.from_values(1).sink(LivingSink())),
    ],
)
def test_every_class_has_an_object_for_each_task_that_is_opened_once_and_closed_once(kind, build, tasks):
    LIFE.clear()
    ctx = StreamingContext().set_parallelism(tasks)
    build(ctx)
    ctx.execute("life")
    opened = {said[1]: said[2:] for said in LIFE if said[0] == "open"}
    assert sorted(task for _, task in opened.values()) == list(range(tasks))
    assert {operator.rpartition(".")[2] for operator, _ in opened.values()} == {kind}
    assert {said[1] for said in LIFE if said[0] == "close"} == set(opened)
    assert len(LIFE) == 2 * tasks


class Greatest(ReduceFunction[int]):
    def reduce(self, old_value, new_value):
        return max(old_value, new_value)


@pytest.mark.parametrize("tasks", PARALLELISM)
def test_a_reduce_function_for_the_values_of_pairs(tasks):
    pairs = [(n % 5, n * 7 % 11) for n in range(N)]
    so_far, expected = {}, Counter()
    for k, v in pairs:
        so_far[k] = max(v, so_far.get(k, v))
        expected[k, so_far[k]] += 1
    ctx = StreamingContext().set_parallelism(tasks)
    ctx.from_collection(pairs).reduce_by_key(Greatest()).collect()
    assert Counter(ctx.execute("pairs").result()) == expected


class Unpicklable(Counted):
    def save_checkpoint(self):
        return lambda: None


def test_state_that_cannot_be_kept_is_an_error():
    ctx = StreamingContext()
    ctx.from_values(1).map(Unpicklable()).sink()
    with pytest.raises(
        OperatorError, match=r"operator 'from_values.map': save_checkpoint\(\) of Unpicklable"
    ):
        ctx.execute("unpicklable")


@pytest.mark.parametrize("tasks", PARALLELISM)
def test_the_parallelism_of_the_job_is_that_of_what_is_not_told(tasks):
    ctx = StreamingContext().set_parallelism(tasks)
    ctx.from_collection(range(N)).map(Where()).collect()
    seen = ctx.execute("default").result()
    assert Counter(n for _, n in seen) == Counter(range(N))
    assert {task for task, _ in seen} == set(range(tasks))
    ctx = StreamingContext().set_parallelism(tasks)
    ctx.from_values(1).map(str).set_parallelism(5).map(str).collect()
    assert [line.rpartition("x")[2] for line in ctx.graph().splitlines() if line[0] != " "] == [
        "1",
        "5",
        str(tasks),
        str(tasks),
    ]


def test_sources_of_functions_wait_and_end():
    class Slow(SourceFunction[int]):
        def init(self, parallel, index):
            self.calls = itertools.count()

        def fetch(self, collector):
            n = next(self.calls)
            if n % 3 == 0:
                collector.collect(n)
            return None if n < 9 else False

    ctx = StreamingContext()
    ctx.source(Slow()).collect()
    assert "cannot be read again" in ctx.explain()
    assert ctx.execute("slow").result() == [0, 3, 6, 9]
