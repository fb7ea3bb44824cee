"""`on_error` of operators and sinks in Java."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from raystreaming import StreamingContext, dead_letter, retry
from raystreaming.errors import GraphError, OperatorError

FNS = "com.acme.Fns$"
REFUSING = "com.acme.Refusing"
BAD = [0, 3, 7, 8, 19]
GOOD = [n for n in range(20) if n not in BAD]
ALWAYS = 99

OPERATORS = ("map", "filter", "flat_map", "key_by", "aggregate", "process")
POLICIES: dict[str, Any] = {
    "skip": "skip",
    "retry": retry(2, 0, then="skip"),
    "dead_letter": dead_letter,
    "retry, then dead_letter": lambda write: retry(2, 0, then=dead_letter(write)),
}


def calls(path: Path) -> Counter[int]:
    """How often a function was called with each number."""
    return Counter(map(int, path.read_text().split()))


@pytest.fixture
def numbers(context) -> tuple[StreamingContext, Any]:
    """A context, and the numbers below 20 as objects that Java has made."""
    ctx = context()
    return ctx, ctx.from_collection(range(20)).as_java_stream().map(FNS + "Identity")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", OPERATORS)
def test_only_the_records_that_fail_are_left_out_and_nothing_runs_twice(numbers, tmp_path, kind, policy):
    ctx, stream = numbers
    letters: list[Any] = []
    made = POLICIES[policy]
    before, own, after = (tmp_path / name for name in ("before", "own", "after"))
    stream = stream.map(REFUSING, str(before), [], 0)
    if kind == "aggregate":
        stream = stream.key_by(FNS + "Mod", 7)
    guarded = getattr(stream, kind)(REFUSING, str(own), BAD, ALWAYS)
    guarded.on_error(made(letters.append) if callable(made) else made)
    guarded.map(REFUSING, str(after), [], 0).as_python_stream().collect()
    job = ctx.execute("refusing")
    tries = 3 if policy.startswith("retry") else 1
    assert job.result() == GOOD
    assert calls(before) == dict.fromkeys(range(20), 1)
    assert calls(own) == {**dict.fromkeys(GOOD, 1), **dict.fromkeys(BAD, tries)}
    assert calls(after) == dict.fromkeys(GOOD, 1)
    outcome = "dead letters" if "dead" in policy else "skipped"
    retries = {"retries": 2 * len(BAD)} if tries > 1 else {}
    assert job.status().counts == {outcome: len(BAD), **retries}
    assert [row["record"] for row in letters] == ([str(n) for n in BAD] if "dead" in policy else [])
    for row in letters:
        assert row["error"] == f"java.lang.IllegalArgumentException: no {row['record']}"
        assert row["at"].startswith("job//com.acme.Refusing.take(Refusing.java:")
        assert row["attempts"] == tries


@pytest.mark.parametrize("policy", ["skip", dead_letter])
def test_a_partition_function_goes_by_the_policy_of_who_made_the_records(numbers, tmp_path, policy):
    ctx, stream = numbers
    letters: list[Any] = []
    stream.on_error(policy(letters.append) if callable(policy) else policy)
    spread = stream.partition_by(REFUSING, str(tmp_path / "own"), BAD, ALWAYS)
    spread.map(FNS + "Identity").set_parallelism(3).as_python_stream().collect()
    job = ctx.execute("spread")
    assert sorted(job.result()) == GOOD
    assert calls(tmp_path / "own") == dict.fromkeys(range(20), 1)
    assert job.status().counts == {"dead letters" if policy is dead_letter else "skipped": len(BAD)}
    assert [row["record"] for row in letters] == [str(n) for n in BAD if policy is dead_letter]
    assert {row["error"].partition("\n")[0] for row in letters} <= {
        f"java.lang.IllegalArgumentException: no {n}" for n in BAD
    }


@pytest.mark.parametrize("times", [2, ALWAYS])
@pytest.mark.parametrize("kind", OPERATORS)
def test_retry_alone_gives_what_a_run_without_errors_gives_or_fails(numbers, tmp_path, kind, times):
    ctx, stream = numbers
    if kind == "aggregate":
        stream = stream.key_by(FNS + "Mod", 7)
    guarded = getattr(stream, kind)(REFUSING, str(tmp_path / "own"), BAD, times)
    guarded.on_error(retry(2, 0)).map(FNS + "Identity").as_python_stream().collect()
    if times == 2:
        assert ctx.execute("refusing").result() == list(range(20))
    else:
        with pytest.raises(OperatorError, match=r"raised java\.lang\.IllegalArgumentException: no 0\n"):
            ctx.execute("refusing")


@pytest.mark.parametrize("name", [REFUSING, REFUSING + "$Connector"])
@pytest.mark.parametrize("from_java", [True, False])
def test_a_sink_goes_on_without_what_it_refuses(numbers, tmp_path, name, from_java):
    ctx, stream = numbers
    letters: list[Any] = []
    stream = stream if from_java else stream.as_python_stream().map(lambda n: n).as_java_stream()
    sink = stream.sink(name, str(tmp_path / "own"), BAD, ALWAYS)
    sink.on_error(retry(1, 0, then=dead_letter(letters.append)))
    job = ctx.execute("refusing")
    assert calls(tmp_path / "own") == {**dict.fromkeys(GOOD, 1), **dict.fromkeys(BAD, 2)}
    assert job.status().counts == {"dead letters": 5, "retries": 5}
    assert [row["record"] for row in letters] == [str(n) for n in BAD]


def test_what_cannot_go_to_java_is_left_out_too(context):
    ctx = context()
    letters: list[Any] = []
    mixed = ctx.from_values(1, object(), 2**31, 2, "x").as_java_stream()
    mixed.map(FNS + "Declared$OfInteger").on_error(dead_letter(letters.append)).as_python_stream().collect()
    assert ctx.execute("mixed").result() == [["Integer", 1], ["Integer", 2]]
    first, large, text = letters
    assert first["error"].startswith("TransferError: operator 'from_values.map': a record cannot go")
    assert large["error"] == "2147483648 (Long) does not fit the declared Integer without loss"
    assert text["record"] == "x"


def test_what_does_not_fit_a_schema_is_left_out_too(context):
    ctx = context()
    typed = ctx.from_values(1, 2**31, 3).as_java_stream(pa.int32()).map(FNS + "TypeName").on_error("skip")
    typed.as_python_stream().collect()
    job = ctx.execute("typed")
    assert job.result() == ["Integer", "Integer"]
    assert job.status().counts == {"skipped": 1}


def test_a_record_that_python_does_not_know_is_shown_as_text(context):
    ctx = context()
    letters: list[Any] = []
    opaque = ctx.from_values(1).as_java_stream().map(FNS + "Opaque")
    opaque.map(FNS + "Fails").on_error(dead_letter(letters.append)).as_python_stream().collect()
    assert ctx.execute("opaque").result() == []
    assert letters[0]["record"].startswith("Thread[")
    assert "java.lang.ClassCastException" in letters[0]["error"]


def test_a_source_cannot_leave_records_out(context):
    ctx = context()
    ctx.from_java(FNS + "Numbers", 3).on_error("skip").as_python_stream().collect()
    with pytest.raises(GraphError, match=r"source 'from_java' is in java, where it cannot leave records out"):
        ctx.submit("source")


def test_a_source_is_tried_again(context, tmp_path):
    ctx = context(restarts=0)
    source = ctx.from_java("com.acme.Faulty$Numbers", "retryable", str(tmp_path / "n"), 2)
    source.on_error(retry(2, "1ms")).as_python_stream().collect()
    job = ctx.execute("busy")
    assert job.result() == list(range(10))
    assert job.status().counts == {"retries": 2}
