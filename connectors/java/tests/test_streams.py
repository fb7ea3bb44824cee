"""Python programs with Java functions, embedded."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from raystreaming import DataStream, KeyedStream, StreamingContext
from raystreaming.connector import Batch, Fetched, Operator, OperatorFactory, Reader, Source, Split
from raystreaming.errors import GraphError, OperatorError
from raystreaming_java.column import JavaColumn

FNS = "com.acme.Fns$"
DEMO = "io.ray.streaming.runtime.demo.HybridStreamTest$"


def test_the_first_cross_language_program():
    ctx = StreamingContext()
    (
        ctx.from_values("a", "b", "c")
        .as_java_stream()
        .map(DEMO + "Mapper1")
        .filter(DEMO + "Filter1")
        .as_python_stream()
        .collect()
    )
    assert ctx.execute("HybridStreamTest").result() == ["a", "c"]


def test_languages_take_turns_in_one_chain(context):
    ctx = context()
    stream = (
        ctx.from_collection(range(10))
        .map(lambda n: n + 1)
        .as_java_stream()
        .map(FNS + "Times", 2)
        .as_python_stream()
        .filter(lambda n: n != 4)
        .as_java_stream()
        .filter(FNS + "Even")
        .map(FNS + "Times", 10)
        .as_python_stream()
    )
    stream.map(str).collect()
    assert ctx.explain().startswith("1 task in 1 chain\n")
    assert ctx.execute("turns").result() == [str(20 * n) for n in range(1, 11) if n != 2]


WORDS = ["to be or not to be", "be not to"] * 3


def counted(words: list[str]) -> Counter[str]:
    return Counter(w for line in words for w in line.split())


@pytest.mark.parametrize("parallelism", [1, 3])
def test_word_count_of_plain_classes_in_java(context, parallelism):
    ctx = context()
    (
        ctx.from_collection(WORDS)
        .as_java_stream()
        .flat_map(FNS + "Words")
        .map(FNS + "Pair")
        .set_parallelism(parallelism)
        .key_by(FNS + "Word")
        .reduce(FNS + "Sum")
        .set_parallelism(parallelism)
        .map(FNS + "Show")
        .as_python_stream()
        .collect()
    )
    rows = ctx.execute("words").result()
    assert len(rows) == sum(counted(WORDS).values())
    assert {word: max(n for w, n in rows if w == word) for word, _ in rows} == counted(WORDS)


@pytest.mark.parametrize("parallelism", [1, 2])
def test_keys_made_in_one_language_are_reduced_in_the_other(context, parallelism):
    expected = {k: sum(n for n in range(100) if n % 7 == k) for k in range(7)}

    ctx = context()
    keyed = ctx.from_collection(range(100)).key_by(lambda n: n % 7)
    assert keyed.as_java_stream()._operator is keyed._operator
    keyed.as_java_stream().reduce(FNS + "Add").set_parallelism(parallelism).as_python_stream().collect()
    rows = ctx.execute("python-key").result()
    assert {k: max(n for n in rows if n in sums(k)) for k in range(7)} == expected

    ctx = context()
    java = ctx.from_collection(range(100)).as_java_stream().map(FNS + "Identity").key_by(FNS + "Mod", 7)
    python = java.as_python_stream()
    assert type(python) is KeyedStream
    python.reduce(lambda a, b: a + b).set_parallelism(parallelism).collect()
    assert sorted(ctx.execute("java-key").result()) == sorted(rows)


def sums(key: int) -> set[int]:
    values = range(key, 100, 7)
    return {sum(values[: i + 1]) for i in range(len(values))}


def test_aggregate_and_process_have_state_by_key(context):
    ctx = context()
    keyed = ctx.from_values(1, 2, 3, 4).as_java_stream().map(FNS + "Identity").key_by(FNS + "Mod", 2)
    keyed.aggregate(FNS + "Mean").as_python_stream().collect()
    assert ctx.execute("mean").result() == [1.0, 2.0, 2.0, 3.0]

    ctx = context()
    keyed = ctx.from_values(1, 2, 3, 4).as_java_stream().map(FNS + "Identity").key_by(FNS + "Mod", 2)
    keyed.process(FNS + "Remember").as_python_stream().collect()
    assert ctx.execute("remember").result() == [
        [1, 1, [1], {"odd": 1}],
        [0, 1, [2], {"even": 2}],
        [1, 2, [1, 3], {"odd": 4}],
        [0, 2, [2, 4], {"even": 6}],
    ]


def test_process_without_keys_has_no_state(context):
    ctx = context()
    ctx.from_values(1).as_java_stream().process(FNS + "Remember").as_python_stream().collect()
    with pytest.raises(OperatorError, match=r"has no state by key: only .* behind keyBy"):
        ctx.execute("no-key")


@pytest.mark.parametrize("parallelism", [1, 3])
def test_a_java_source_and_a_java_sink(context, tmp_path: Path, parallelism: int):
    ctx = context()
    numbers = ctx.from_java(FNS + "Numbers", 95).set_parallelism(parallelism)
    numbers.map(FNS + "Times", 2).set_parallelism(parallelism).sink(FNS + "ToFile", str(tmp_path / "out"))
    ctx.execute("both-ends")
    assert sorted(map(int, (tmp_path / "out").read_text().split())) == [2 * n for n in range(95)]


def test_a_python_stream_into_a_java_sink_by_its_name(context, tmp_path: Path):
    ctx = context()
    ctx.from_java(FNS + "Numbers", 3).as_python_stream().map(str).sink("com.acme.Fns$Collecting")
    ctx.execute("collecting")
    import jpype

    collecting = jpype.JClass("java.lang.System").getProperty("collected")
    assert str(collecting) == "0,1,2,"


def test_a_stream_that_expands_is_cut_and_loses_nothing(rows_of):
    expected = [i for n in (50_000, 3, 20_000) for i in range(n)]
    assert rows_of([50_000, 3, 20_000], ("flat_map", "Repeat")) == expected


def test_branches_share_java_records(context):
    ctx = context()
    doubled = ctx.from_collection(range(100)).as_java_stream().map(FNS + "Times", 2)
    doubled.filter(FNS + "Even").as_python_stream().collect()
    seen: list[int] = []
    doubled.as_python_stream().sink(seen.append)
    assert ctx.execute("branches").result() == seen == [2 * n for n in range(100)]


def test_union_of_java_streams(context):
    ctx = context()
    one = ctx.from_values(1).as_java_stream().map(FNS + "Times", 1)
    other = ctx.from_values(2).as_java_stream()
    one.union(other).map(FNS + "Times", 10).as_python_stream().collect()
    assert sorted(ctx.execute("union").result()) == [10, 20]
    with pytest.raises(GraphError, match=r"takes Java streams, got <DataStream"):
        one.union(ctx.from_values(1))


def test_the_views_are_one_stream():
    ctx = StreamingContext()
    stream = ctx.from_values(1).map(str)
    java = stream.as_java_stream()
    java.set_parallelism(3).uid("mine").name("shown")
    assert (stream._operator.parallelism, stream._operator.uid, stream._operator.label) == (
        3,
        "mine",
        "shown",
    )
    assert java.as_java_stream() is java
    assert type(java.as_python_stream()) is DataStream
    assert stream.as_python_stream() is stream


def test_key_by_right_after_a_conversion_says_to_map_first():
    ctx = StreamingContext()
    with pytest.raises(GraphError, match=r"as_java_stream\(\): 'from_values' .*Map first, e\.g\. \.map\("):
        ctx.from_values(1).as_java_stream().key_by("com.acme.Key")
    java = ctx.from_values(1).as_java_stream().map("com.acme.Fn")
    with pytest.raises(GraphError, match=r"as_python_stream\(\): 'map' .*Map first: \.map\("):
        java.as_python_stream().key_by(lambda v: v)
    assert java.key_by("com.acme.Key")


def test_timestamps_go_through_java(context):
    class Timed(Source[int]):
        bounded = True

        def plan(self, ctx):
            return [Split("s")]

        def open(self, ctx):
            return TimedReader()

    class TimedReader(Reader[int]):
        def add_splits(self, splits):
            pass

        def read(self, limit, deadline):
            return Fetched("s", Batch([1, 2, 3], None, [10, 20, 30]), 1, end=True)

    seen = []

    class Watch(OperatorFactory[object, object]):
        def make(self):
            return Watching()

    class Watching(Operator):
        def process(self, batch):
            seen.extend(zip(batch.values, batch.timestamps, strict=True))
            yield batch

    ctx = context()
    stream = ctx.source(Timed()).as_java_stream().filter(FNS + "Even").flat_map(FNS + "Repeat")
    stream.as_python_stream().apply(Watch()).collect()
    ctx.execute("timed")
    assert seen == [(0, 20), (1, 20)]


def test_keys_are_found_in_the_tasks_of_the_stream(context):
    ctx = context().set_parallelism(3)
    numbers = ctx.from_collection(range(600)).as_java_stream().map(FNS + "Identity").set_parallelism(1)
    numbers.key_by(FNS + "Mod", 5).as_python_stream().reduce(lambda a, b: b).collect()
    assert "key_by   x1" in ctx.explain()
    found = ctx.execute("in-order").result()
    for key in range(5):
        assert [n for n in found if n % 5 == key] == list(range(key, 600, 5))


def test_a_python_job_starts_no_jvm():
    code = """
