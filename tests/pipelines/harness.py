"""Run a job as users do, kill it, and look at what it has published.

tests/kill and tests/faults have links to this file and to kill_jobs.py: the sessions copy folders.
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq
from confluent_kafka import KafkaException

from raystreaming_test_support.events import expected_seqs, load_topic, make_events
from raystreaming_test_support.killing import Ended, run_and_kill, run_to_end
from raystreaming_test_support.topics import create_topic, end_offsets

HERE = Path(__file__).parent
TIMEOUT = 120.0
"""Against hanging only."""


# --- programs -------------------------------------------------------------------------------------


def write_program(folder: Path, text: str, name: str = "job.py") -> Path:
    """Write a program."""
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def command(program: Path, *args: Any, options: tuple[str, ...] = ()) -> list[str]:
    """Return `raystreaming run` with a program."""
    return [sys.executable, "-m", "raystreaming", "run", *options, str(program), *map(str, args)]


class Program:
    """A program that runs while the test goes on. A context manager: it is gone at the end."""

    def __init__(self, argv: list[Any], env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed at exit
        self._process = subprocess.Popen(
            [str(a) for a in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._stderr,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
        self.pid = self._process.pid

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self._stderr.close()

    @property
    def stderr(self) -> str:
        """What it has said so far."""
        size = os.fstat(self._stderr.fileno()).st_size
        return os.pread(self._stderr.fileno(), size, 0).decode()  # pread: the child shares the position

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def until(self, condition: Any, what: str, alive: bool = True) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert self.running or not alive, f"ended before {what}: {self.stderr}"
            assert time.monotonic() < deadline, f"never came to {what}: {self.stderr}"
            time.sleep(0.01)

    def says(self, text: str) -> None:
        """Wait until it has said something."""
        self.until(lambda: text in self.stderr, repr(text))

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self) -> int:
        """Wait for its end; return its exit status."""
        try:
            return self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end: {self.stderr}") from None


def fails(argv: list[Any], env: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Run a program that must end with status 1; return what it said."""
    with Program(argv, env, cwd) as program:
        status = program.end()
        assert status == 1, f"exit status {status}: {program.stderr}"
        return program.stderr


def new_topic(servers: str, topic: str, count: int, partitions: int = 2) -> None:
    """Make a topic with events."""
    create_topic(servers, topic, partitions)
    deadline = time.monotonic() + TIMEOUT
    while True:  # A broker may say for a moment that it is not the leader that it has just become.
        try:
            end_offsets(servers, topic)
            break
        except KafkaException:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    load_topic(servers, topic, count, partitions, create=False)


# --- output ---------------------------------------------------------------------------------------


def visible_files(out: Path) -> list[Path]:
    """All files that a reader sees: nothing hidden."""
    found = []
    for folder, folders, names in os.walk(out):
        folders[:] = [f for f in folders if not f.startswith((".", "_"))]
        found += [Path(folder, n) for n in names if not n.startswith((".", "_"))]
    return sorted(found)


def parquet_rows(out: Path) -> list[dict[str, Any]]:
    """All rows of Parquet files, with the columns of Hive folders."""
    return ds.dataset(out, format="parquet", partitioning="hive").to_table().to_pylist() if files(out) else []


def files(out: Path) -> list[Path]:
    return visible_files(out) if out.exists() else []


def line_rows(out: Path) -> list[str]:
    """All lines of text or JSON-lines files."""
    return [line for f in files(out) for line in f.read_text(encoding="utf-8").splitlines()]


def json_rows(out: Path) -> list[Any]:
    return [json.loads(line) for line in line_rows(out)]


def parquet_seqs(out: Path) -> list[int]:
    """The seqs of Parquet files, sorted."""
    return sorted(row["seq"] for row in parquet_rows(out))


def assert_nothing_left(out: Path, state: Path) -> None:
    """No staged file, no half-written checkpoint file, no state that nothing refers to."""
    hidden = [str(p) for p in out.rglob("*") if p.name.startswith(".")]
    assert hidden == [], "staged leftovers"
    for job in state.iterdir():
        names = {p.name for p in job.iterdir()} - {".lock"}
        assert [n for n in names if n.startswith(".")] == [], "half-written checkpoint files"
        assert len([n for n in names if n.endswith(".manifest")]) <= 3, "checkpoints that were not retired"


