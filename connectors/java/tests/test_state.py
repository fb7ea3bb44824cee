"""State, positions and sinks of Java across stops, kills and other parallelism."""

from __future__ import annotations

import random
import signal
import sys
import time
from pathlib import Path

import pytest

from raystreaming.errors import CheckpointError, JobError
from raystreaming_test_support.killing import run_and_kill, run_to_end
from raystreaming_test_support.outputs import json_rows
from raystreaming_test_support.programs import Program

FNS = "com.acme.Fns$"
PROGRAM = Path(__file__).with_name("killed_java.py")


def reduced(context, folder, values, parallelism, sum_="Add", name="state"):
    """Run the same job again over more values; return its rows."""
    ctx = context(checkpoint_dir=folder)
    stream = ctx.from_collection(values).as_java_stream().map(FNS + "Identity").key_by(FNS + "Mod", 10)
    stream.reduce(FNS + sum_).set_parallelism(parallelism).uid("sum").as_python_stream().collect()
    return ctx.execute(name).result()


def test_state_by_key_goes_on_at_any_parallelism(context, tmp_path):
    values = list(range(100))
    reduced(context, tmp_path, values[:30], 2)
    reduced(context, tmp_path, values[:60], 3)
    rows = reduced(context, tmp_path, values, 1)
    assert len(rows) == 40
    expected = {sum(n for n in values if n % 10 == key) for key in range(10)}
    assert set(rows[-10:]) == expected


def test_state_of_plain_classes(context, tmp_path):
    words = ["to", "be", "or", "not", "to", "be", "that", "is"]

    def run(upto):
        ctx = context(checkpoint_dir=tmp_path)
        pairs = ctx.from_collection(words[:upto]).as_java_stream().map(FNS + "Pair").key_by(FNS + "Word")
        pairs.reduce(FNS + "Sum").map(FNS + "Show").as_python_stream().collect()
        return ctx.execute("plain").result()

    run(4)
    assert run(8) == [["to", 2], ["be", 2], ["that", 1], ["is", 1]]


def test_only_changed_groups_are_stored_again(context, classes):
    from raystreaming.connector.operator import OperatorContext, PieceLimit
    from raystreaming.records import Batch
    from raystreaming_java import JavaSettings
    from raystreaming_java.function import JavaFunction
    from raystreaming_java.operators import JavaKeyedOperator, JavaStage

    settings = JavaSettings(classpath=[classes])

    def make():
        operator = JavaKeyedOperator(JavaFunction("reduce", FNS + "Add", (), settings), True, 720)
        return operator

    def feed(operator, keys):
        list(JavaStage([operator]).process(Batch([1] * len(keys), keys)))

    operator = make()
    operator.open(OperatorContext("op", 0, 1, PieceLimit(100)))
    feed(operator, list(range(500)))
    first = operator.state.snapshot()
    assert first.full
    feed(operator, [3, 3])
    second = operator.state.snapshot()
    assert not second.full
    assert len(second.groups) == 1
    assert operator.state.snapshot().groups == {}
    kept = {**first.groups, **second.groups}
    operator.close()

    again = make()
    for group, data in kept.items():
        again.state.restore(group, data)
    again.open(OperatorContext("op", 0, 1, PieceLimit(100)))
    (out,) = JavaStage([again]).process(Batch([0] * 500, list(range(500))))
    assert out.values.to_pylist() == [1, 1, 1, 3, *[1] * 496]
    fulls = [again.state.snapshot().full for _ in range(12)]
    assert fulls.count(True) == 2, "the first, and one so that old files can go"
    again.close()


def test_state_that_cannot_be_kept_says_so(context, tmp_path):
    ctx = context(checkpoint_dir=tmp_path)
    stream = ctx.from_values(1).as_java_stream().map(FNS + "Opaque").key_by(FNS + "One")
    stream.reduce(FNS + "First").map(FNS + "TypeName").as_python_stream().collect()
    with pytest.raises(JobError, match=r"'from_values\.reduce'.*java\.lang\.Thread cannot be sent or kept"):
        ctx.execute("opaque")


