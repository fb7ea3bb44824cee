"""Jobs that are killed: start one, kill it at a moment or a step, and compare what it has published."""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from raystreaming_test_support.events import expected_seqs, make_events
from raystreaming_test_support.everywhere import check as check_everywhere
from raystreaming_test_support.file_formats import COMPRESSED, LASTING_ROWS, file_rows, write_files
from raystreaming_test_support.killing import Ended, run_and_kill, run_to_end
from raystreaming_test_support.outputs import (
    Watch,
    assert_nothing_left,
    files,
    json_rows,
    line_rows,
    parquet_seqs,
)
from raystreaming_test_support.programs import TIMEOUT, Program, command

PROGRAM = Path(__file__).with_name("killed_program.py")


@dataclass
class KillJob:
    """One of the jobs of killed_program.py with its folder. `run` is always the same command."""

    name: str
    folder: Path
    count: int
    env: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    runs: int = 0

    def __post_init__(self) -> None:
        self.env = dict(self.env)

    @property
    def out(self) -> Path:
        """What the job has published; of a bucket, where the S3 server keeps it."""
        return (Path(self.env["BUCKET_FOLDER"]) if self.name == "s3" else self.folder) / "out"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def argv(self) -> list[str]:
        return command(PROGRAM, self.name, self.folder)

    def start(self, *before: str) -> Program:
        """Start the job, with words before its command."""
        return Program([*before, *self.argv], self._env())

    def _env(self) -> dict[str, str]:
        self.runs += 1
        goes_on = "1" if files(self.out) else "0"  # What is published has a checkpoint.
        return {**self.env, "COUNT": str(self.count), "STARTED": repr(time.time()), "GOES_ON": goes_on}

    def prepare(self) -> KillJob:
        """Write what the job reads."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.name in ("files", "lasting"):
            (self.folder / "in").mkdir()
            events = list(make_events(self.count))
            share = -(-len(events) // 3)
            for n in range(3):
                part = events[n * share : (n + 1) * share]
                (self.folder / "in" / f"{n}.jsonl").write_bytes(b"\n".join(part) + b"\n")
        if self.name == "formats":
            for format in COMPRESSED:
                write_files(self.folder / "in" / format, format, list(make_events(self.count)), parts=2)
        if self.name == "s3":
            for n in range(3):
                lines = b"\n".join(make_events(self.count // 3, start=n * self.count // 3))
                self._bucket().pipe_file(f"{self.env['BUCKET']}/in/{n}.jsonl", lines)
        if self.name == "java":
            (self.folder / "in").mkdir()
            for n in range(3):
                lines = "".join(f"{i}\n" for i in range(n, self.count, 3))
                (self.folder / "in" / f"{n}.txt").write_text(lines)
        return self

    def kill_at(self, step: str) -> bool:
        """Run with a fail point; return whether the job came to it."""
        with Program(self.argv, {**self._env(), "RAYSTREAMING_FAIL_AT": step}) as program:
            status = program.end()
            assert status in (0, -signal.SIGKILL), program.stderr
        self.kills += status != 0
        return status != 0

    def kill_after(self, seconds: float, since: Literal["start", "record", "file"] = "start") -> bool:
        """Run, and kill it after some time unless it ends before; return whether it was killed.

        Args:
            seconds: When.
            since: What they are counted from: its start, the first record that it sees, or the first file
                that it publishes.
        """
        count = {"record": self.starts, "file": lambda: files(self.out)}.get(since)
        before = len(count()) if count else 0
        began: list[float] = []

        def now() -> bool:
            if not began and (count is None or len(count()) > before):
                began.append(time.monotonic())
            return bool(began) and time.monotonic() - began[0] >= seconds

        ended: Ended = run_and_kill(self.argv, when=now, env=self._env(), timeout=TIMEOUT)
        assert ended.killed or ended.returncode == 0, ended.stderr
        self.kills += ended.killed
        return ended.killed

    def finish(self) -> None:
        """Run to the end, as nothing kills it not slowly, and compare with what must be there."""
        run_to_end(self.argv, env={**self._env(), "RATE": "40000"}, timeout=TIMEOUT)
        self.check()

    def check(self) -> None:
        """The rows are exactly the filtered records, each once, and nothing is left behind."""
        if self.name == "collection":
            rows = sorted((r["key"], r["n"]) for r in json_rows(self.out))
            assert rows == sorted((n % 7, n // 7 + 1) for n in range(self.count))
        elif self.name == "java":
            counted = sorted(tuple(map(int, line.split())) for line in line_rows(self.out))
            assert sorted(n for _, _, n in counted) == list(range(self.count))
            assert [(key, n) for key, n, _ in counted] == sorted(
                (n % 7, n // 7 + 1) for n in range(self.count)
            )
            assert list((self.out / "_raystreaming").iterdir()) == [], "staged leftovers"
        elif self.name == "everywhere":
            check_everywhere(self.folder, self.count)
        elif self.name == "formats":
            for format in COMPRESSED:
                self._check_rows(self.out / format, [file_rows(file) for file in files(self.out / format)])
        elif self.name == "lasting":
            for out in (self.out / "parquet", self.out / "jsonl"):
                tables = {file: file_rows(file) for file in files(out)}
                self._check_rows(out, list(tables.values()))
            # No kill and no checkpoint has ended a file of the one task that writes these: only the end of
            # its input has. (Of two tasks one may be at its end when a kill comes, and get more after it.)
            small = Counter(f.parent for f, rows in tables.items() if len(rows) != LASTING_ROWS)
            assert max(small.values(), default=0) <= 1, small
        else:
            assert parquet_seqs(self.out) == expected_seqs(self.count)
        if self.name == "s3":
            open_uploads: Any = self._bucket().call_s3(
                "list_multipart_uploads", Bucket=self.env["BUCKET"].removeprefix("s3://")
            )
            assert open_uploads.get("Uploads", []) == [], "uploads that nobody has completed or aborted"
        assert_nothing_left(self.out, self.state)

    def _check_rows(self, out: Path, tables: list[list[dict[str, Any]]]) -> None:
        seqs = sorted(int(row["seq"]) for rows in tables for row in rows)
        assert seqs == expected_seqs(self.count), out

    def _bucket(self) -> Any:
        import fsspec

        return fsspec.filesystem("s3", **json.loads(self.env["S3_OPTIONS"]))

    def starts(self) -> list[tuple[float, bool]]:
        """For each run that has come so far: seconds to its first record, and whether it went on."""
        report = self.folder / "starts.txt"
        lines = report.read_text().splitlines() if report.exists() else []
        return [(float(seconds), goes_on == "1") for seconds, goes_on in map(str.split, lines)]

    def resumed(self) -> list[float]:
        """Seconds from start to first record, of the runs that went on where another had published files."""
        return [seconds for seconds, went_on in self.starts() if went_on]


def random_kills(new_job: Any, kills: int, dice: random.Random) -> Iterator[KillJob]:
    """Kill jobs at random moments until there were so many kills, and run each to its end; yields them.

    Each job's first kill is random after its first checkpoint, so that it has to go on in the middle; the
    others are in turn random after the start and after the first record: however long a start takes, both it
    and the job at work are hit.
    """
    left = kills
    while left > 0:
        job: KillJob = new_job()
        # The files in which an S3 server keeps objects are not what its clients see.
        with nullcontext() if job.name == "s3" else Watch(job.out):
            while left > 0:
                # The first kill hits it in the middle; others may hit it at its end.
                job.env["RATE"] = dice.choice(("8000", "20000")) if job.runs else "8000"
                if job.runs == 0:
                    since, moment = "file", dice.uniform(0.0, 0.5)
                elif job.runs % 2:
                    # A JVM has to start; a bucket answers late; files that go on take longer than others.
                    latest = 4.0 if job.name in ("java", "everywhere", "lasting", "s3") else 1.6
                    since, moment = "start", dice.uniform(0.05, latest)
                else:
                    since, moment = "record", dice.uniform(0.0, 0.8)
                killed = job.kill_after(moment, since)
                print(f"{job.name}: {moment:.3f} s after {since}: {'killed' if killed else 'was finished'}")
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
        f"{len(seconds)} runs went on from a checkpoint"
    )
    if seconds:
        line += f": start to first record behind it median {statistics.median(seconds):.2f} s"
        line += f", longest {seconds[-1]:.2f} s"
    print(line)
    if file := os.environ.get("RAYSTREAMING_KILL_REPORT"):
        with open(file, "a", encoding="utf-8") as report:
            report.write(f"{','.join(sorted({j.name for j in jobs}))}: {line}\n")
