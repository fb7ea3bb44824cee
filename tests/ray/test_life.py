"""How a job on a cluster ends, goes on, and does not run twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from functools import partial

import psutil
import pytest

from raystreaming import StreamingContext
from raystreaming.connector import RecordsSource
from raystreaming.errors import JobError, JobLocked
from raystreaming_test_support.outputs import assert_nothing_left, json_rows
from raystreaming_test_support.programs import Program
from raystreaming_test_support.ray_cluster import eventually
from raystreaming_test_support.ray_jobs import RayJobFiles, build

pytestmark = pytest.mark.ray

COUNT = 40_000


@pytest.fixture
def files(tmp_path):
    return RayJobFiles("words", tmp_path, COUNT)


@pytest.fixture(autouse=True)
def nothing_stays(ray_driver):
    yield
    eventually(lambda: not ray_driver.names() and not ray_driver.files(), "an empty cluster")


def submit(files, **settings):
    return build("words", files.folder, spares=0, workers=2, **settings).submit("words")


def test_stop_then_the_same_command_goes_on(files):
    for _ in range(2):
        job = submit(files)
        eventually(partial(files.has_published, files.published() + 1), "a file")
        job.stop()
        assert job.wait().status().state == "stopped"
        assert_nothing_left(files.out, files.folder / "state")
    read = len(json_rows(files.out))
    assert 0 < read < COUNT
    files.release()
    assert submit(files).wait().status().state == "finished"
    files.check()


def test_of_two_programs_that_begin_at_once_one_is_refused(files, monkeypatch):
    first = submit(files)
    looks = "raystreaming.runtime.ray.job.replace_dead"
    monkeypatch.setattr(looks, lambda job: None)  # It has looked before the other was there.
    with pytest.raises(JobLocked, match="job 'words' runs on this cluster already"):
        submit(files)
    files.release()
    assert first.wait().status().state == "finished"
    files.check()


def test_cancel_commits_nothing_half_and_the_same_command_goes_on(files):
    job = submit(files)
    eventually(partial(files.has_published, 1), "a file")
    job.cancel()
    assert job.wait().status().state == "cancelled"
    assert_nothing_left(files.out, files.folder / "state")
    files.release()
    submit(files).wait()
    files.check()


class Endless(RecordsSource[int]):
    """Numbers, for ever."""

    bounded = False

    def records(self, position):
        n = position or 0
        while True:
            n += 1
            yield n, n


def test_drain_ends_the_input_and_finishes(tmp_path):
    ctx = StreamingContext(
        runtime="ray", spares=0, checkpoint_dir=tmp_path / "state", checkpoint_interval="200ms"
    )
    out = tmp_path / "out"
    numbers = ctx.source(Endless()).map(lambda n: {"n": n}).set_parallelism(2)
    numbers.union(ctx.from_values(0, -1).map(lambda n: {"n": n})).write_files(out, format="jsonl")
    job = ctx.submit("drained")
    eventually(lambda: any(r["n"] > 0 for r in (json_rows(out) if out.exists() else ())), "numbers")
    job.drain()
    assert job.wait().status().state == "finished"
    rows = sorted(r["n"] for r in json_rows(out))
    assert rows == list(range(-1, len(rows) - 1)), "no number is missing and none is there twice"


def test_a_second_live_run_of_a_name_is_refused_and_the_first_goes_on(files):
    first = submit(files)
    with pytest.raises(JobLocked, match="job 'words' runs on this cluster already: stop that program first"):
        submit(files)
    files.release()
    assert first.wait().status().state == "finished"
    files.check()


def test_a_detached_job_outlives_its_driver_and_its_master_and_refuses_a_second_run(files, ray_cluster):
    with Program(files.argv, {**files.env, "DETACH": "1"}, files.folder) as program:
        assert program.end() == 0, program.stderr
    first = ray_cluster.master("words")
    first.signal(signal.SIGKILL)
    unfinished = files.folder / "state" / "words" / f".checkpoint-00000099.manifest.{first.pid}"
    unfinished.write_bytes(b"what the master was writing")
    eventually(lambda: ray_cluster.master("words").pid != first.pid, "another master")
    published = files.published()
    eventually(partial(files.has_published, published + 1), "a file after the driver's end")
    eventually(lambda: not unfinished.exists(), "the end of what its first master left")
    with pytest.raises(JobLocked, match="runs detached on this cluster: stop it first"):
        submit(files)
    files.release()
    eventually(lambda: ray_cluster.names() == ["words/master"], "the end of the workers")
    files.check()
    assert submit(files).wait().status().state == "finished"  # it takes the place of the one that is over
    files.check()


def test_the_job_of_a_driver_that_died_ends_by_itself_and_commits_nothing_half(files, ray_cluster):
    with Program(files.argv, {**files.env, "LEASE": "5s"}, files.folder) as program:
        program.until(partial(files.has_published, 1), "a file")
        program.signal(signal.SIGKILL)
        program.end()
    eventually(lambda: not ray_cluster.names() and not ray_cluster.files(), "the end of the job")
    assert_nothing_left(files.out, files.folder / "state")
    before = files.published()
    files.release()
    with Program(files.argv, files.env, files.folder) as program:
        assert program.end() == 0, program.stderr
        assert "goes on from checkpoint" in program.stderr
    assert files.published() > before
    files.check()


def test_a_worker_that_does_not_answer_is_given_up_after_its_lease_and_replaced(files, ray_driver):
    job = submit(files, lease="5s")
    eventually(partial(files.has_published, 1), "a file")
    stopped = ray_driver.workers("words", at_least=2)[0]
    stopped.signal(signal.SIGSTOP)
    eventually(lambda: job.status().restarts >= 1 and job.status().state == "running", "a restart")
    eventually(lambda: not psutil.pid_exists(stopped.pid), "the end of the stopped process")
    files.release()
    job.wait()
    files.check()


def hangs_once(marker, number):
    if number == 500 and not marker.exists():
        marker.touch()
        threading.Event().wait()
    return {"n": number}


def test_a_worker_whose_function_hangs_is_given_up_and_replaced(tmp_path, ray_driver, caplog):
    ctx = StreamingContext(
        runtime="ray",
        spares=0,
        checkpoint_dir=tmp_path / "state",
        checkpoint_interval="200ms",
        stall_timeout="2s",
    )
    numbers = ctx.from_collection(range(1_000)).map(partial(hangs_once, tmp_path / "hung"))
    numbers.write_files(tmp_path / "out", format="jsonl")
    job = ctx.submit("hangs").wait()
    assert sorted(row["n"] for row in json_rows(tmp_path / "out")) == list(range(1_000))
    assert job.status().restarts >= 1
    assert "from_collection.write_files has been at the same records for" in caplog.text
    assert "give the context a longer stall_timeout= than 2 s, or None" in caplog.text


class SlowToCome:
    """A function that takes longer to arrive at a worker than its lease is."""

    def __call__(self, number):
        return number

    def __setstate__(self, state):
        time.sleep(5)


def test_a_worker_that_takes_long_to_start_is_not_given_up(ray_driver):
    ctx = StreamingContext(runtime="ray", spares=0, workers=1, lease="4s", stall_timeout=None)
    function = SlowToCome()
    function.slow = True  # An object without state is not asked to set it.
    ctx.from_collection(range(3)).map(function).collect()
    job = ctx.submit("slow-to-come")
    assert job.result() == [0, 1, 2]
    assert job.status().restarts == 0


def slowly(number):
    time.sleep(0.001)
    return number


@pytest.mark.parametrize(
    ("folder", "lost"),
    [(None, "the checkpoints, which were kept in its memory"), ("state", r"the rows of collect\(\)")],
)
def test_a_job_fails_that_has_lost_what_only_its_master_knew(folder, lost, tmp_path, ray_driver):
    ctx = StreamingContext(
        runtime="ray", spares=0, workers=1, checkpoint_dir=None if folder is None else tmp_path / folder
    )
    ctx.from_collection(range(10**6)).map(slowly).collect()
    job = ctx.submit("loses")
    eventually(lambda: any(t.records_in for t in job.status().tasks), "a record")
    ray_driver.master("loses").signal(signal.SIGKILL)
    with pytest.raises(JobError, match=f"job 'loses': its master died, and with it {lost}"):
        job.wait()


class DiesOnArrival:
    """A function that kills the first workers to which it comes: one for each of these files."""

    def __init__(self, marks):
        self.marks = marks

    def __call__(self, number):
        return number

    def __setstate__(self, state):
        import ray

        self.__dict__ |= state
        if "/worker-" in (ray.get_runtime_context().get_actor_name() or ""):
            for mark in self.marks:
                with suppress(FileExistsError):
                    mark.touch(exist_ok=False)
                    os.kill(os.getpid(), signal.SIGKILL)


def test_workers_that_die_together_before_they_are_up_are_replaced_in_one_restart(tmp_path, ray_driver):
    ctx = StreamingContext(runtime="ray", spares=0, workers=2, restarts=1)
    function = DiesOnArrival([tmp_path / "one", tmp_path / "two"])
    ctx.from_collection(range(3)).map(function).set_parallelism(2).collect()
    job = ctx.submit("dies-on-arrival")
    assert sorted(job.result()) == [0, 1, 2]
    assert job.status().restarts == 1
    assert len(list(tmp_path.iterdir())) == 2


def test_workers_without_a_master_end_by_themselves(files, ray_driver):
    """Ray cannot start the master again: its process is stopped, and the workers hear nothing of it."""
    submit(files, lease="5s")
    eventually(partial(files.has_published, 1), "a file")
    master = ray_driver.master("words")
    workers = ray_driver.workers("words", at_least=2)
    master.signal(signal.SIGSTOP)
    try:
        eventually(lambda: not any(psutil.pid_exists(w.pid) for w in workers), "the end of the workers")
        assert psutil.pid_exists(master.pid)
    finally:
        master.signal(signal.SIGCONT)
    files.release()
    eventually(lambda: not ray_driver.names(), "the end of the job")
    files.check()
