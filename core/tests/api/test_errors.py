"""Whatever fails, wherever: the job ends, and the message says where and why."""

from __future__ import annotations

import json
import logging
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from raystreaming import JobError, StreamingContext, sum_
from raystreaming.connector import (
    Batch,
    RecordsSource,
    Retryable,
    Sink,
    Terminal,
    TwoPhaseSink,
    TwoPhaseWriter,
    Writer,
    option,
)
from raystreaming.errors import ConnectorError, OperatorError
from raystreaming.runtime.restarts import Restarts

HERE = __file__


def line_of(text: str) -> int:
    """Return the number of the line of this file that ends with a comment."""
    with open(__file__, encoding="utf-8") as f:
        return next(n for n, line in enumerate(f, 1) if line.rstrip().endswith(f"# {text}"))


def fails(record):
    if record == 7:
        raise ValueError("no sevens")  # raised here
    return [record]


def pair(a, b):
    return fails(b)[0]


@pytest.mark.parametrize(
    ("operator", "build"),
    [
        ("from_collection.map", lambda s: s.map(fails)),
        ("from_collection.flat_map", lambda s: s.flat_map(fails)),
        ("from_collection.filter", lambda s: s.filter(fails)),
        ("from_collection.key_by", lambda s: s.key_by(fails)),
        ("from_collection.reduce", lambda s: s.key_by(lambda x: 1).reduce(pair)),
        ("from_collection.map-2", lambda s: s.map(lambda x: x).map(fails)),
        ("from_collection.map", lambda s: s.flat_map(lambda x: [x]).map(fails)),
        ("mine", lambda s: s.map(fails).uid("mine")),
        ("from_collection.map", lambda s: s.map(fails).set_parallelism(2)),
    ],
)
def test_an_error_of_a_user_function_names_operator_line_and_record(operator: str, build: Callable):
    ctx = StreamingContext()
    build(ctx.from_collection(range(10))).sink(lambda r: None)
    with pytest.raises(OperatorError) as failed:
        ctx.execute()
    text = str(failed.value)
    assert f"operator {operator!r}: " in text
    assert "raised ValueError: no sevens" in text
    assert f"at {HERE}:{line_of('raised here')}" in text
    assert "record: 7" in text
    assert isinstance(failed.value, JobError)
    cause = failed.value.__cause__
    assert isinstance(cause, ValueError)
    assert cause.args == ("no sevens",)


def test_the_traceback_has_the_users_frames_only():
    ctx = StreamingContext()
    ctx.from_collection(range(10)).map(lambda x: x).flat_map(fails).sink(lambda r: None)
    with pytest.raises(OperatorError) as failed:
        ctx.execute()
    frames = traceback.extract_tb(failed.value.__cause__.__traceback__)
    assert [(f.filename, f.name) for f in frames] == [(HERE, "fails")]
    told = [f.filename for f in traceback.extract_tb(failed.value.__traceback__) if f.filename != HERE]
    assert {Path(f).name for f in told} == {"context.py", "job.py"}  # execute() and wait()


def rate(batch):
    return pc.divide(batch["n"], batch["none"])  # computed here


def strict(batch):
    raise ValueError("no")  # refused here


def mixed(record):
    return record if record["n"] == 1 else {**record, "n": "two"}


ROWS = [{"user": "ann", "n": 1, "none": 0}, {"user": "bob", "n": 2, "none": 0}]
FIRST = "{'n': 1, 'none': 0, 'user': 'ann'}"


