"""Every transformation, its order and its parallel form."""

from __future__ import annotations

import itertools
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raystreaming import DataStream, Job, JobError, KeyedStream, StreamingContext
from raystreaming.errors import OperatorError
from raystreaming.testing.memory import MemorySource

Run = Callable[..., list]


def test_map_filter_and_flat_map(collected: Run):
    rows = collected(
        lambda ctx: (
            ctx.from_collection(range(5000))
            .map(lambda x: x + 1)
            .filter(lambda x: x % 2)
            .flat_map(lambda x: [x] * (x % 3))
            .map(str)
        )
    )
    assert rows == [str(x) for n in range(5000) for x in [n + 1] if x % 2 for _ in range(x % 3)]


@pytest.mark.parametrize(
    "results",
    [list, tuple, iter, lambda r: (x for x in r), set, lambda r: dict.fromkeys(r), lambda r: r],
)
def test_flat_map_takes_any_iterable(collected: Run, results: Callable):
    rows = collected(lambda ctx: ctx.from_values(0, 3, 1).flat_map(lambda n: results(range(n))))
    assert rows == [0, 1, 2, 0]


def test_flat_map_takes_a_function_with_a_collector(collected: Run):
    def twice(value, collector):
        collector.collect(value)
        if value != "b":
            collector.collect(value.upper())

    class Twice:
        def __call__(self, value, collector):
            twice(value, collector)

    for fn in (twice, Twice()):
        assert collected(lambda ctx, fn=fn: ctx.from_values("a", "b", "c").flat_map(fn)) == list("aAbcC")


def test_flat_map_calls_a_builtin_with_one_argument(collected: Run):
    assert collected(lambda ctx: ctx.from_values("a b", "", "c").flat_map(str.split)) == ["a", "b", "c"]


def test_an_endless_result_is_pulled_piece_by_piece():
    seen = []
    made = itertools.count()

    def endless(_):
        while True:
            yield next(made)

    jobs: list[Job] = []
    submitted = threading.Event()

    def note(x):
        seen.append(x)
        if x == 20_000:
            submitted.wait(60)
            jobs[0].cancel()

    ctx = StreamingContext()
    ctx.from_values(0).flat_map(endless).sink(note)
    jobs.append(ctx.submit("endless"))
    submitted.set()
    job = jobs[0].wait()
    assert job.status().state == "cancelled"
    assert seen == list(range(len(seen)))
    assert len(seen) > 20_000
    assert next(made) - len(seen) < 5_000  # what was made and not yet written is bounded


def test_endless_results_are_pulled_no_faster_than_another_task_takes_them():
    made = itertools.count()
    gate = threading.Event()

    def endless(_):
        while True:
            yield next(made)

    def slow(x):
        if x == 1000:
            gate.wait(60)

    ctx = StreamingContext()
    ctx.from_values(0).flat_map(endless).map(lambda x: x).set_parallelism(2).sink(slow)
    job = ctx.submit("endless")
    assert not gate.wait(0.5)
    job.cancel()
    gate.set()
    job.wait()
    assert next(made) < 100_000


@given(st.lists(st.integers(-5, 5), max_size=60))
@settings(max_examples=25, deadline=None)
def test_filter_keeps_exactly_what_is_true(values: list[int]):
    ctx = StreamingContext()
    ctx.from_collection(values).filter(lambda x: x).collect()
    assert ctx.execute().result() == [x for x in values if x]


def test_union_has_every_record_of_every_stream_in_its_own_order(collected: Run):
    def build(ctx: StreamingContext) -> DataStream:
        a = ctx.from_collection([("a", n) for n in range(3000)])
        b = ctx.source(MemorySource({"b": [("b", n) for n in range(2000)]})).set_parallelism(2)
        return a.union(b, a.map(lambda r: ("c", r[1])))

    rows = collected(build)
    for name, count in (("a", 3000), ("b", 2000), ("c", 3000)):
        assert [n for which, n in rows if which == name] == list(range(count))
    assert len(rows) == 8000


def test_union_with_itself_doubles_and_with_nothing_does_nothing(collected: Run):
    assert sorted(collected(lambda ctx: (s := ctx.from_values(1, 2)).union(s))) == [1, 1, 2, 2]
    assert collected(lambda ctx: ctx.from_values(1, 2).union()) == [1, 2]


def test_two_branches_see_every_record():
    ctx = StreamingContext()
    stream = ctx.from_collection(range(3000)).map(lambda x: x)
    odd, even = [], []
    stream.filter(lambda x: x % 2).sink(odd.append)
    stream.filter(lambda x: x % 2 == 0).sink(even.append)
    ctx.execute()
    assert (odd, even) == (list(range(1, 3000, 2)), list(range(0, 3000, 2)))


KEYS = [
    None,
    True,
    0,
    -(2**63),
    2**64 - 1,
    1.5,
    -math.inf,
    "",
    "ä",
    b"",
    b"x",
    (),
    ("a", 1, (2, None)),
    ("a", ["b", [b"c"]]),
    ["a", ["b"]],
]


