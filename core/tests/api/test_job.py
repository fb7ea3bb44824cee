"""Building, checking, explaining, naming, stopping."""

from __future__ import annotations

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from raystreaming import DataStream, Job, KeyedStream, RayStreamingError, StreamingContext
from raystreaming.connector import RecordsSource
from raystreaming.errors import GraphError, JobLocked, OptionError
from raystreaming.testing.memory import MemorySource

GOLDEN = Path(__file__).parent / "explain"


class Ticks(RecordsSource[int]):
    """Cannot go back."""

    replayable = False

    def records(self, position):
        yield None, 1


class Endless(RecordsSource[int]):
    """Counts for ever."""

    @property
    def bounded(self) -> bool:
        return False

    def records(self, position):
        for n in itertools.count(position or 0):
            yield n + 1, n


# Mistakes before anything starts -----------------------------------------------------------


def refused(build: Callable[[StreamingContext], object], match: str) -> None:
    def program() -> None:
        ctx = StreamingContext()
        build(ctx)
        ctx.submit()

    with pytest.raises(GraphError, match=match):
        program()


def test_all_mistakes_of_a_graph_come_at_once():
    ctx = StreamingContext()
    ctx.from_values(1).map(str).name("forgotten")
    ctx.from_values(2).filter(bool)
    with pytest.raises(GraphError) as failed:
        ctx.submit()
    assert str(failed.value) == (
        "this job cannot run: "
        "stream 'forgotten' has no sink: end it with .sink(fn), .print() or .write_files(...); "
        "stream 'from_values-2.filter' has no sink: end it with .sink(fn), .print() or .write_files(...)"
    )


@pytest.mark.parametrize(
    ("build", "match"),
    [
        (lambda ctx: None, "it reads nothing: begin with a source"),
        (lambda ctx: ctx.from_values(1), "stream 'from_values' has no sink"),
        (lambda ctx: ctx.from_values(1).key_by(lambda x: x), "no sink"),
        (
            lambda ctx: ctx.from_values(1).key_by(None),
            r"key_by\(\) takes a function, .*got None: .*r\['user'\]",
        ),
        (
            lambda ctx: ctx.from_values(1).filter("x > 1"),
            r"filter\(\) takes a function or a pyarrow expression",
        ),
        (lambda ctx: ctx.from_values(1).sink(3), r"sink\(\) takes a Sink or a function, got 3"),
        (lambda ctx: ctx.from_values(1).union(3), r"union\(\) takes streams, got 3"),
        (
            lambda ctx: ctx.from_values(1).union(StreamingContext().from_values(1)),
            "streams of one context; these are of two",
        ),
        (lambda ctx: ctx.from_values(1).set_parallelism(0), "whole number from 1, got 0"),
        (lambda ctx: ctx.from_values(1).set_parallelism(True), "whole number from 1, got True"),
        (lambda ctx: ctx.from_values(1).set_parallelism(1.5), "whole number from 1, got 1.5"),
        (
            lambda ctx: ctx.from_values(1).uid("u").map(str).uid("u").collect(),
            "two operators have the id 'u': give each its own uid",
        ),
    ],
)
def test_a_mistake_is_refused_before_anything_starts(build: Callable, match: str):
    refused(build, match)


@pytest.mark.parametrize(
    "read",
    [
        lambda ctx: ctx.from_values(1, 2).name("one"),
        lambda ctx: ctx.read_text_file("nowhere.txt").name("one"),
        lambda ctx: ctx.source(Endless()).name("one"),
    ],
)
def test_a_source_of_one_split_is_read_by_one_task(read: Callable):
    ctx = StreamingContext()
    read(ctx).set_parallelism(3).map(str).collect()
    with pytest.raises(GraphError) as failed:
        ctx.submit()
    assert str(failed.value) == (
        "this job cannot run: source 'one' is read by one task, not by 3: call set_parallelism on what "
        "follows, e.g. .map(fn).set_parallelism(3)"
    )