@pytest.mark.parametrize(
    ("build", "said", "at", "shown"),
    [
        (
            lambda s: s.with_columns(x=rate),
            "with_columns(x=rate ({here}:{rate})) raised ArrowInvalid: divide by zero",
            "computed here",
            "columns: user, n, none\n  first of 2 records: {first}\n  mend it, or go on without",
        ),
        (
            lambda s: s.select("user", x=strict),
            "select('user', x=strict ({here}:{strict})) raised ValueError: no",
            "refused here",
            "first of 2 records: {first}",
        ),
        (
            lambda s: s.select(x=pc.divide(pc.field("n"), pc.field("none"))),  # select
            "select(x=divide(n, none)) raised ArrowInvalid: divide by zero",
            "select",
            "first of 2 records: {first}",
        ),
        (
            lambda s: s.select(x=pc.field("usr")),  # a column of an expression
            "select(x=usr): there is no column 'usr' (did you mean 'user'?)",
            "a column of an expression",
            "columns: user, n, none\n  first of 2 records: {first}\n  name a column that there is, or go on",
        ),
        (
            lambda s: s.filter(pc.field("non") > 1),  # a filter
            "the expression (non > 1): there is no column 'non' (did you mean 'none'?)",
            "a filter",
            "first of 2 records: {first}",
        ),
        (
            lambda s: s.explode("n"),  # explode
            "explode('n') raised TypeError: the column 'n' holds int64, no lists",
            "explode",
            "first of 2 records: {first}",
        ),
        (
            lambda s: s.key_by("user").agg(total=sum_("non")),  # agg
            "agg(total=sum_('non')): there is no field 'non' (did you mean 'none'?)",
            "agg",
            "fields: user, n, none\n  record: {first}\n  name a field that all records have, or go on",
        ),
        (
            lambda s: s.select("none", "user").key_by("user").agg(total=sum_("non")),  # agg of columns
            "agg(total=sum_('non')): there is no column 'non' (did you mean 'none'?)",
            "agg of columns",
            "columns: none, user\n  first of 2 records: {{'none': 0, 'user': 'ann'}}\n  name a column",
        ),
        (
            lambda s: s.key_by(lambda r: 1).agg(total=sum_("user")).map(len).key_by(0).sum(7),  # sum of int
            "key_by(0): a record of type int has no field 0",
            "sum of int",
            "record: 2\n  name a field that all records have, or go on",
        ),
        (
            lambda s: s.map(mixed).key_by(lambda r: 1).agg(total=sum_("n")),  # agg of texts
            "agg(total=sum_('n')) raised TypeError: unsupported operand type(s) for +: 'int' and 'str', "
            "at the key 1",
            "agg of texts",
            "have values that go together, or go on",
        ),
        (
            lambda s: s.key_by("usr").sum("n"),  # key_by
            "key_by('usr'): there is no field 'usr' (did you mean 'user'?)",
            "key_by",
            "fields: user, n, none\n  record: {first}\n  name a field that all records have, or go on",
        ),
        (
            lambda s: s.key_by(["user", "non"]).sum("n"),  # key_by of several
            "key_by(['user', 'non']): there is no field 'non' (did you mean 'none'?)",
            "key_by of several",
            "record: {first}",
        ),
        (
            lambda s: s.select("user").key_by("usr").sum("n"),  # key_by of columns
            "key_by('usr'): there is no column 'usr' (did you mean 'user'?)",
            "key_by of columns",
            "columns: user\n  first of 2 records: {{'user': 'ann'}}\n  name a column that there is",
        ),
        (
            lambda s: s.map(lambda r: (1, r["n"])).key_by(0).sum(7),  # sum
            "sum(7): there is no index 7: there are 2 values",
            "sum",
            "record: (1, 2)\n  name a field that all records have, or go on",
        ),
        (
            lambda s: s.partition_by("usr").map(len).set_parallelism(2),  # partition_by
            "partition_by('usr'): there is no field 'usr' (did you mean 'user'?)",
            "partition_by",
            "record: {first}",
        ),
    ],
)
def test_an_error_about_fields_and_columns_names_the_call_and_its_line(
    build: Callable, said: str, at: str, shown: str
):
    ctx = StreamingContext()
    build(ctx.from_collection(ROWS)).collect()
    with pytest.raises(OperatorError) as failed:
        ctx.execute()
    text = str(failed.value)
    lines = {"rate": line_of("computed here") - 1, "strict": line_of("refused here") - 1}
    assert said.format(here=HERE, **lines) in text.partition("\n")[0]
    assert f"\n  at {HERE}:{line_of(at)}\n" in text
    assert shown.format(first=FIRST) in text


def test_the_line_of_an_error_in_a_library_in_cython_is_the_users_own():
    def ints(texts):
        return pa.array(texts, pa.int64())  # in Cython

    ctx = StreamingContext()
    ctx.from_values(["a"]).map(ints).sink(print)
    with pytest.raises(OperatorError) as failed:
        ctx.execute()
    assert f"\n  at {HERE}:{line_of('in Cython')}\n" in str(failed.value)


