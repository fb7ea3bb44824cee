"""Split, side outputs and inspection: every record goes one way, once."""

from __future__ import annotations

from collections import Counter

import pytest

from raystreaming import StreamingContext, Tagged
from raystreaming.errors import GraphError, OperatorError

PARALLELISM = [1, 2, 3, 7]
N = 100


@pytest.mark.parametrize("tasks", PARALLELISM)
def test_split_calls_its_function_once_for_each_record(tasks):
    asked: list = []

    def choose(n):
        asked.append(n)
        return ["three", "one", None][n % 3]

    ctx = StreamingContext()
    parts = ctx.from_collection(range(N)).map(int).set_parallelism(tasks).split(choose)
    ones: list = []
    parts.select("one").map(lambda n: n * 10).set_parallelism(2).sink(ones.append)
    parts.select("three").collect()
    assert sorted(ctx.execute("split").result()) == [n for n in range(N) if n % 3 == 0]
    assert sorted(ones) == [n * 10 for n in range(N) if n % 3 == 1]
    assert Counter(asked) == Counter(range(N))


@pytest.mark.parametrize("tasks", PARALLELISM)
@pytest.mark.parametrize("keyed", [True, False])
def test_side_outputs_are_in_no_other_stream(tasks, keyed):
    def parse(text):
        yield int(text) if text.isdigit() else Tagged("bad", text)
        if text == "7":
            yield Tagged("lucky", 7)

    ctx = StreamingContext()
    numbers = ctx.from_collection([*map(str, range(N)), "x"]).flat_map(parse)
    bad: list = []
    lucky: list = []
    numbers.side_output("bad").sink(bad.append)
    numbers.side_output("lucky").broadcast().map(str).set_parallelism(2).sink(lucky.append)
    if keyed:
        numbers.key_by(lambda n: n % 7).reduce(max).set_parallelism(tasks).collect()
    else:
        numbers.map(lambda n: n).set_parallelism(tasks).collect()
    assert sorted(ctx.execute("sides").result()) == list(range(N))
    assert (bad, lucky) == (["x"], ["7", "7"])


def test_a_stream_may_have_a_side_output_only():
    ctx = StreamingContext()
    ctx.from_values(1, 2).map(lambda n: Tagged("two", n) if n == 2 else n).side_output("two").collect()
    assert ctx.execute("only").result() == [2]


def test_inspect_sees_every_record_and_changes_none():
    seen: list = []
    ctx = StreamingContext()
    ctx.from_collection(range(N)).inspect(seen.append).map(lambda n: n + 1).collect()
    assert ctx.execute("inspect").result() == list(range(1, N + 1))
    assert seen == list(range(N))


def test_a_branch_that_is_not_read_needs_no_sink_and_the_split_does():
    ctx = StreamingContext()
    ctx.from_values(1).split(lambda n: "a")
    with pytest.raises(GraphError, match="has no sink"):
        ctx.submit("unread")


def test_a_function_of_split_that_raises_is_named():
    ctx = StreamingContext()
    ctx.from_values(0).split(lambda n: 1 // n).select("a").collect()
    with pytest.raises(OperatorError, match=r"operator 'from_values.split'.*ZeroDivisionError"):
        ctx.execute("raises")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.split("a"), r"split\(\) takes a function"),
        (lambda s: s.side_output(""), r"side_output\(\) takes the name"),
        (lambda s: s.inspect(3), r"inspect\(\) takes a function"),
        (lambda s: s.with_config(3), r"with_config\(\) takes a name and a value"),
    ],
)
def test_what_is_wrong_is_said_at_once(call, message):
    with pytest.raises(GraphError, match=message):
        call(StreamingContext().from_values(1))