def test_a_source_of_many_splits_is_read_by_many_tasks():
    ctx = StreamingContext()
    ctx.source(MemorySource({"a": [1], "b": [2]})).set_parallelism(2).collect()
    assert sorted(ctx.execute().result()) == [1, 2]


@pytest.mark.parametrize("method", ["map", "flat_map"])
def test_what_is_not_callable_is_refused_by_every_method(method: str):
    refused(lambda ctx: getattr(ctx.from_values(1), method)(3).collect(), "takes a function")


def test_a_uid_is_text():
    refused(lambda ctx: ctx.from_values(1).uid(5).collect(), "uid")


@pytest.mark.parametrize(
    "method", sorted({n for n in dir(KeyedStream) if n[0] != "_"} - set(dir(DataStream)))
)
def test_what_needs_keys_says_so_of_a_stream_that_has_none(method: str):
    with pytest.raises(AttributeError, match=rf"{method}\(\) combines records of a key: call \.key_by"):
        getattr(StreamingContext().from_values(1), method)


def test_there_is_something_that_needs_keys():
    assert {"agg", "reduce", "sum"} <= set(dir(KeyedStream)) - set(dir(DataStream))


@pytest.mark.parametrize("name", ["a", "Word-Count_2.1", "0"])
def test_job_names(name: str):
    ctx = StreamingContext()
    ctx.from_values(1).collect()
    assert ctx.execute(name).name == name


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("word count", "word-count"),
        ("", "my-job"),
        ("..", "my-job"),
        ("a/b", "a-b"),
        ("-a", "a"),
        ("a\n", "a"),
    ],
)
def test_a_job_name_that_is_no_folder_name_is_refused_with_a_better_one(name: str, advice: str):
    ctx = StreamingContext()
    ctx.from_values(1).collect()
    with pytest.raises(GraphError, match="letters, digits") as failed:
        ctx.submit(name)
    assert f"e.g. {advice!r}" in str(failed.value)


# Settings ----------------------------------------------------------------------------------


def test_all_wrong_settings_come_at_once():
    with pytest.raises(OptionError) as failed:
        StreamingContext(checkpoint_intervall="5s", checkpoint_interval="soon", retain_checkpoints=0)
    text = str(failed.value)
    assert text.startswith("StreamingContext: ")
    assert "unknown setting 'checkpoint_intervall' (did you mean 'checkpoint_interval'?)" in text
    assert "'soon' is no duration" in text
    assert "retain_checkpoints must be a whole number from 1, got 0" in text


@pytest.mark.parametrize(
    "wrong", [{"checkpoint_dir": 3}, {"checkpoint_interval": 0}, {"retain_checkpoints": True}]
)
def test_a_wrong_setting(wrong: dict):
    with pytest.raises(OptionError, match=next(iter(wrong))):
        StreamingContext(**wrong)


def test_the_builder_makes_the_same_context(tmp_path: Path):
    ctx = (
        StreamingContext.Builder()
        .option("checkpoint_dir", tmp_path)
        .option("checkpoint_interval", "1s")
        .build()
    )
    ctx.from_values(1, 2).collect()
    assert ctx.execute("built").result() == [1, 2]
    assert (tmp_path / "built").is_dir()
    with pytest.raises(OptionError, match="unknown setting 'nope'"):
        StreamingContext.Builder().option("nope", 1).build()


# Explain -----------------------------------------------------------------------------------


def word_count(ctx: StreamingContext) -> None:
    words = ctx.from_values("a b").flat_map(str.split).map(lambda w: (w, 1))
    words.key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1])).collect()


def parallel(ctx: StreamingContext) -> None:
    words = ctx.from_values("a b").flat_map(str.split).set_parallelism(2).name("split")
    counts = words.key_by(lambda p: p).reduce(lambda a, b: a).set_parallelism(3).uid("counts")
    counts.print()
    counts.filter(bool).sink(print).set_parallelism(1)


def branches(ctx: StreamingContext) -> None:
    a, b = ctx.from_values(1), ctx.from_collection([2])
    both = a.union(b.map(str), a)
    both.collect()
    both.print()