class Watch:
    """Looks at an output folder all the time, as a reader would: every visible file is whole, and stays."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._known: dict[Path, tuple[int, int, int]] = {}
        self._problems: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self.looks = 0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if kind is None:
            assert self._problems == []
            assert self.looks > 10
            assert self._known, "the watch has seen no file"

    def _run(self) -> None:
        while not self._stop.is_set() and not self._problems:
            self._look()
            self._stop.wait(0.003)
        self._look()

    def _look(self) -> None:
        self.looks += 1
        found = files(self._out)
        for gone in self._known.keys() - set(found):
            self._problems.append(f"{gone} was visible and is gone")
        for path in found:
            status = path.stat()
            identity = (status.st_ino, status.st_size, status.st_mtime_ns)
            if path not in self._known:
                self._known[path] = identity
                self._check(path)
            elif self._known[path] != identity:
                self._problems.append(f"{path} has changed")

    def _check(self, path: Path) -> None:
        try:
            if path.suffix == ".parquet":
                assert pq.ParquetFile(path).read().num_rows > 0
            else:
                assert path.read_bytes().endswith(b"\n")
        except Exception as error:
            self._problems.append(f"{path} is visible and not whole: {error!r}")


# --- the jobs that are killed ---------------------------------------------------------------------


@dataclass
class KillJob:
    """One of the jobs of kill_jobs.py with its folder. `run` is always the same command."""

    name: str
    folder: Path
    count: int
    env: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    runs: int = 0

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def argv(self) -> list[str]:
        return command(HERE / "kill_jobs.py", self.name, self.folder)

    def start(self, *before: str) -> Program:
        """Start the job, with words before its command."""
        return Program([*before, *self.argv], self._env())

    def _env(self) -> dict[str, str]:
        self.runs += 1
        return {**self.env, "COUNT": str(self.count), "STARTED": repr(time.time())}

    def prepare(self) -> KillJob:
        """Write what the job reads."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.name == "files":
            (self.folder / "in").mkdir()
            events = list(make_events(self.count))
            share = -(-len(events) // 3)
            for n in range(3):
                part = events[n * share : (n + 1) * share]
                (self.folder / "in" / f"{n}.jsonl").write_bytes(b"\n".join(part) + b"\n")
        return self

    def kill_at(self, step: str) -> bool:
        """Run with a fail point; return whether the job came to it."""
        with Program(self.argv, {**self._env(), "RAYSTREAMING_FAIL_AT": step}) as program:
            status = program.end()
            assert status in (0, -signal.SIGKILL), program.stderr
        self.kills += status != 0
        return status != 0

    def kill_after(self, seconds: float, published: bool = False) -> bool:
        """Run, and kill it after some time unless it ends before; return whether it was killed.

        Args:
            seconds: When.
            published: Count from the first file that it publishes, not from its start.
        """
        before = len(files(self.out))
        since: list[float] = []

        def now() -> bool:
            if not since and (not published or len(files(self.out)) > before):
                since.append(time.monotonic())
            return bool(since) and time.monotonic() - since[0] >= seconds

        ended: Ended = run_and_kill(self.argv, when=now, env=self._env(), timeout=TIMEOUT)
        assert ended.killed or ended.returncode == 0, ended.stderr
        self.kills += ended.killed
        return ended.killed

    def finish(self) -> None:
        """Run to the end, and compare with what must be there."""
        run_to_end(self.argv, env=self._env(), timeout=TIMEOUT)
        self.check()

    def check(self) -> None:
        """The rows are exactly the filtered records, each once, and nothing is left behind."""
        if self.name == "collection":
            rows = sorted((r["key"], r["n"]) for r in json_rows(self.out))
            assert rows == sorted((n % 7, n // 7 + 1) for n in range(self.count))
        else:
            assert parquet_seqs(self.out) == expected_seqs(self.count)
        assert_nothing_left(self.out, self.state)

    def starts(self) -> list[tuple[float, int]]:
        """For each run that has come so far: seconds from its start to its first record, and its seq."""
        report = self.folder / "starts.txt"
        lines = report.read_text().splitlines() if report.exists() else []
        return [(float(a), int(b)) for a, b in map(str.split, lines)]

    def resumed(self) -> list[float]:
        """Seconds from start to first record, of the runs that went on past a restored position."""
        return [seconds for seconds, seq in self.starts() if seq >= 4]


def random_kills(new_job: Any, kills: int, dice: random.Random) -> Iterator[KillJob]:
    """Kill jobs at random moments until there were so many kills, and run each to its end; yields them.

    The moments are random after the start; each job's first kill is random after its first checkpoint,
    so that it has to go on in the middle.
    """
    left = kills
    while left > 0:
        job: KillJob = new_job()
        with Watch(job.out):
            while left > 0:
                first = job.runs == 0
                moment = dice.uniform(0.0, 0.5) if first else dice.uniform(0.05, 1.6)
                killed = job.kill_after(moment, published=first)
                print(f"{job.name}: {moment:.3f} s {'killed' if killed else 'was finished'}")
                if not killed:
                    break
                left -= 1
            job.finish()
        yield job


def report_restarts(jobs: list[KillJob]) -> None:
    """Print how long the runs took from process start to the first record past the restored position."""
    seconds = sorted(s for job in jobs for s in job.resumed())
    line = (
        f"{sum(j.kills for j in jobs)} kills in {sum(j.runs for j in jobs)} runs of {len(jobs)} jobs; "
        f"{len(seconds)} runs went on from a position: start to first record past it "
        f"median {statistics.median(seconds):.2f} s, longest {seconds[-1]:.2f} s"
    )
    print(line)
    if file := os.environ.get("RAYSTREAMING_KILL_REPORT"):
        with open(file, "a", encoding="utf-8") as report:
            report.write(f"{','.join(sorted({j.name for j in jobs}))}: {line}\n")