import sys
from raystreaming import StreamingContext
ctx = StreamingContext(java_memory="1GB")
ctx.from_values(1).map(str).collect()
assert ctx.execute("python").result() == ["1"]
assert "jpype" not in sys.modules
stream = ctx.from_values(1).as_java_stream().map("com.acme.Fn")
ctx.explain()
assert "jpype" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_chain_in_java_alone_makes_no_python_objects_of_records(context, tmp_path, monkeypatch):
    def refused(self, *_):
        raise AssertionError("a record has become a Python object")

    for method in ("_msgpack", "to_pylist", "readable", "__iter__", "__getitem__"):
        monkeypatch.setattr(JavaColumn, method, refused, raising=False)
    ctx = context()
    numbers = ctx.from_java(FNS + "Numbers", 100).set_parallelism(2)
    keyed = numbers.map(FNS + "Times", 2).filter(FNS + "Even").key_by(FNS + "Mod", 14)
    summed = keyed.reduce(FNS + "Add").set_parallelism(2)
    summed.sink(FNS + "ToFile", str(tmp_path / "function")).set_parallelism(1)
    summed.round_robin().map(FNS + "Identity").set_parallelism(3).sink("com.acme.Staged", str(tmp_path))
    ctx.execute("java-alone")
    written = (tmp_path / "function").read_text().splitlines()
    assert len(written) == 100
    assert {sum(range(2 * key, 200, 14)) for key in range(7)} <= set(map(int, written))
