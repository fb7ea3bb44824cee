"""Sources with splits and sinks with two phases, in Java."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming.connector import PlanContext, ReaderContext
from raystreaming.errors import GraphError, OperatorError, Retryable, Terminal, TransferError
from raystreaming_java import JavaSettings
from raystreaming_java.function import JavaFunction
from raystreaming_java.source import NamedSource
from raystreaming_test_support import java
from raystreaming_test_support.java import compile_java

RANGES = "com.acme.Ranges"
STAGED = "com.acme.Staged"
FAULTY = "com.acme.Faulty$"


def lines(folder: Path) -> list[str]:
    return sorted(line for f in folder.iterdir() if f.is_file() for line in f.read_text().splitlines())


@pytest.mark.parametrize("parallelism", [1, 2, 5])
def test_splits_are_spread_over_tasks_and_read_in_order(context, parallelism):
    ctx = context()
    ctx.from_java(RANGES, 3, 400).set_parallelism(parallelism).as_python_stream().collect()
    rows = ctx.execute("ranges").result()
    for split in range(3):
        mine = [n for id_, n in rows if id_ == f"range-{split}"]
        assert mine == list(range(split * 400, (split + 1) * 400))
    assert len(rows) == 1200


def run_some(context, folder: Path, parallelism: int, stop_after: int | None) -> None:
    """Run the job on its checkpoints; stop it once so many records have come, if that is said."""
    ctx: StreamingContext = context(checkpoint_dir=folder / "state", checkpoint_interval="50ms")
    seen = 0
    enough, told = threading.Event(), threading.Event()

    def slow(row: list[object]) -> str:
        nonlocal seen
        seen += 1
        if seen == stop_after:
            enough.set()
            told.wait()
        time.sleep(0.0005)
        return f"{row[1]:05d}"

    (
        ctx.from_java(RANGES, 4, 500)
        .set_parallelism(parallelism)
        .as_python_stream()
        .map(slow)
        .set_parallelism(1)
        .as_java_stream()
        .sink(STAGED, str(folder / "out"))
        .uid("out")
    )
    job = ctx.submit("ranges")
    if stop_after is not None:
        enough.wait()
        job.stop()
        told.set()
    job.wait()


def test_positions_survive_a_stop_and_rescaling(context, tmp_path):
    run_some(context, tmp_path, 2, stop_after=300)
    assert 300 <= len(lines(tmp_path / "out")) < 2000
    run_some(context, tmp_path, 3, stop_after=200)
    run_some(context, tmp_path, 1, stop_after=None)
    assert lines(tmp_path / "out") == [f"{n:05d}" for n in range(2000)]
    assert list((tmp_path / "out" / ".staged").iterdir()) == []


def test_an_unbounded_source_finds_new_splits_and_hears_of_checkpoints(context, tmp_path):
    (tmp_path / "a.txt").write_text("one\n")
    ctx = context(checkpoint_dir=tmp_path / "state", checkpoint_interval="50ms")
    got: list[str] = []
    ctx.from_java("com.acme.Watched", str(tmp_path)).as_python_stream().sink(got.append)
    job = ctx.submit("watched")

    def until(condition, what):
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline, f"never came to {what}: {got}"
            time.sleep(0.01)

    until(lambda: got == ["one"], "the first line")
    (tmp_path / "b.txt").write_text("two\n")
    until(lambda: got == ["one", "two"], "a file that was found later")
    with open(tmp_path / "a.txt", "a") as file:
        file.write("three\n")
    until(lambda: got == ["one", "two", "three"], "a line that was added")
    told = tmp_path / "a.txt.committed"
    until(lambda: told.exists() and "2" in told.read_text().split(), "the commit of position 2")
    job.stop()
    job.wait()


def ranges(classes: Path, splits: int) -> NamedSource:
    settings = JavaSettings(classpath=[classes])
    return NamedSource(function=JavaFunction("from_java", RANGES, (splits, 100), settings))


def test_a_bounded_source_is_read_one_split_after_the_other(classes):
    source = ranges(classes, 2)
    reader = source.open(ReaderContext())
    reader.add_splits([(split, None) for split in source.plan(PlanContext())])
    read = []
    while len(read) < 12:  # five times twenty records and the end, or the end with the last of them
        fetched = reader.read(20, time.monotonic() + 1)
        if fetched is None:
            break
        read.append((fetched.split, fetched.end))
    reader.close()
    assert sorted(read) == read, "the second begins when the first has ended"
    assert [end for _, end in read].count(True) == 2


def test_lag_is_what_the_open_splits_say(classes):
    source = ranges(classes, 1)
    (split,) = source.plan(PlanContext())
    assert source.bounded
    assert source.discovery_interval is None
    reader = source.open(ReaderContext())
    reader.add_splits([(split, 40)])
    assert reader.lag() is None, "it is not open yet"
    fetched = reader.read(10, time.monotonic() + 5)
    assert fetched.batch.values.to_pylist() == [["range-0", n] for n in range(40, 50)]
    assert fetched.position == 50
    assert reader.lag() == 50
    reader.close()


def test_a_two_phase_sink_publishes_with_the_checkpoint(context, tmp_path):
    def run(values):
        ctx = context(checkpoint_dir=tmp_path / "state")
        sink = ctx.from_collection(values).as_java_stream().sink(STAGED, str(tmp_path / "out"))
        assert sink._operator.sink.delivery == "exactly-once"
        assert "exactly-once" in ctx.explain()
        assert "at-least-once" not in ctx.explain()
        ctx.execute("staged")

    run([1, 2])
    assert lines(tmp_path / "out") == ["1", "2"]
    run([1, 2, 3])
    assert lines(tmp_path / "out") == ["1", "2", "3"]
    # The state of the writer is back: epochs are counted on.
    assert len({f.name.rsplit("-", 1)[1] for f in (tmp_path / "out").iterdir() if f.is_file()}) == 2


def later(context, folder: Path, fault: str = "") -> StreamingContext:
    """A job of some checkpoints with a sink whose first prepare is ready when the next epoch has a record."""
    ctx = context(checkpoint_dir=folder / "state", checkpoint_interval="50ms", restarts=0)

    def slow(n: int) -> int:
        time.sleep(0.001)
        return n

    numbers = ctx.from_collection(range(1_000)).map(slow).as_java_stream()
    numbers.sink("com.acme.Later", str(folder / "lines"), fault).uid("later")
    return ctx


def test_the_slow_rest_of_prepare_does_not_hold_up_the_records_that_come_next(context, tmp_path):
    later(context, tmp_path).execute("later")
    assert (tmp_path / "lines").read_text().split() == [str(n) for n in range(1_000)]


def test_a_fault_of_the_slow_rest_of_prepare_ends_the_job(context, tmp_path):
    with pytest.raises(OperatorError, match=r"'later': com\.acme\.Later.*prepareLater raised .*: no room"):
        later(context, tmp_path, "no room").execute("later")
    assert not (tmp_path / "lines").exists()


def test_nothing_of_a_failed_run_is_seen(context, tmp_path):
    def explode(n):
        if n == 50:
            raise ValueError("no 50")
        return n

    ctx = context(checkpoint_dir=tmp_path / "state", checkpoint_interval="1h")
    ctx.from_collection(range(100)).map(explode).as_java_stream().sink(STAGED, str(tmp_path / "out"))
    with pytest.raises(OperatorError, match="no 50"):
        ctx.execute("staged")
    out = tmp_path / "out"
    assert lines(out) == []
    ctx = context(checkpoint_dir=tmp_path / "state")
    ctx.from_collection(range(100)).map(str).as_java_stream().sink(STAGED, str(out))
    ctx.execute("staged")
    assert lines(out) == sorted(map(str, range(100)))
    assert list((out / ".staged").iterdir()) == [], "what the failed run had staged is thrown away"


def test_a_retryable_fault_restarts_the_job(context, tmp_path):
    ctx = context(restarts=3)
    source = ctx.from_java(FAULTY + "Numbers", "retryable", str(tmp_path / "n"), 1)
    source.as_python_stream().collect()
    assert ctx.execute("retryable").result() == list(range(10))
    assert (tmp_path / "n").read_text() == "x"


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        ("retryable", Retryable, r"operator 'from_java': com\.acme\.Faulty.*\.poll: the server is busy"),
        ("terminal", Terminal, r"operator 'from_java': com\.acme\.Faulty.*\.poll: the account is closed"),
        ("gone", Terminal, r"com\.acme\.Faulty\$Numbers\.splits: what is to be read does not exist"),
        ("plain", OperatorError, r"\.poll raised java\.io\.IOException: a plain fault\n  at "),
    ],
)
def test_faults_have_their_kind(context, tmp_path, kind, error, text):
    ctx = context(restarts=0)
    ctx.from_java(FAULTY + "Numbers", kind, str(tmp_path / "n"), 1).as_python_stream().collect()
    with pytest.raises(error, match=text):
        ctx.execute("faults")


def test_a_sink_of_one_phase_is_flushed_before_the_job_is_over(tmp_path):
    (tmp_path / "classes").mkdir()
    compile_java(tmp_path / "classes", Path(java.__file__).with_name("Everywhere.java"))
    ctx = StreamingContext(java_classpath=[tmp_path / "classes"])
    ctx.from_values(1, 2).as_java_stream().sink("Everywhere$OnePhase", str(tmp_path / "out"))
    ctx.execute("flushed")
    assert (tmp_path / "out").read_text() == "1\n2\n"


def test_a_sink_that_asks_for_a_restart_shows_the_record(context):
    ctx = context(restarts=0)
    ctx.from_values(1, 3).as_java_stream().sink(FAULTY + "OnlyIntegers")
    assert "at-least-once" in ctx.explain()
    with pytest.raises(Retryable, match=r"no room for Integer 3\n  record: 3"):
        ctx.execute("faults")


def test_a_position_that_cannot_be_kept_says_so(context):
    ctx = context()
    ctx.from_java(FAULTY + "Unkept").as_python_stream().collect()
    with pytest.raises(
        (OperatorError, TransferError), match=r"a position of com\.acme\.Faulty\$Unkept cannot be kept"
    ):
        ctx.execute("unkept")


def test_a_connector_in_the_wrong_place(context):
    ctx = context()
    ctx.from_java(STAGED, "x").as_python_stream().collect()
    with pytest.raises(
        GraphError, match=r"from_java\(\) needs a SourceFunction or a Source, and class com\.acme\.Staged"
    ):
        ctx.submit("wrong")