@pytest.mark.parametrize("parallelism", [1, 3])
def test_every_kind_of_key(collected: Run, parallelism: int):
    def build(ctx: StreamingContext) -> DataStream:
        pairs = ctx.from_collection([(i, n) for n in range(10) for i in range(len(KEYS))])
        keyed = pairs.map(lambda p: (p[0], 1)).key_by(lambda p: KEYS[p[0]])
        return keyed.reduce(lambda a, b: (a[0], a[1] + b[1])).set_parallelism(parallelism)

    last = dict(collected(build))
    assert last == dict.fromkeys(range(len(KEYS)), 10)


@pytest.mark.parametrize("parallelism", [1, 3])
@pytest.mark.parametrize("same", [[1, 1.0, True], [0.0, -0.0, 0, False], [("a", 1), ["a", 1.0]]])
def test_equal_keys_are_one_key(collected: Run, same: list, parallelism: int):
    turn = itertools.cycle(same)
    rows = collected(
        lambda ctx: (
            ctx.from_collection([1] * 3 * len(same))
            .map(lambda x: (next(turn), x))
            .key_by(lambda p: p[0])
            .reduce(lambda a, b: (a[0], a[1] + b[1]))
            .set_parallelism(parallelism)
        )
    )
    assert max(n for _, n in rows) == 3 * len(same)


@pytest.mark.parametrize("parallelism", [1, 2])
@pytest.mark.parametrize(
    ("key", "says"),
    [
        (math.nan, "NaN"),
        ({}, "dict"),
        (object(), "object"),
        (2**64, "out of range"),
        (("a", {1}), "set"),
        ((1, math.nan), "NaN"),
    ],
    ids=str,
)
def test_a_bad_key_is_refused_when_it_is_first_seen(collected: Run, key: object, says: str, parallelism: int):
    with pytest.raises(OperatorError, match=says) as refused:
        collected(
            lambda ctx: (
                ctx.from_values("r1")
                .key_by(lambda r: key)
                .reduce(lambda a, b: a)
                .set_parallelism(parallelism)
            )
        )
    assert "operator 'from_values." in str(refused.value)


@pytest.mark.parametrize("parallelism", [1, 2, 5])
def test_reduce_yields_one_update_a_record_in_the_order_of_the_key(collected: Run, parallelism: int):
    words = [f"w{n % 97}" for n in range(20_000)]
    rows = collected(
        lambda ctx: (
            ctx.from_collection(words)
            .map(lambda w: (w, 1))
            .set_parallelism(parallelism)
            .key_by(lambda p: p[0])
            .reduce(lambda a, b: (a[0], a[1] + b[1]))
            .set_parallelism(parallelism)
        )
    )
    assert Counter(w for w, _ in rows) == Counter(words)
    for word, count in Counter(words).items():
        assert [n for w, n in rows if w == word] == list(range(1, count + 1))


def test_reduce_gives_the_value_so_far_first(collected: Run):
    rows = collected(
        lambda ctx: ctx.from_values("a", "b", "c").key_by(lambda _: 1).reduce(lambda old, new: old + new)
    )
    assert rows == ["a", "ab", "abc"]


def test_a_keyed_stream_can_be_transformed_like_any_other(collected: Run):
    def build(ctx: StreamingContext) -> DataStream:
        keyed = ctx.from_collection(range(100)).key_by(lambda x: x % 7)
        assert isinstance(keyed, KeyedStream)
        for parallelism in (1, 3):
            keyed = keyed.map(lambda x: x).set_parallelism(parallelism).key_by(lambda x: x % 7)
        return keyed.filter(lambda x: x % 2).flat_map(lambda x: [x]).union(keyed)

    assert Counter(collected(build)) == Counter([*range(100), *range(1, 100, 2)])


def test_equal_keys_meet_in_one_task(collected: Run):
    class Where:
        def open(self, ctx):
            self.task = ctx.task

        def __call__(self, value):
            return value, self.task

    rows = collected(
        lambda ctx: (
            ctx.from_collection([n % 50 for n in range(5000)])
            .key_by(lambda x: x)
            .map(Where())
            .set_parallelism(4)
        )
    )
    tasks = {value: {t for v, t in rows if v == value} for value in range(50)}
    assert all(len(t) == 1 for t in tasks.values())
    assert {t for ts in tasks.values() for t in ts} == {0, 1, 2, 3}


def test_parallel_tasks_share_the_records_evenly(collected: Run):
    class Where:
        def open(self, ctx):
            self.task = (ctx.task, ctx.parallelism)

        def __call__(self, value):
            return self.task

    rows = collected(lambda ctx: ctx.from_collection(range(999)).map(Where()).set_parallelism(3))
    assert Counter(rows) == {(0, 3): 333, (1, 3): 333, (2, 3): 333}


class Recorder:
    """A function object that notes what happens to it."""

    log: ClassVar[list[tuple]] = []

    def __init__(self) -> None:
        self.calls = 0

    def open(self, ctx):
        self.log.append(("open", ctx.task, id(self)))

    def __call__(self, value):
        self.calls += 1
        return value if isinstance(value, int) else None

    def close(self):
        self.log.append(("close", self.calls, id(self)))


