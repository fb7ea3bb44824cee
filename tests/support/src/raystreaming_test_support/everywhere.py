"""A job with Java in every position, to be killed embedded or on Ray; its Java is `Everywhere.java`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from raystreaming import StreamingContext
from raystreaming_test_support.java import compile_java
from raystreaming_test_support.outputs import assert_nothing_left, json_rows, line_rows

SOURCE = Path(__file__).with_name("Everywhere.java")
TWO_PHASES = ("totals", "remembered")
"""Folders that Java sinks with two phases write to: each record exactly once."""

ONE_PHASE = ("function", "connector")
"""Files that Java sinks with one phase write to: each record at least once."""


def compiled(folder: Path) -> Path:
    """Compile the classes of the job into a folder; return it."""
    compile_java(folder, SOURCE)
    return folder


def describe(
    ctx: StreamingContext, folder: Path, count: int, batch: int, watched: Callable[[int], int]
) -> None:
    """Add the numbers below `count` to a context, from sources of both kinds into sinks of every kind.

    Args:
        ctx: The context, with the classes on its class path.
        folder: Where the job writes.
        count: How many numbers.
        batch: How many a source gives every five milliseconds, until `folder` has a file ``released``.
        watched: Called in Python with numbers, between operators of Java; returns them.
    """
    java = "Everywhere$"
    splits = ctx.from_java(java + "Splits", count, str(folder), batch).set_parallelism(2)
    function = ctx.from_java(java + "Numbers", count, str(folder), batch).set_parallelism(2)
    numbers = splits.union(function)

    # Java, Python, Java, in and between workers; reduced, and written by Python in two phases.
    seen = numbers.as_python_stream().map(watched).set_parallelism(2).as_java_stream()
    ones = seen.flat_map(java + "WithNegative").filter(java + "Natural").map(java + "One")
    by_digit = ones.key_by(java + "Digit")
    sums = by_digit.reduce(java + "Sum").set_parallelism(2).map(java + "Row").as_python_stream()
    sums.write_files(folder / "out", format="jsonl")

    # Two sinks of Java in two phases, behind an accumulator and behind state of every kind.
    totals = by_digit.aggregate(java + "Total").set_parallelism(2)
    totals.sink(java + "Staged", str(folder / "totals"), True).uid("totals")
    kept = numbers.map(java + "Same").key_by(java + "Last").process(java + "Remembered").set_parallelism(2)
    kept.sink(java + "Staged", str(folder / "remembered"), False).uid("remembered")

    # A task for each digit that Java chooses, and sinks of one phase.
    spread = numbers.map(java + "Same").partition_by(java + "ByDigit").map(java + "Same").set_parallelism(2)
    spread.sink(java + "Lines", str(folder / "function")).uid("function")
    spread.sink(java + "OnePhase", str(folder / "connector")).uid("connector")


def check(folder: Path, count: int) -> None:
    """Compare what the job has written with what a run without failure writes; nothing else is left."""
    rows = [(row["digit"], row["count"], row["value"]) for row in json_rows(folder / "out")]
    _check_counts(rows, count)
    for name in TWO_PHASES:
        lines = line_rows(folder / name)
        _check_counts([tuple(map(int, line.split())) for line in lines], count)
        assert list((folder / name / ".staged").iterdir()) == [], f"staged leftovers of {name}"
    assert_nothing_left(folder / "out", folder / "state")
    for name in ONE_PHASE:
        assert set((folder / name).read_text().split()) == set(map(str, range(count)))


def _check_counts(rows: list[Any], count: int) -> None:
    """Every number came once, and those of a digit were counted without a gap."""
    assert sorted(value for _, _, value in rows) == list(range(count))
    counts: dict[int, list[int]] = defaultdict(list)
    for digit, n, value in rows:
        assert value % 10 == digit
        counts[digit].append(n)
    wanted = {digit: list(range(1, len(range(digit, count, 10)) + 1)) for digit in range(10)}
    assert {digit: sorted(of_digit) for digit, of_digit in counts.items()} == wanted