def says_it(record):
    raise ValueError(f"password={record['password']}")


def says_it_of_columns(batch):
    raise ValueError(f"password={batch['password'][0]}")


@pytest.mark.parametrize(
    "build",
    [
        lambda s: s.map(says_it),
        lambda s: s.filter(says_it),
        lambda s: s.key_by(says_it).reduce(max),
        lambda s: s.select("user", "password", x=says_it_of_columns),
        lambda s: s.with_columns(x=says_it_of_columns),
        lambda s: s.map_batches(says_it_of_columns),
        lambda s: s.explode("usr"),
        lambda s: s.key_by("user").agg(x=sum_("m")),
        lambda s: s.map(dict).key_by("usr").sum("n"),
        lambda s: s.partition_by("usr").map(str).set_parallelism(2),
    ],
)
def test_what_may_be_a_secret_is_not_shown(build: Callable):
    ctx = StreamingContext()
    rows = [
        {
            "user": "ann",
            "password": "canary",
            "url": "https://ann:canary@host/",
            "inner": {"api_key": "canary"},
        }
    ]
    build(ctx.from_collection(rows)).sink(print)
    with pytest.raises(OperatorError) as failed:
        ctx.execute()
    assert "canary" not in str(failed.value)
    assert "'user': 'ann'" in str(failed.value)


@pytest.mark.parametrize("name", ["n", "token"])
def test_values_that_share_no_type_are_named_by_their_column_and_hidden_if_secret(name: str):
    ctx = StreamingContext()
    ctx.from_values({name: 1}, {name: "canary"}).select(name).collect()
    with pytest.raises(OperatorError, match=f"the values of column '{name}' do not share a type") as failed:
        ctx.execute()
    assert ("canary" in str(failed.value)) == (name == "n")


def test_a_retryable_of_a_function_says_which_operator_it_came_from():
    def never(x):
        raise Retryable("never")

    for build in (lambda s: s.map(never), lambda s: s.flat_map(never).uid("from_values.map")):
        ctx = StreamingContext(restarts=0)
        build(ctx.from_values(1)).sink(print)
        with pytest.raises(Retryable) as failed:
            ctx.execute()
        assert failed.value.__notes__ == ["in operator 'from_values.map'"]


def test_an_error_of_a_sink_function_names_operator_line_and_record():
    ctx = StreamingContext()
    ctx.from_collection(range(10)).sink(fails)
    with pytest.raises(OperatorError, match=r"operator 'from_collection\.sink'(.|\n)*record: 7"):
        ctx.execute()


def lazily(record):
    yield record
    if record == 7:
        raise ValueError("no sevens")  # raised late


def test_an_error_of_a_generator_names_its_record():
    ctx = StreamingContext()
    ctx.from_collection(range(10)).flat_map(lazily).sink(lambda r: None)
    with pytest.raises(OperatorError, match="record: 7") as failed:
        ctx.execute()
    assert f"{HERE}:{line_of('raised late')}" in str(failed.value)


def test_a_flat_map_that_returns_no_iterable_is_an_error_of_its_function():
    ctx = StreamingContext()
    ctx.from_collection(range(10)).flat_map(lambda x: x if x == 7 else [x]).sink(lambda r: None)
    with pytest.raises(OperatorError, match=r"operator 'from_collection\.flat_map'(.|\n)*record: 7"):
        ctx.execute()


def parse(text):
    return json.loads(text)  # calls a library


def test_an_error_inside_a_library_names_the_users_own_line():
    ctx = StreamingContext()
    ctx.from_values("1", "{").map(parse).sink(lambda r: None)
    with pytest.raises(OperatorError) as failed:
        ctx.execute()
    assert f"at {HERE}:{line_of('calls a library')}" in str(failed.value)