def test_a_sink_object_may_hold_an_open_file(tmp_path: Path):
    class Appender:
        def open(self, ctx):
            self.file = (tmp_path / "out.txt").open("w")

        def __call__(self, value):
            print(value, file=self.file)

        def close(self):
            self.file.close()

    ctx = StreamingContext()
    ctx.from_values("a", "b").sink(Appender())
    ctx.execute()
    assert (tmp_path / "out.txt").read_text() == "a\nb\n"


@pytest.mark.parametrize("method", ["map", "filter", "flat_map", "key_by", "sink"])
def test_function_objects_are_cloned_opened_and_closed_once_per_task(method: str):
    class Mine(Recorder):
        log: ClassVar[list[tuple]] = []

        def __call__(self, value):
            super().__call__(value)
            return [value] if method == "flat_map" else value

    original = Mine()
    ctx = StreamingContext()
    stream = ctx.from_collection(range(1, 11))
    made = getattr(stream, method)(original)
    made.set_parallelism(2)
    if method != "sink":
        made.sink(lambda r: None)
    ctx.execute()
    opened = [entry for entry in Mine.log if entry[0] == "open"]
    closed = [entry for entry in Mine.log if entry[0] == "close"]
    assert sorted(task for _, task, _ in opened) == [0, 1]
    assert sorted(calls for _, calls, _ in closed) == [5, 5]
    assert {me for *_, me in opened} == {me for *_, me in closed}
    assert id(original) not in {me for *_, me in opened}
    assert original.calls == 0


def test_a_reduce_function_object_is_cloned_too():
    class Sum:
        opened: ClassVar[list[int]] = []
        closed: ClassVar[list[int]] = []

        def open(self, ctx):
            self.opened.append(ctx.task)

        def __call__(self, a, b):
            return a + b

        def close(self):
            self.closed.append(1)

    ctx = StreamingContext()
    rows = []
    ctx.from_collection(range(10)).key_by(lambda x: x % 2).reduce(Sum()).set_parallelism(2).sink(rows.append)
    ctx.execute()
    assert (sorted(Sum.opened), len(Sum.closed)) == ([0, 1], 2)
    assert max(rows) == 25


def test_function_objects_are_closed_when_the_job_fails():
    class Mine(Recorder):
        log: ClassVar[list[tuple]] = []

    ctx = StreamingContext()
    ctx.from_values(1, 2).map(Mine()).map(lambda x: 1 // 0).sink(print)
    with pytest.raises(JobError):
        ctx.execute()
    assert [entry[0] for entry in Mine.log] == ["open", "close"]


def test_plain_functions_are_shared():
    seen = []
    ctx = StreamingContext()
    ctx.from_collection(range(100)).sink(seen.append).set_parallelism(4)
    ctx.execute()
    assert sorted(seen) == list(range(100))


def test_print_writes_lines_with_a_prefix(capsys: pytest.CaptureFixture[str]):
    ctx = StreamingContext()
    ctx.from_values(1, "two", None).print()
    ctx.from_values(3).print(prefix="n: ")
    ctx.execute()
    lines = capsys.readouterr().out.splitlines()
    assert sorted(lines) == ["1", "None", "n: 3", "two"]
    assert [line for line in lines if line != "n: 3"] == ["1", "two", "None"]


def test_a_stop_iteration_of_a_user_function_drops_nothing(collected: Run):
    """map() and friends written in C take it for the end of the batch."""
    nothing: Iterator[int] = iter(())
    for build in (
        lambda s: s.map(lambda x: next(nothing) if x == 2 else x),
        lambda s: s.filter(lambda x: next(nothing) if x == 2 else True),
        lambda s: s.flat_map(lambda x: next(nothing) if x == 2 else [x]),
        lambda s: s.key_by(lambda x: next(nothing) if x == 2 else x),
        lambda s: s.key_by(lambda x: 1).reduce(lambda a, b: next(nothing) if b == 2 else b),
    ):
        with pytest.raises(OperatorError, match=r"raised StopIteration(.|\n)*record: 2"):
            collected(lambda ctx, build=build: build(ctx.from_collection(range(5))))


def test_collect_takes_any_object(collected: Run):
    class Local:
        pass

    lock = threading.Lock()
    rows = collected(lambda ctx: ctx.from_values(1, 2).map(lambda n: Local() if n == 1 else lock))
    assert isinstance(rows[0], Local)
    assert rows[1] is lock


def test_chains_are_cut_where_the_program_says_so():
    def chains(cut):
        ctx = StreamingContext()
        stream = ctx.from_values(1).map(str).uid("cut")
        cut(stream)
        stream.filter(bool).collect()
        return ctx.explain().splitlines()[0]

    assert chains(lambda s: s) == "1 task in 1 chain"
    assert chains(lambda s: s.start_new_chain()) == "2 tasks in 2 chains"
    assert chains(lambda s: s.disable_chain()) == "3 tasks in 3 chains"