def test_a_source_that_has_ended_is_not_read_again(context, tmp_path):
    seen: list[int] = []

    def run(stop):
        ctx = context(checkpoint_dir=tmp_path / "state")
        ctx.from_java(FNS + "Numbers", stop).as_python_stream().sink(seen.append)
        ctx.execute("numbers")

    run(25)
    run(40)  # a source that has said that it ends is not asked again
    assert seen == list(range(25))


def test_a_function_keeps_what_it_saves(context, tmp_path):
    def run(values):
        ctx = context(checkpoint_dir=tmp_path)
        ctx.from_collection(values).as_java_stream().map(FNS + "Counting").as_python_stream().collect()
        return ctx.execute("saves").result()

    assert run(["a", "b"]) == [1, 2]
    assert run(["a", "b", "c"]) == [3]


def test_another_function_kind_in_its_place_is_refused(context, tmp_path):
    reduced(context, tmp_path, [1, 2], 1)
    ctx = context(checkpoint_dir=tmp_path)
    stream = ctx.from_collection([1, 2]).as_java_stream().map(FNS + "Identity").key_by(FNS + "Mod", 10)
    stream.aggregate(FNS + "Mean").uid("sum").as_python_stream().collect()
    with pytest.raises(CheckpointError, match="'sum' was reduce and is aggregate now"):
        ctx.execute("state")


def rows_in(folder: Path) -> list[tuple[int, int, int]]:
    return sorted((r["key"], r["n"], r["value"]) for r in json_rows(folder / "out"))


def lines_in(folder: Path) -> list[tuple[int, int, int]]:
    """Return what the sink in Java has published."""
    lines = [x for f in (folder / "java").iterdir() if f.is_file() for x in f.read_text().splitlines()]
    return sorted(tuple(int(part.split("=")[1]) for part in x.strip("{}").split(", ")) for x in lines)


def assert_complete(folder: Path, count: int) -> None:
    """Each key has each number of its own once, counted on without a gap, in both sinks."""
    rows = rows_in(folder)
    assert sorted(value for _, _, value in rows) == list(range(count))
    for key in range(7):
        mine = range(key, count, 7)
        assert [n for k, n, _ in rows if k == key] == list(range(1, len(mine) + 1))
        assert {value for k, _, value in rows if k == key} == set(mine)
    assert lines_in(folder) == rows
    assert list((folder / "java" / ".staged").iterdir()) == []


def test_kills_with_java_in_every_position(classes, tmp_path):
    count = 6_000
    command = [sys.executable, str(PROGRAM), str(classes), str(tmp_path), str(count)]
    dice = random.Random(5)
    for _ in range(4):
        before = len(rows_in(tmp_path))
        since: list[float] = []
        moment = dice.uniform(0.0, 0.3)

        def now(before=before, since=since, moment=moment):
            if not since and len(rows_in(tmp_path)) > before:
                since.append(time.monotonic())
            return bool(since) and time.monotonic() - since[0] >= moment

        ended = run_and_kill(command, when=now)
        assert ended.killed, ended.stderr
    (tmp_path / "released").touch()
    run_to_end(command)
    assert_complete(tmp_path, count)


def test_ctrl_c_takes_a_checkpoint_and_ends(classes, tmp_path):
    count = 6_000
    command = [sys.executable, str(PROGRAM), str(classes), str(tmp_path), str(count)]
    with Program(command) as job:
        job.until(lambda: rows_in(tmp_path), "rows")
        job.signal(signal.SIGINT)
        assert job.end() == 0, job.stderr
        assert "stopping: taking a checkpoint" in job.stderr
    assert len(rows_in(tmp_path)) < count
    (tmp_path / "released").touch()
    run_to_end(command)
    assert_complete(tmp_path, count)