def test_a_long_record_is_shortened():
    ctx = StreamingContext()
    ctx.from_values("x" * 10_000).map(lambda x: 1 // 0).sink(print)
    with pytest.raises(OperatorError) as failed:
        ctx.execute()
    assert len(str(failed.value)) < 1000


def test_a_record_whose_repr_raises_still_gives_the_error():
    class Odd:
        def __repr__(self):
            raise RuntimeError("no repr")

    ctx = StreamingContext()
    ctx.from_values(Odd()).map(lambda x: 1 // 0).sink(print)
    with pytest.raises(OperatorError, match="division"):
        ctx.execute()


class Failing(RecordsSource[int]):
    """Fails after some records."""

    error: str = option(doc="Kind of error.")
    after: int = option(doc="How many records come first.", default=5)

    def records(self, position):
        for n in range(position or 0, self.after):
            yield n + 1, n
        raise {"os": OSError("disk on fire"), "terminal": Terminal("gone"), "exit": SystemExit(3)}[self.error]


def test_an_error_of_a_source_ends_the_job():
    ctx = StreamingContext()
    ctx.source(Failing(error="os")).collect()
    with pytest.raises(JobError, match=r"job 'job' failed: OSError: disk on fire") as failed:
        ctx.execute()
    assert isinstance(failed.value.__cause__, OSError)


def test_an_error_of_a_source_names_the_source():
    ctx = StreamingContext()
    ctx.source(Failing(error="os")).collect()
    with pytest.raises(JobError) as failed:
        ctx.execute()
    told = str(failed.value) + "".join(getattr(failed.value.__cause__, "__notes__", []))
    assert "Failing" in told


def test_a_terminal_error_comes_as_it_is_and_at_once():
    ctx = StreamingContext()
    ctx.source(Failing(error="terminal")).collect()
    job = ctx.submit()
    with pytest.raises(Terminal, match="gone"):
        job.wait()
    assert (job.status().state, job.status().restarts) == ("failed", 0)


def test_a_source_that_exits_does_not_hang_the_job():
    ctx = StreamingContext()
    ctx.source(Failing(error="exit")).collect()
    with pytest.raises(JobError, match="SystemExit"):
        ctx.execute()


class FailingSink(Sink[int]):
    """Fails at one call."""

    at: str = option(doc="Which call fails.")
    log: list = option(doc="Calls.", default_factory=list)

    def open(self, state, ctx):
        if self.at == "open":
            raise OSError("open failed")
        return FailingWriter(self)


class FailingWriter(Writer[int]):
    def __init__(self, sink: FailingSink) -> None:
        self.sink = sink

    def write(self, batch: Batch) -> None:
        self._do("write")

    def flush(self) -> None:
        self._do("flush")

    def close(self) -> None:
        self._do("close")

    def _do(self, call: str) -> None:
        self.sink.log.append(call)
        if self.sink.at == call:
            raise OSError(f"{call} failed")


@pytest.mark.parametrize("at", ["open", "write", "flush"])
def test_an_error_of_a_sink_ends_the_job_and_closes_it(at: str):
    sink = FailingSink(at=at)
    ctx = StreamingContext()
    ctx.from_values(1, 2).sink(sink)
    job = ctx.submit()
    with pytest.raises(JobError, match=f"OSError: {at} failed"):
        job.wait()
    assert job.status().state == "failed"
    assert sink.log[-1:] == ([] if at == "open" else ["close"])


def test_an_error_of_close_is_told_and_costs_nothing(caplog: pytest.LogCaptureFixture):
    sink = FailingSink(at="close")
    ctx = StreamingContext()
    ctx.from_values(1, 2).sink(sink)
    with caplog.at_level(logging.WARNING, "raystreaming"):
        job = ctx.execute()
    assert job.status().state == "finished"
    assert "OSError: close failed" in caplog.text


@pytest.mark.parametrize("at", ["open", "write", "flush"])
def test_an_error_of_a_sink_names_the_sink(at: str):
    ctx = StreamingContext()
    ctx.from_values(1, 2).sink(FailingSink(at=at))
    with pytest.raises(JobError) as failed:
        ctx.execute()
    told = str(failed.value) + "".join(getattr(failed.value.__cause__, "__notes__", []))
    assert "from_values.sink" in told


class Flaky(RecordsSource[int]):
    """Fails a few times, each time a little later."""

    times: int = option(doc="How often it fails.")
    opened: list = option(doc="Positions it was opened at.", default_factory=list)

    def records(self, position):
        self.opened.append(position)
        for n in range(position or 0, 1000):
            if n == 500 and len(self.opened) <= self.times:
                raise Retryable("try again")
            yield n + 1, n


def test_a_retryable_error_restarts_the_job_and_nothing_is_lost_or_repeated():
    source = Flaky(times=1)
    ctx = StreamingContext()
    ctx.source(source).key_by(lambda x: x % 3).reduce(lambda a, b: b).collect()
    job = ctx.submit()
    assert sorted(job.result()) == list(range(1000))
    assert (job.status().restarts, len(source.opened)) == (1, 2)


def test_a_retryable_error_is_fatal_after_three_restarts(caplog: pytest.LogCaptureFixture):
    source = Flaky(times=99)
    ctx = StreamingContext()
    ctx.source(source).collect()
    job = ctx.submit()
    with caplog.at_level(logging.WARNING, "raystreaming"), pytest.raises(Retryable, match="try again"):
        job.wait()
    assert (job.status().restarts, len(source.opened)) == (3, 4)
    assert "restarts from its last checkpoint in 1 s (1 of 3)" in caplog.text
    assert "(3 of 3)" in caplog.text


def test_cancel_does_not_wait_for_a_restart_to_come(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Restarts, "failed", lambda *_: 3600.0)  # Seconds; longer than a test may take.
    source = Flaky(times=99)
    ctx = StreamingContext()
    ctx.source(source).collect()
    job = ctx.submit()
    while (state := job.status().state) != "restarting":
        assert state in ("starting", "running")
    job.cancel()
    job.wait()
    assert (job.status().state, len(source.opened)) == ("cancelled", 1)


def test_a_user_function_that_says_retryable_restarts_the_job_too():
    calls = []

    def once(x):
        calls.append(x)
        if len(calls) == 1:
            raise Retryable("not yet")
        return x

    ctx = StreamingContext()
    ctx.from_values(1, 2).map(once).collect()
    assert ctx.execute().result() == [1, 2]


def test_a_function_that_is_a_sink_is_called_again_after_a_restart():
    seen = []

    def sink(x):
        if x == 2 and seen.count(1) == 1:
            raise Retryable("not yet")
        seen.append(x)

    ctx = StreamingContext(checkpoint_interval="1h")
    ctx.from_values(1, 2).sink(sink)
    ctx.execute()
    assert seen == [1, 1, 2]


class Prepared(TwoPhaseSink[int]):
    """Notes what is prepared, committed and aborted."""

    calls: list = option(doc="Calls.", default_factory=list)
    staged: set = option(doc="Prepared and neither committed nor aborted.", default_factory=set)
    fail: str = option(doc="Which call fails.", default="")

    def open(self, state, ctx):
        return PreparedWriter(self, ctx.owner)

    def commit(self, committables):
        if self.fail == "commit" and "failed" not in self.calls:
            self.calls.append("failed")
            raise Retryable("commit failed")
        self.calls.extend(("commit", c) for c in committables)
        self.staged.difference_update(committables)

    def abort(self, committables):
        self.calls.extend(("abort", c) for c in committables)
        self.staged.difference_update(committables)

    def list_open(self, owner):
        return sorted(self.staged)


class PreparedWriter(TwoPhaseWriter[int]):
    def __init__(self, sink: Prepared, owner: str) -> None:
        self.sink = sink
        self.rows: list = []

    def write(self, batch: Batch) -> None:
        self.rows += batch.values

    def prepare(self, epoch: int):
        handle = json.dumps([epoch, self.rows]).encode()
        self.rows = []

        def finish() -> bytes:
            if self.sink.fail == "prepare":
                raise OSError("prepare failed")
            self.sink.staged.add(handle)
            return handle

        return finish


def test_a_commit_that_may_pass_is_tried_again():
    sink = Prepared(fail="commit")
    ctx = StreamingContext()
    ctx.from_values(1, 2).sink(sink)
    job = ctx.execute()
    assert job.status().restarts == 1
    rows = [r for call in sink.calls if call != "failed" for r in json.loads(call[1])[1]]
    assert (rows, sink.staged) == ([1, 2], set())


def test_a_prepare_that_fails_commits_nothing():
    sink = Prepared(fail="prepare")
    ctx = StreamingContext()
    ctx.from_values(1, 2).sink(sink)
    with pytest.raises(JobError, match="prepare failed"):
        ctx.execute()
    assert [c for c in sink.calls if c[0] == "commit"] == []


def test_what_a_cancelled_job_left_open_is_aborted(eventually: Callable[..., None]):
    sink = Prepared()
    ctx = StreamingContext()
    gate = threading.Event()
    ctx.from_values(1, 2).map(lambda x: gate.wait(60)).sink(sink)
    sink.staged.add(b"left")
    job = ctx.submit()
    assert ("abort", b"left") in sink.calls
    sink.staged.add(b"half-written")
    job.cancel()
    gate.set()
    job.wait()
    assert ("abort", b"half-written") in sink.calls


def test_what_a_failed_job_without_checkpoint_dir_left_open_is_aborted():
    sink = Prepared()
    gate = threading.Event()

    def fail(x):
        gate.wait(60)
        raise ValueError("x")

    ctx = StreamingContext()
    ctx.from_values(1, 2).map(fail).sink(sink)
    job = ctx.submit()
    sink.staged.add(b"half-written")
    gate.set()
    with pytest.raises(JobError):
        job.wait()
    assert ("abort", b"half-written") in sink.calls


class ClosesBadly(RecordsSource[int]):
    """Fails when it is closed."""

    def records(self, position):
        try:
            yield 1, 1
            yield 2, 2
        finally:
            pass

    def open(self, ctx):
        reader = super().open(ctx)
        reader.close = self._fail  # type: ignore[method-assign]
        return reader

    def _fail(self) -> None:
        raise OSError("close failed")


def test_an_error_of_a_readers_close_is_told(caplog: pytest.LogCaptureFixture):
    ctx = StreamingContext()
    ctx.source(ClosesBadly()).collect()
    with caplog.at_level(logging.WARNING, "raystreaming"):
        assert ctx.execute().result() == [1, 2]
    assert "close failed" in caplog.text


class Unopened:
    """A function that cannot get what it needs."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def open(self, ctx):
        raise self.error  # opened here

    def __call__(self, record):
        return [record]


@pytest.mark.parametrize(
    ("operator", "build"),
    [
        ("from_values.map", lambda s, fn: s.map(fn).sink(print)),
        ("from_values.flat_map", lambda s, fn: s.flat_map(fn).sink(print)),
        ("from_values.map_batches", lambda s, fn: s.map_batches(fn, format="rows").sink(print)),
        ("from_values.sink", lambda s, fn: s.sink(fn)),
    ],
)
def test_a_function_that_cannot_be_opened_is_named_with_its_line(operator: str, build: Callable):
    ctx = StreamingContext()
    build(ctx.from_values(1), Unopened(OSError("no model")))
    with pytest.raises(OperatorError) as failed:
        ctx.execute()
    assert str(failed.value) == (
        f"operator {operator!r}: open() of Unopened raised OSError: no model\n"
        f"  at {HERE}:{line_of('opened here')}"
    )
    assert isinstance(failed.value.__cause__, OSError)


def test_a_connectors_error_of_open_stays_what_it_is_and_names_the_operator():
    ctx = StreamingContext()
    ctx.from_values(1).map(Unopened(Terminal("no model"))).sink(print)
    with pytest.raises(Terminal, match="no model") as failed:
        ctx.execute()
    assert "in operator 'from_values.map'" in failed.value.__notes__


class Unplanned(RecordsSource[int]):
    """Fails before anything is read."""

    error: Exception = option(doc="How.")

    def plan(self, ctx):
        raise self.error

    def records(self, position):
        yield 1, 1


@pytest.mark.parametrize("error", [Terminal("no server"), KeyError("host")])
def test_an_error_of_plan_stays_what_it_is_and_names_the_source(error: Exception):
    ctx = StreamingContext()
    ctx.source(Unplanned(error=error)).collect()
    with pytest.raises(type(error)) as failed:
        ctx.execute()
    assert failed.value.__notes__ == ["in source 'Unplanned'"]


def test_connector_errors_are_ours():
    assert issubclass(Retryable, ConnectorError)
    assert issubclass(Terminal, ConnectorError)
