"""`on_error`: what becomes of records that an operator, source or sink cannot take."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raystreaming import StreamingContext, dead_letter, retry, sum_
from raystreaming.connector import (
    Batch,
    BatchSink,
    DeadLetter,
    Operator,
    OperatorFactory,
    ReaderContext,
    RecordsSource,
    Retryable,
    Sink,
    Terminal,
    Writer,
    operator,
    option,
)
from raystreaming.errors import GraphError, OperatorError, OptionError
from raystreaming.plugins.builtin.collect import CollectSink


class Calls:
    """A function that refuses some records, and notes every call."""

    def __init__(self, refuses: Callable[[Any], bool], result: Callable[[Any], Any] = lambda x: x) -> None:
        self.seen: Counter[Any] = Counter()
        self.refuses = refuses
        self.result = result

    def __deepcopy__(self, memo: Any) -> Calls:
        return self

    def __call__(self, record: Any) -> Any:
        self.seen[record] += 1
        if self.refuses(record):
            raise ValueError(f"no {record}")
        return self.result(record)


BAD = frozenset({0, 3, 7, 8, 19})
GOOD = [n for n in range(20) if n not in BAD]


def bad(n: int) -> bool:
    return n in BAD


class Shift(OperatorFactory[int, int]):
    """Adds nothing; refuses some."""

    fn: Callable[[int], Any] = option(doc="Called with each record.")

    def make(self) -> Operator:
        return Shifting(self.fn)


class Shifting(Operator):
    def __init__(self, fn: Callable[[int], Any]) -> None:
        self.fn = fn

    def process(self, batch: Batch) -> Iterator[Batch]:
        yield Batch([self.fn(v) for v in batch.values])


@operator
def through(n: int, *, fn: Callable[[int], Any]) -> Iterator[int]:
    yield fn(n)


def collecting(fn: Callable[[int], Any]) -> Callable[[int, Any], None]:
    def call(n, collector):
        collector.collect(fn(n))

    return call


def lazily(fn: Callable[[int], Any]) -> Callable[[int], Iterator[int]]:
    def call(n):
        yield n
        fn(n)

    return call


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "map": lambda s, fn: s.map(fn),
    "filter": lambda s, fn: s.filter(lambda n: fn(n) is not None),
    "flat_map": lambda s, fn: s.flat_map(lambda n: [fn(n)]),
    "a generator": lambda s, fn: s.flat_map(lazily(fn)),
    "a collector": lambda s, fn: s.flat_map(collecting(fn)),
    "key_by": lambda s, fn: s.key_by(fn),
    "an operator": lambda s, fn: s.apply(Shift(fn=fn)),
    "an operator function": lambda s, fn: s.apply(through(fn=fn)),
}
POLICIES: dict[str, Any] = {
    "skip": "skip",
    "retry": retry(2, 0, then="skip"),
    "dead_letter": dead_letter,
    "retry, then dead_letter": lambda write: retry(2, 0, then=dead_letter(write)),
}


@pytest.mark.parametrize("parallelism", [1, 3])
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", OPERATORS)
def test_only_the_records_that_fail_are_left_out_and_nothing_runs_twice(
    kind: str, policy: str, parallelism: int
):
    letters: list[Any] = []
    made = POLICIES[policy]
    before, own, after = Calls(lambda n: False), Calls(bad), Calls(lambda n: False)
    ctx = StreamingContext()
    stream = ctx.from_collection(range(20)).map(before).set_parallelism(parallelism)
    guarded = OPERATORS[kind](stream, own).set_parallelism(parallelism)
    guarded.on_error(made(letters.append) if callable(made) else made).map(after).collect()
    job = ctx.execute()
    tries = 3 if policy.startswith("retry") else 1
    assert sorted(job.result()) == GOOD
    assert before.seen == dict.fromkeys(range(20), 1)
    assert own.seen == {**dict.fromkeys(GOOD, 1), **dict.fromkeys(BAD, tries)}
    assert after.seen == dict.fromkeys(GOOD, 1)
    outcome = "dead letters" if "dead" in policy else "skipped"
    retries = {"retries": 2 * len(BAD)} if tries > 1 else {}
    assert job.status().counts == {outcome: len(BAD), **retries}
    assert sorted(int(row["record"]) for row in letters) == (sorted(BAD) if "dead" in policy else [])


@pytest.mark.parametrize("kind", OPERATORS)
def test_retry_alone_gives_what_a_run_without_errors_gives_or_fails(kind: str):
    own = Calls(lambda n: n in BAD and own.seen[n] < 3)
    ctx = StreamingContext()
    OPERATORS[kind](ctx.from_collection(range(20)), own).on_error(retry(2, 0)).collect()
    assert sorted(ctx.execute().result()) == list(range(20))
    ctx = StreamingContext()
    OPERATORS[kind](ctx.from_collection(range(20)), Calls(bad)).on_error(retry(2, 0)).collect()
    with pytest.raises(Exception, match="no 0"):
        ctx.execute()


STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "map": lambda s, fn: s.map(fn),
    "filter": lambda s, fn: s.filter(lambda n: fn(n) % 2),
    "flat_map": lambda s, fn: s.flat_map(lambda n: [n] * (fn(n) % 3)),
}


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_chain_equals_plain_python(data: st.DataObject):
    numbers = data.draw(st.lists(st.integers(0, 30), max_size=60))
    steps = data.draw(st.lists(st.tuples(st.sampled_from(list(STEPS)), st.integers(2, 5)), max_size=5))
    ctx = StreamingContext()
    stream = ctx.from_collection(numbers)
    expected, refused = numbers, 0
    for kind, divisor in steps:
        fn = Calls(lambda n, divisor=divisor: n % divisor == 1, lambda n: n + 1)
        stream = STEPS[kind](stream, fn)
        stream = stream.on_error(data.draw(st.sampled_from(["skip", retry(1, 0, then="skip")])))
        left = [n for n in expected if n % divisor != 1]
        refused += len(expected) - len(left)
        expected = {
            "map": lambda ns: [n + 1 for n in ns],
            "filter": lambda ns: [n for n in ns if (n + 1) % 2],
            "flat_map": lambda ns: [n for n in ns for _ in range((n + 1) % 3)],
        }[kind](left)
    stream.collect()
    job = ctx.execute()
    assert job.result() == expected
    assert job.status().counts.get("skipped", 0) == refused


def test_a_record_that_reduce_refuses_leaves_the_value_of_its_key():
    ctx = StreamingContext()

    def add(a, b):
        if b == 5:
            raise ValueError("five")
        return a + b

    ctx.from_collection(range(10)).key_by(lambda n: n % 2).reduce(add).on_error("skip").collect()
    assert ctx.execute().result() == [0, 1, 2, 4, 6, 12, 11, 20, 20]


def test_a_key_that_is_none_is_left_out():
    ctx = StreamingContext()
    keys = ctx.from_values(1.0, float("nan"), 2.0).key_by(lambda n: n).on_error("skip")
    keys.reduce(lambda a, b: a + b).collect()
    job = ctx.execute()
    assert (job.result(), job.status().counts) == ([1.0, 2.0], {"skipped": 1})


def test_a_row_that_an_expression_cannot_take_is_left_out():
    ctx = StreamingContext()
    rows = ctx.from_values({"n": 1}, {"n": "x"}, {"n": 3})
    rows.filter(pc.field("n") > 1).on_error("skip").collect()
    job = ctx.execute()
    assert (job.result(), job.status().counts) == ([{"n": 3}], {"skipped": 1})


def half(batch: pa.RecordBatch) -> Any:
    return pc.divide(10, batch["n"])  # by nothing


def line_of(text: str) -> int:
    """Return the number of the line of this file that ends with a comment."""
    lines = Path(__file__).read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.endswith(f"# {text}"))


@pytest.mark.parametrize(
    ("build", "error", "line"),
    [
        (lambda s: s.with_columns(half=half), "ArrowInvalid: divide by zero", "by nothing"),
        (lambda s: s.select(half=half), "ArrowInvalid: divide by zero", "by nothing"),
        (lambda s: s.map_batches(lambda b: {"half": half(b)}), "ArrowInvalid: divide by zero", "by nothing"),
        (
            lambda s: s.filter(pc.divide(pc.scalar(10), pc.field("n")) > 1),  # filtered
            "ArrowInvalid: divide by zero",
            "filtered",
        ),
        (
            lambda s: s.select("nn"),  # selected
            "NoColumn: there is no column 'nn' (did you mean 'n'?)",
            "selected",
        ),
        (lambda s: s.key_by("m"), "KeyError: 'm'", "keyed"),  # keyed
        (lambda s: s.key_by(len).agg(n=sum_("m")), "KeyError: 'm'", "added"),  # added
    ],
)
def test_a_letter_says_what_was_raised_and_where(build: Any, error: str, line: str):
    letters: list[Any] = []
    ctx = StreamingContext()
    build(ctx.from_values({"n": 0})).on_error(dead_letter(letters.append)).collect()
    ctx.execute()
    (letter,) = letters
    assert (letter["error"], letter["at"]) == (error, f"{__file__}:{line_of(line)}")
    assert letter["record"] == '{"n": 0}'


def rows(ctx: StreamingContext) -> Any:
    """Records, each eleventh of which has no field ``user``."""
    records = [{"user": n % 7, "n": n} if n % 11 else {"n": n} for n in range(60)]
    return ctx.from_collection(records).map(dict)


@pytest.mark.parametrize("how", [["user"], "user", lambda row, tasks: row["user"] % tasks])
@pytest.mark.parametrize("policy", ["skip", dead_letter, retry(2, 0, then="skip")])
def test_records_that_cannot_be_spread_go_by_the_policy_of_who_made_them(how: Any, policy: Any):
    letters: list[Any] = []
    ctx = StreamingContext()
    stream = rows(ctx).on_error(policy(letters.append) if callable(policy) else policy)
    stream.partition_by(how).map(lambda row: row["n"]).set_parallelism(3).collect()
    job = ctx.execute()
    missing = range(0, 60, 11)
    assert sorted(job.result()) == [n for n in range(60) if n % 11]
    assert job.status().counts == {"dead letters" if policy is dead_letter else "skipped": len(missing)}
    assert [row["record"] for row in letters] == [f'{{"n": {n}}}' for n in missing if policy is dead_letter]
    assert {row["error"] for row in letters} <= {"KeyError: 'user'"}


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("user", "there is no field 'user'"),
        (lambda row, tasks: row["user"] % tasks, "KeyError: 'user'"),
    ],
)
def test_a_record_that_cannot_be_spread_fails_the_job_without_a_policy(how: Any, said: str):
    ctx = StreamingContext()
    rows(ctx).partition_by(how).map(dict).set_parallelism(3).collect()
    with pytest.raises(OperatorError, match=rf"{said}(.|\n)*record: {{'n': 0}}"):
        ctx.execute()


def test_columns_that_lack_the_field_go_by_the_policy_too():
    ctx = StreamingContext()
    stream = ctx.from_values(1, 2).map_batches(lambda batch: pa.record_batch({"n": batch}), format="pyarrow")
    stream.on_error("skip").partition_by("user").map(dict).set_parallelism(2).collect()
    job = ctx.execute()
    assert (job.result(), job.status().counts) == ([], {"skipped": 2})


def test_retryable_and_terminal_are_no_faults_of_a_record():
    failures = iter([Retryable("not yet")])

    def once(n):
        for failure in failures:
            raise failure
        return n

    ctx = StreamingContext()
    ctx.from_values(1, 2).map(once).on_error("skip").collect()
    job = ctx.execute()
    assert (job.result(), job.status().restarts, job.status().counts) == ([1, 2], 1, {})

    tries: list[int] = []

    def gone(n):
        tries.append(n)
        raise Terminal("gone")

    for policy in ("skip", retry(3, 0, then="skip")):
        tries.clear()
        ctx = StreamingContext()
        ctx.from_values(1, 2).map(gone).on_error(policy).collect()
        with pytest.raises(Terminal, match="gone"):
            ctx.execute()
        assert tries == [1]


def test_what_stays_retryable_restarts_the_job_or_goes_where_retry_says():
    def never(n):
        raise Retryable("never")

    ctx = StreamingContext(restarts=1)
    ctx.from_values(1).map(never).on_error(retry(1, 0)).collect()
    job = ctx.submit()
    with pytest.raises(Retryable, match="never"):
        job.wait()
    assert job.status().restarts == 1
    ctx = StreamingContext()
    ctx.from_values(1).map(never).on_error(retry(1, 0, then="skip")).collect()
    job = ctx.execute()
    assert (job.result(), job.status().counts) == ([], {"retries": 1, "skipped": 1})


def test_a_task_that_waits_to_try_again_holds_nobody_up():
    there = threading.Event()

    def refuse(n):
        there.set()
        raise ValueError("no")

    seen: list[int] = []
    ctx = StreamingContext()
    ctx.from_values(1).map(refuse).on_error(retry(1, "1h")).sink(print)
    ctx.from_collection(range(5_000)).sink(seen.append)
    job = ctx.submit()
    try:
        assert there.wait(60)
        give_up = time.monotonic() + 60
        while len(seen) < 5_000:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        assert job.status().state == "running"
    finally:
        job.cancel()
        job.wait()


# Sinks -------------------------------------------------------------------------------------


class Picky(BatchSink[int]):
    """Takes whole batches, and fails at some records."""

    rows: list = option(doc="What was written.", default_factory=list)

    def write_batch(self, records):
        for record in records:
            if bad(record):
                raise ValueError(f"no {record}")
        self.rows.extend(records)


class Honest(Sink[int]):
    """Names the records it cannot write."""

    rejects = True
    rows: list = option(doc="What was written.", default_factory=list)
    batches: list = option(doc="Sizes of batches.", default_factory=list)

    def open(self, state, ctx):
        return HonestWriter(self, ctx)


class HonestWriter(Writer[int]):
    def __init__(self, sink, ctx):
        self.sink, self.ctx = sink, ctx

    def write(self, batch):
        self.sink.batches.append(len(batch))
        for value in batch.values:
            if bad(value):
                self.ctx.reject(value, "it is bad")
            else:
                self.sink.rows.append(value)


def test_a_sink_is_given_records_one_by_one_so_that_the_one_that_fails_is_known():
    letters: list[Any] = []
    sink = Picky()
    ctx = StreamingContext()
    ctx.from_collection(range(20)).sink(sink).on_error(dead_letter(letters.append, form=lambda x: x))
    assert ctx.execute().status().counts == {"dead letters": len(BAD)}
    assert sink.rows == GOOD
    assert [letter.record for letter in letters] == sorted(BAD)
    assert letters[0] == DeadLetter("from_collection.sink", "ValueError: no 0", letters[0].at, 0)
    assert letters[0].at.startswith(__file__)


def test_a_sink_that_names_records_is_given_whole_batches():
    sink = Honest()
    ctx = StreamingContext()
    ctx.from_collection(range(20)).sink(sink).on_error("skip")
    assert ctx.execute().status().counts == {"skipped": len(BAD)}
    assert sink.rows == GOOD
    assert max(sink.batches) > 1
    ctx = StreamingContext()
    ctx.from_collection(range(20)).sink(Honest())
    with pytest.raises(Terminal, match=r"sink 'from_collection\.sink' cannot write a record: it is bad"):
        ctx.execute()


def test_a_write_that_may_pass_is_tried_again():
    failures = iter([Retryable("busy"), Retryable("busy")])

    class Busy(BatchSink[int]):
        """Busy at first."""

        rows: list = option(doc="What was written.", default_factory=list)

        def write_batch(self, records):
            for failure in failures:
                raise failure
            self.rows.extend(records)

    sink = Busy()
    ctx = StreamingContext()
    ctx.from_collection(range(20)).sink(sink).on_error(retry(2, 0))
    status = ctx.execute().status()
    assert (sink.rows, status.restarts, status.counts) == (list(range(20)), 0, {"retries": 2})


def test_the_function_of_a_sink_is_called_once_for_each_record():
    own = Calls(bad)
    ctx = StreamingContext()
    ctx.from_collection(range(20)).map(lambda n: n).sink(own).on_error("skip")
    assert ctx.execute().status().counts == {"skipped": len(BAD)}
    assert own.seen == dict.fromkeys(range(20), 1)


# Sources -----------------------------------------------------------------------------------


class Lines(RecordsSource[int]):
    """Numbers, some of which cannot be read."""

    rejected_at: list = option(doc="Positions that were opened.", default_factory=list)

    def open(self, ctx: ReaderContext):
        object.__setattr__(self, "ctx", ctx)
        return super().open(ctx)

    def records(self, position):
        for n in range(position or 0, 20):
            if bad(n):
                self.ctx.reject(f"line {n}", "it is bad", f"line {n}")
            else:
                yield n + 1, n


def test_what_a_source_cannot_read_goes_where_its_policy_says():
    ctx = StreamingContext()
    ctx.source(Lines()).collect()
    with pytest.raises(Terminal) as failed:
        ctx.execute()
    assert "source 'Lines' cannot read a record: line 0: it is bad\n  record: 'line 0'" in str(failed.value)
    letters: list[Any] = []
    ctx = StreamingContext()
    ctx.source(Lines()).on_error(dead_letter(letters.append)).collect()
    job = ctx.execute()
    assert (job.result(), job.status().counts) == (GOOD, {"dead letters": len(BAD)})
    assert [row["record"] for row in letters] == [f"line {n}" for n in sorted(BAD)]
    assert letters[0] == {
        "operator": "Lines",
        "error": "it is bad",
        "at": "line 0",
        "attempts": 1,
        "record": "line 0",
    }


def test_a_source_that_fails_goes_on_where_it_was_without_a_restart():
    opened: list[Any] = []

    class Flaky(RecordsSource[int]):
        """Fails now and then."""

        def records(self, position):
            opened.append(position)
            for n in range(position or 0, 2_000):
                if n == 700 * len(opened):
                    raise Retryable("lost the line")
                yield n + 1, n

    ctx = StreamingContext()
    ctx.source(Flaky()).on_error(retry(1, 0)).collect()
    job = ctx.execute()
    assert job.result() == list(range(2_000))
    assert (job.status().restarts, job.status().counts) == (0, {"retries": 2})
    assert len(opened) == 3


def test_a_source_that_cannot_be_read_again_is_not_tried_again():
    class Once(Lines):
        """Gone when read."""

        replayable = False

    with pytest.raises(GraphError, match=r"'Once' cannot be read again"):
        StreamingContext().source(Once()).on_error(retry(1))


def test_the_policy_among_the_options_of_a_source_is_that_of_the_job():
    class Own(Lines):
        """Has the option."""

        on_error: Any = option(default="fail", doc="What becomes of bad lines.")

    ctx = StreamingContext()
    ctx.source(Own(on_error="skip")).collect()
    assert ctx.execute().status().counts == {"skipped": len(BAD)}
    ctx = StreamingContext()
    stream = ctx.source(Own()).on_error("skip")
    assert stream._operator.source.on_error == "skip"


# Dead letters ------------------------------------------------------------------------------


def test_dead_letters_are_committed_with_the_checkpoint_of_their_records():
    """The job fails after it has written letters, and starts again: each is there once."""
    sink = CollectSink()
    gate = iter([Retryable("again")])

    def late(n):
        if n == GOOD[-1]:
            for failure in gate:
                raise failure
        return n

    ctx = StreamingContext()
    numbers = (
        ctx.from_collection(range(20)).map(Calls(bad)).on_error(dead_letter(sink, form=lambda x: x.record))
    )
    numbers.map(late).sink(lambda n: None)
    job = ctx.execute()
    assert (sink.rows, job.status().restarts) == (sorted(BAD), 1)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ("a", "a"),
        (b"\xffa", "\\xffa"),
        ({"a": [1, "ä"]}, '{"a": [1, "ä"]}'),
        ((1, None), "[1, null]"),
        ({1, 2}, "{1, 2}"),
    ],
)
def test_the_row_of_a_dead_letter_is_text(record: Any, text: str):
    row = DeadLetter("op", "E: e", "f.py:1", record).as_row()
    assert row == {"operator": "op", "error": "E: e", "at": "f.py:1", "attempts": 1, "record": text}


def test_explain_says_what_dead_letters_are_delivered():
    ctx = StreamingContext()
    ctx.from_values(1).map(str).on_error(retry(2, then=dead_letter(CollectSink()))).collect()
    told = [line.strip() for line in ctx.explain().splitlines()]
    assert "from_values.map: on error retry twice, then dead letters" in told
    assert any(line.startswith("from_values.map.dead_letter: exactly-once") for line in told)


def test_the_first_record_that_is_left_out_is_told_with_its_secrets_hidden(caplog: pytest.LogCaptureFixture):
    ctx = StreamingContext()
    rows = ctx.from_collection([{"n": n, "password": "canary"} for n in range(20)])
    rows.map(lambda r: 1 // 0).on_error("skip").collect()
    with caplog.at_level("WARNING", "raystreaming"):
        ctx.execute()
    (line,) = [r.getMessage() for r in caplog.records if "goes on without" in r.getMessage()]
    assert line.startswith(
        "from_collection.map goes on without records that fail, and counts them; the first: Zero"
    )
    assert "'n': 0" in line
    assert "canary" not in line


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ("ignore", "on_error: takes 'fail', 'skip', retry(n, backoff) or dead_letter(sink), got 'ignore'"),
        (lambda: retry(0, "soon", then="now"), "retry: n must be .*; backoff: .*; then must be"),  # type: ignore[arg-type]
        (lambda: dead_letter(3, form=4), "dead_letter: takes a sink.*; form must be"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_policy_is_refused_with_all_that_is_wrong(policy: Any, text: str):
    with pytest.raises(OptionError, match=text if callable(policy) else re.escape(text)):
        StreamingContext().from_values(1).map(str).on_error(policy() if callable(policy) else policy)


@pytest.mark.parametrize(
    "build",
    [
        lambda s, policy: s.map(int, on_error=policy),
        lambda s, policy: s.flat_map(lambda v: [int(v)], on_error=policy),
        lambda s, policy: s.filter(int, on_error=policy).map(int),
        lambda s, policy: s.inspect(int, on_error=policy).map(int),
        lambda s, policy: s.split(lambda v: str(int(v) > 0), on_error=policy).select("True").map(int),
        lambda s, policy: s.key_by(int, on_error=policy).reduce(max).map(int),
        lambda s, policy: s.key_by(0).sum(int, on_error=policy).map(lambda pair: pair[1]),
        lambda s, policy: s.key_by(0).reduce(lambda a, b: a, on_error=policy).map(int, on_error=policy),
        lambda s, policy: s.map_batches(lambda rows: list(map(int, rows)), "rows", on_error=policy),
    ],
)
def test_a_policy_is_given_to_the_operator_or_set_after_it(build):
    for policy in ("skip", retry(1, "0s", then="skip")):
        ctx = StreamingContext()
        build(ctx.from_values("1", "x", "3"), policy).collect()
        job = ctx.execute("given")
        assert (job.result(), job.status().counts["skipped"]) == ([1, 3], 1)
    with pytest.raises(OptionError, match="on_error: takes 'fail', 'skip'"):
        build(StreamingContext().from_values("1"), "skp")


def test_a_sink_and_reduce_by_key_take_a_policy():
    kept: list[int] = []
    ctx = StreamingContext()
    ctx.from_values("1", "x", "3").sink(lambda v: kept.append(int(v)), on_error="skip")
    pairs = ctx.from_values(("a", 1), ("a", None), ("a", 2))
    pairs.reduce_by_key(lambda a, b: a + b, on_error="skip").collect()
    job = ctx.execute("given")
    assert (kept, job.result(), job.status().counts) == ([1, 3], [("a", 1), ("a", 3)], {"skipped": 2})


def test_without_a_policy_nothing_changes():
    ctx = StreamingContext()
    ctx.from_values(1).map(lambda n: 1 // 0).on_error("skip").on_error("fail").collect()
    with pytest.raises(OperatorError):
        ctx.execute()
