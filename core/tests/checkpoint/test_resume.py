"""Jobs that go on from their checkpoints, and those that may not."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from raystreaming import Job, StreamingContext
from raystreaming.checkpoint.place import open_place
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.connector import RecordsSource, Retryable, option
from raystreaming.errors import CheckpointDamaged, CheckpointError, CheckpointNotWritten, JobLocked

Wait = Callable[..., None]


class Counting(RecordsSource[int]):
    """Counts up to a limit, or for ever."""

    stop: int | None = option(doc="Where to end.", default=None)

    @property
    def bounded(self) -> bool:
        return self.stop is not None

    def records(self, position):
        for n in range(position or 0, self.stop) if self.stop else itertools.count(position or 0):
            yield n + 1, n


def count(ctx: StreamingContext, rows: list, parallelism: int = 1) -> None:
    pairs = ctx.source(Counting()).map(lambda n: (n % 17, 1)).set_parallelism(parallelism)
    counts = pairs.key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
    counts.set_parallelism(parallelism).sink(rows.append)


def run_some(
    build: Callable, folder: Path, eventually: Wait, end: Callable = Job.stop, **settings: object
) -> list:
    """Run a job until it has made some rows, and end it."""
    rows: list = []
    ctx = StreamingContext(checkpoint_dir=folder, **settings)
    build(ctx, rows)
    job = ctx.submit("job")
    eventually(lambda: len(rows) > 500)
    end(job)
    job.wait()
    return rows


def several(eventually: Wait, job: Job, rows: list) -> None:
    """Wait until a job has made rows of all keys, and has taken checkpoints behind them."""
    eventually(lambda: len(rows) > 500)
    done = job.status().checkpoint
    eventually(lambda: job.status().checkpoint > done + 2)


def latest(folder: Path):
    return CheckpointStore(open_place(folder, "job")).latest()


def exact(rows: list) -> bool:
    """Whether each key has been counted without a gap and without a repetition."""
    return all(
        [n for k, n in rows if k == key] == list(range(1, total + 1))
        for key, total in Counter(k for k, _ in rows).items()
    )


@pytest.mark.parametrize("parallelisms", [(1, 1), (1, 3), (3, 2), (2, 5)])
def test_counts_go_on_at_any_parallelism(tmp_path: Path, eventually: Wait, parallelisms: tuple[int, int]):
    first, second = (
        run_some(lambda ctx, rows, p=p: count(ctx, rows, p), tmp_path, eventually) for p in parallelisms
    )
    assert exact(first + second)
    assert len(second) > 500


def test_counts_go_on_over_many_checkpoints_and_starts(tmp_path: Path, eventually: Wait):
    rows = []
    for _ in range(4):
        rows += run_some(count, tmp_path, eventually, checkpoint_interval="5ms", retain_checkpoints=2)
    assert exact(rows)
    names = [p.name for p in (tmp_path / "job").iterdir()]
    assert len([n for n in names if n.endswith(".manifest")]) <= 2
    used = set().union(
        *(
            CheckpointStore(open_place(tmp_path, "job")).read_manifest(int(n[11:19])).files
            for n in names
            if n.endswith(".manifest")
        )
    )
    assert {n for n in names if n.startswith("state-")} == used


def test_a_cancelled_run_leaves_the_checkpoint_before_it_as_it_was(tmp_path: Path, eventually: Wait):
    first = run_some(count, tmp_path, eventually, Job.cancel, checkpoint_interval="1h")
    second = run_some(count, tmp_path, eventually)
    assert exact(first)
    assert exact(second)  # from the start: nothing had been checkpointed


def test_checkpoints_in_memory_of_fsspec_and_the_fence_between_two_runs(eventually: Wait):
    folder = "memory://raystreaming-test-fence"
    try:
        rows: list = []
        ctx = StreamingContext(checkpoint_dir=folder, checkpoint_interval="10ms")
        count(ctx, rows)
        job = ctx.submit("job")
        several(eventually, job, rows)
        others: list = []
        rival = StreamingContext(checkpoint_dir=folder, checkpoint_interval="10ms")
        count(rival, others)
        second = rival.submit("job")
        with pytest.raises(JobLocked, match=r"another run of job 'job' has taken over.*memory://"):
            job.wait()
        several(eventually, second, others)
        second.stop()
        second.wait()
        assert others[0][1] > 1
        assert exact([pair for pair in rows if pair[1] < next(n for k, n in others if k == pair[0])] + others)
    finally:
        fsspec.filesystem("memory").rm("raystreaming-test-fence", recursive=True)


# Drift -------------------------------------------------------------------------------------


def stopped(build: Callable, folder: Path, eventually: Wait) -> None:
    run_some(build, folder, eventually)


def refuses(build: Callable, folder: Path, *parts: str) -> None:
    before = latest(folder)
    ctx = StreamingContext(checkpoint_dir=folder)
    build(ctx, [])
    with pytest.raises(CheckpointError) as refused:
        ctx.submit("job")
    for part in (*parts, "job 'job' has changed", ".uid(...)", "--fresh"):
        assert part in str(refused.value)
    assert latest(folder) == before


def reduced(ctx: StreamingContext):
    return ctx.source(Counting()).key_by(lambda n: n % 17).reduce(max)


def test_a_job_that_lost_an_operator_with_state_is_refused(tmp_path: Path, eventually: Wait):
    stopped(lambda ctx, rows: reduced(ctx).sink(rows.append), tmp_path, eventually)
    refuses(
        lambda ctx, rows: ctx.source(Counting()).sink(rows.append),
        tmp_path,
        "operator 'Counting.reduce' (reduce) is gone, and the checkpoint holds its state",
    )


def test_a_job_that_lost_everything_names_everything(tmp_path: Path, eventually: Wait):
    stopped(lambda ctx, rows: reduced(ctx).sink(rows.append), tmp_path, eventually)
    refuses(
        lambda ctx, rows: ctx.from_values(1).sink(rows.append),
        tmp_path,
        "operator 'Counting' (Counting) is gone",
        "operator 'Counting.reduce' (reduce) is gone",
    )


def test_an_operator_of_another_kind_under_the_same_uid_is_refused(tmp_path: Path, eventually: Wait):
    stopped(lambda ctx, rows: reduced(ctx).uid("x").sink(rows.append), tmp_path, eventually)
    refuses(
        lambda ctx, rows: ctx.source(Counting()).map(lambda n: n).uid("x").sink(rows.append),
        tmp_path,
        "operator 'x' was reduce and is map now",
    )


def test_a_uid_keeps_state_through_a_change_of_what_is_above(tmp_path: Path, eventually: Wait):
    def before(ctx, rows):
        pairs = ctx.source(Counting()).uid("numbers").map(lambda n: (n % 17, 1))
        pairs.key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1])).uid("counts").sink(rows.append)

    def after(ctx, rows):
        other = ctx.from_values().union(ctx.from_values())
        pairs = other.union(ctx.source(Counting()).uid("numbers")).map(lambda n: (n % 17, 1))
        pairs.key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1])).uid("counts").sink(rows.append)

    rows = run_some(before, tmp_path, eventually) + run_some(after, tmp_path, eventually)
    assert exact(rows)


def test_stateless_operators_may_come_and_go(tmp_path: Path, eventually: Wait):
    def more(ctx, rows):
        pairs = (
            ctx.source(Counting()).filter(lambda n: True).map(lambda n: (n % 17, 1)).flat_map(lambda p: [p])
        )
        counts = pairs.key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
        counts.map(lambda p: p).sink(rows.append)
        counts.filter(lambda p: False).print()

    rows = [row for build in (count, more, count) for row in run_some(build, tmp_path, eventually)]
    assert exact(rows)


def test_fresh_forgets_the_state_but_not_the_folder(tmp_path: Path, eventually: Wait):
    first = run_some(count, tmp_path, eventually)
    again = run_some(count, tmp_path, eventually, fresh=True)
    assert exact(first)
    assert exact(again)
    assert exact(again + run_some(count, tmp_path, eventually))


# Damage ------------------------------------------------------------------------------------


def test_a_damaged_manifest_is_refused_by_submit_and_fresh_starts_over(tmp_path: Path, eventually: Wait):
    run_some(count, tmp_path, eventually)
    newest = max((tmp_path / "job").glob("*.manifest"))
    newest.write_bytes(newest.read_bytes()[:-5])
    ctx = StreamingContext(checkpoint_dir=tmp_path)
    count(ctx, [])
    with pytest.raises(CheckpointDamaged, match=rf"{newest} is damaged.*--fresh"):
        ctx.submit("job")
    assert exact(run_some(count, tmp_path, eventually, fresh=True))


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_damaged_state_is_refused_by_file_name_and_still_there_when_mended(
    tmp_path: Path, eventually: Wait, damage: str
):
    first = run_some(count, tmp_path, eventually)
    (name,) = latest(tmp_path).files
    file = tmp_path / "job" / name
    good = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    ctx = StreamingContext(checkpoint_dir=tmp_path)
    count(ctx, [])
    with pytest.raises(CheckpointDamaged, match=rf"{file} is damaged"):
        ctx.execute("job")
    file.write_bytes(good)
    assert exact(first + run_some(count, tmp_path, eventually))


# A full disk -------------------------------------------------------------------------------

FULL = """
    import logging, resource, sys
    from raystreaming import StreamingContext

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if sys.argv[1:]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
    ctx = StreamingContext(checkpoint_dir="cp")
    words = ctx.from_collection([f"word-{n % 1000}" for n in range(20_000)]).map(lambda w: (w, 1))
    counts = words.key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1]))
    counts.filter(lambda p: p[1] == 20).map(lambda p: p[0]).collect()
    print(len(ctx.execute("full").result()))
    """


def test_a_full_disk_is_a_clear_error_and_nothing_is_lost(script):
    done = script.run(FULL, "5000")
    assert done.returncode == 1
    assert "could not be written: [Errno 27] File too large" in done.stderr
    assert "CheckpointNotWritten" in done.stderr
    assert "nothing is lost" in done.stderr
    assert done.stdout == ""
    assert [p.name for p in (script.folder / "cp" / "full").iterdir() if p.name.count(".") > 1] == []
    again = script.run(FULL)
    assert (again.returncode, again.stdout) == (0, "1000\n")


def test_a_disk_that_is_full_at_the_start_is_refused_by_submit(script):
    done = script.run(FULL, "100")
    assert done.returncode == 1
    assert "manifest could not be written" in done.stderr
    assert script.run(FULL).stdout == "1000\n"


def test_the_error_of_a_full_disk_is_one_that_may_pass():
    assert issubclass(CheckpointNotWritten, Retryable)
    assert issubclass(CheckpointNotWritten, CheckpointError)


def test_a_restart_removes_what_a_killed_worker_had_not_finished(tmp_path: Path):
    half = tmp_path / "job" / ".state-00000001-0-1.bin.4711"
    deaths = []

    def dies_once(n: int) -> int:
        if n == 5 and not deaths:
            half.write_bytes(b"half")
            deaths.append(n)
            raise Retryable("a worker died")
        return n

    ctx = StreamingContext(checkpoint_dir=tmp_path)
    ctx.source(Counting(stop=10)).map(dies_once).collect()
    job = ctx.submit("job").wait()
    assert (deaths, job.status().restarts) == ([5], 1)
    assert not half.exists()


# Found wanting -----------------------------------------------------------------------------


def test_another_file_is_not_silently_ignored(tmp_path: Path, eventually: Wait):
    for name in "ab":
        (tmp_path / name).write_text(f"{name}\n" * 100_000)

    def lines_of(name: str, end: Callable) -> list[str]:
        rows: list[str] = []
        ctx = StreamingContext(checkpoint_dir=tmp_path / "cp")
        ctx.read_text_file(tmp_path / name).sink(rows.append)
        try:
            job = ctx.submit("job")
        except CheckpointError:
            return ["refused"]  # would be fine, too
        eventually(lambda: rows or job.status().state == "finished")
        end(job)
        job.wait()
        return rows

    assert "a" in lines_of("a", Job.stop)
    second = lines_of("b", lambda job: None)
    assert second == ["refused"] or "b" in second


def test_a_position_that_cannot_be_kept_names_its_source():
    class Odd(RecordsSource[int]):
        """Its positions are objects."""

        def records(self, position):
            yield object(), 1

    ctx = StreamingContext()
    ctx.source(Odd()).collect()
    with pytest.raises(Exception, match="Odd"):
        ctx.execute()


def test_state_that_cannot_be_kept_names_its_operator():
    ctx = StreamingContext()
    ctx.from_values(1).map(lambda n: lambda: n).key_by(lambda f: 1).reduce(lambda a, b: a).sink(
        lambda r: None
    )
    with pytest.raises(Exception, match="reduce"):
        ctx.execute()


def test_fresh_aborts_what_the_forgotten_run_left_open(tmp_path: Path):
    from raystreaming.connector import TwoPhaseSink, TwoPhaseWriter

    class Staging(TwoPhaseSink[int]):
        """Lists what it was asked for."""

        owners: list = option(doc="Owners.", default_factory=list)

        def open(self, state, ctx):
            class W(TwoPhaseWriter[int]):
                def write(self, batch):
                    pass

                def prepare(self, epoch):
                    return None

            return W()

        def commit(self, committables):
            pass

        def abort(self, committables):
            pass

        def list_open(self, owner):
            self.owners.append(owner)
            return []

    sinks = []
    for fresh in (False, True):
        ctx = StreamingContext(checkpoint_dir=tmp_path, fresh=fresh)
        sinks.append(Staging())
        ctx.from_values(1).sink(sinks[-1])
        ctx.execute("job")
    assert set(sinks[0].owners) <= set(sinks[1].owners)
