"""What ``with_config`` tells functions, sources and sinks in Java."""

from __future__ import annotations

from pathlib import Path

import pytest

from raystreaming.errors import GraphError

FNS = "com.acme.Fns$"
TOLD = "com.acme.Told$"


def lines(path: Path) -> list[str]:
    return sorted(path.read_text().splitlines())


def test_functions_sources_and_sinks_of_a_python_program_are_told(context, tmp_path):
    ctx = context()
    functions = ctx.from_java(TOLD + "ByFunction").with_config("unit", "apples")
    splits = ctx.from_java(TOLD + "BySplit").with_config("unit", "pears")
    told = functions.union(splits).map(TOLD + "InMap").with_config({"unit": 2**40, "other": True})
    told.sink(TOLD + "InSink", str(tmp_path / "sink")).with_config("unit", "crates")
    told.sink(TOLD + "InSinkFunction", str(tmp_path / "function")).with_config("unit", True)
    keyed = told.key_by(FNS + "One").with_config("unit", "unread")
    keyed.reduce(TOLD + "InReduce").with_config("unit", 0.5).as_python_stream().collect()
    _, reduced = ctx.execute("told").result()

    mapped = [f"{first}, map {2**40}" for first in ("function apples", "split pears 0/1")]
    assert lines(tmp_path / "sink") == [f"{line}, sink crates" for line in mapped]
    assert lines(tmp_path / "function") == [f"{line}, sink function true" for line in mapped]
    assert reduced in [f"{line}, reduce 0.5" for line in mapped]


def test_a_partition_function_is_told_what_its_sender_is(context):
    ctx = context()
    numbers = ctx.from_java(FNS + "Numbers", 3).map(FNS + "Identity").with_config("task", 2)
    spread = numbers.partition_by(TOLD + "InPartition")
    spread.map(FNS + "Where").set_parallelism(3).as_python_stream().collect()
    assert sorted(ctx.execute("sender").result()) == [[2, 0], [2, 1], [2, 2]]


def test_what_both_views_say_is_one_configuration(context):
    ctx = context()
    java = ctx.from_values(1).as_java_stream().map(TOLD + "InMap").with_config("unit", "apples")
    java.as_python_stream().with_config("unit", "pears").collect()
    assert ctx.execute("views").result() == ["1, map pears"]


@pytest.mark.parametrize("position", ["map", "source", "sink"])
def test_a_value_that_cannot_go_to_java_is_refused_when_the_job_is_submitted(context, position):
    ctx = context()
    source = ctx.from_java(FNS + "Numbers", 1)
    mapped = source.map(FNS + "Identity")
    sink = mapped.sink(FNS + "Nowhere")
    {"source": source, "map": mapped, "sink": sink}[position].with_config("unit", object())
    with pytest.raises(GraphError, match=r"or what with_config\(\) tells it, cannot go to Java: .*object"):
        ctx.submit("refused")