@pytest.mark.parametrize("build", [word_count, parallel, branches], ids=lambda f: f.__name__)
@pytest.mark.parametrize("durable", [False, True], ids=["memory", "durable"])
def test_explain(build: Callable, durable: bool, tmp_path: Path):
    """Golden: to accept a change, run the tests with RAYSTREAMING_WRITE_GOLDEN=1 and look at the diff."""
    ctx = StreamingContext(**({"checkpoint_dir": tmp_path} if durable else {}))
    build(ctx)
    file = GOLDEN / f"{build.__name__}-{'durable' if durable else 'memory'}.txt"
    if os.environ.get("RAYSTREAMING_WRITE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(ctx.explain() + "\n")
    assert ctx.explain() + "\n" == file.read_text()
    assert list(tmp_path.iterdir()) == []


def test_repr_names_the_operator():
    stream = StreamingContext().from_values(1).map(str).name("text")
    assert repr(stream) == "<DataStream of text>"


def test_explain_says_what_a_source_that_cannot_be_read_again_costs():
    ctx = StreamingContext(checkpoint_dir="unused")
    ticks = ctx.source(Ticks(), "ticks")
    ticks.map(str).print()
    both = ticks.union(ctx.from_values(1), ctx.source(Ticks(), "tocks"))
    both.collect()
    told = [line.strip() for line in ctx.explain().splitlines() if "restart" in line]
    loses = "cannot be read again, a restart loses what came since the last checkpoint"
    assert told == [
        f"ticks.print: at-most-once: 'ticks' {loses}",
        f"ticks+from_values+tocks.collect: exactly-once; but 'ticks' and 'tocks' {loses}",
    ]


# Life --------------------------------------------------------------------------------------


def counting(**settings: object) -> tuple[StreamingContext, list[int]]:
    ctx = StreamingContext(**settings)
    rows: list[int] = []
    ctx.source(Endless()).sink(rows.append)
    return ctx, rows


def test_a_job_that_is_stopped_goes_on_where_it_was(tmp_path: Path, eventually: Callable[..., None]):
    first, before = counting(checkpoint_dir=tmp_path)
    job = first.submit("count")
    eventually(lambda: len(before) > 100)
    job.stop()
    job.wait()
    assert job.status().state == "stopped"
    second, after = counting(checkpoint_dir=tmp_path)
    job = second.submit("count")
    eventually(lambda: len(after) > 100)
    job.stop()
    job.wait()
    assert before + after == list(range(len(before) + len(after)))


def test_drain_ends_the_input_and_finishes(tmp_path: Path, eventually: Callable[..., None]):
    ctx, rows = counting(checkpoint_dir=tmp_path)
    job = ctx.submit("count")
    eventually(lambda: len(rows) > 100)
    job.drain()
    job.wait()
    assert job.status().state == "finished"
    assert rows == list(range(len(rows)))


def test_cancel_ends_without_a_checkpoint(tmp_path: Path, eventually: Callable[..., None]):
    ctx, rows = counting(checkpoint_dir=tmp_path, checkpoint_interval="1h")
    job = ctx.submit("count")
    eventually(lambda: len(rows) > 100)
    job.cancel()
    job.wait()
    assert (job.status().state, job.status().checkpoint) == ("cancelled", 1)
    again, rows = counting(checkpoint_dir=tmp_path)
    job = again.submit("count")
    eventually(lambda: rows)
    job.cancel()
    job.wait()
    assert rows[0] == 0


@pytest.mark.parametrize("end", [Job.stop, Job.cancel])
def test_a_slow_function_holds_up_no_stop_and_no_cancel(end: Callable[[Job], None]):
    seen: list[int] = []
    begun, asked = threading.Event(), threading.Event()

    def slow(x: int) -> None:
        seen.append(x)
        begun.set()
        asked.wait(60)
        time.sleep(0.01)  # an HTTP request, say: two of them in the 20 ms of a step

    ctx = StreamingContext()
    ctx.from_collection(range(500)).sink(slow)
    job = ctx.submit()
    assert begun.wait(60)
    end(job)
    asked.set()
    job.wait()
    assert len(seen) < 100


def test_stop_drain_and_cancel_after_the_end_do_nothing():
    ctx = StreamingContext()
    ctx.from_values(1).collect()
    job = ctx.execute()
    job.stop()
    job.drain()
    job.cancel()
    assert job.wait().status().state == "finished"
    assert job.result() == [1]


def test_stop_wins_although_it_comes_before_the_first_record():
    ctx, _ = counting()
    job = ctx.submit()
    job.stop()
    assert job.wait().status().state == "stopped"


def test_status_counts_records_and_checkpoints(eventually: Callable[..., None]):
    ctx = StreamingContext(checkpoint_interval="10ms")
    gate = threading.Event()
    seen: list[int] = []

    def hold(x: int) -> None:
        seen.append(x)
        if x == 1:
            gate.wait(60)

    ctx.source(Endless()).filter(lambda x: x % 2).sink(hold)
    job = ctx.submit("counted")
    assert job.status().job == "counted"
    eventually(lambda: seen)
    assert job.status().state == "running"
    gate.set()
    eventually(lambda: job.status().checkpoint > 3)
    (task,) = job.status().tasks
    assert task.name == "Endless -> Endless.filter -> Endless.sink"
    assert task.records_in > 0
    job.cancel()
    job.wait()
    assert (job.status().restarts, job.status().counts) == (0, {})


def test_execute_returns_the_finished_job():
    ctx = StreamingContext()
    ctx.from_values(1).collect()
    job = ctx.execute("e")
    assert isinstance(job, Job)
    assert (job.name, job.status().state) == ("e", "finished")


def test_result_needs_exactly_one_collect():
    for sinks in (0, 2):
        ctx = StreamingContext()
        stream = ctx.from_values(1)
        stream.sink(lambda r: None)
        for _ in range(sinks):
            stream.collect()
        with pytest.raises(GraphError, match=rf"has {sinks} collect\(\) sinks; result\(\) needs exactly one"):
            ctx.execute().result()


def test_a_context_can_be_executed_again():
    ctx = StreamingContext()
    ctx.from_values(1, 2).collect()
    assert ctx.execute("first").result() == [1, 2]
    assert ctx.execute("second").result() == [1, 2]


def test_wait_restores_the_signal_handlers_and_works_in_any_thread():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    ctx = StreamingContext()
    ctx.from_values(1).collect()
    ctx.execute("main")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    results: list[list] = []
    other = StreamingContext()
    other.from_values(2).collect()
    thread = threading.Thread(target=lambda: results.append(other.execute("thread").result()))
    thread.start()
    thread.join()
    assert results == [[2]]


def test_jobs_run_side_by_side_but_not_on_one_folder(tmp_path: Path, eventually: Callable[..., None]):
    one, rows = counting(checkpoint_dir=tmp_path)
    two, others = counting(checkpoint_dir=tmp_path)
    job = one.submit("one")
    other = two.submit("two")
    with pytest.raises(JobLocked, match=rf"{tmp_path}/one is in use.*process {os.getpid()}"):
        counting(checkpoint_dir=tmp_path)[0].submit("one")
    eventually(lambda: rows and others)
    for running in (job, other):
        running.cancel()
        running.wait()


def test_no_thread_outlives_its_job():
    before = set(threading.enumerate())
    ctx = StreamingContext()
    ctx.from_collection(range(1000)).map(str).set_parallelism(3).collect()
    ctx.execute()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive(), thread


def test_a_job_that_cannot_start_leaves_no_lock_behind(tmp_path: Path):
    ctx = StreamingContext(checkpoint_dir=tmp_path)
    ctx.read_text_file(tmp_path / "missing").collect()
    for _ in range(2):
        with pytest.raises(RayStreamingError, match="cannot be read"):
            ctx.submit("again")
