"""Ctrl-C while `raystreaming run` starts: the run ends by itself, whatever it was doing."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ENDLESS = """
import itertools, os, signal, sys, time
from raystreaming import StreamingContext
from raystreaming.api import interrupts
from raystreaming.connector import RecordsSource

interrupts._PATIENCE = {patience}  # seconds

class Endless(RecordsSource[int]):
    bounded = False

    def records(self, position):
        for n in itertools.count(position or 0):
            time.sleep(0.001)
            yield n + 1, n

    def plan(self, ctx):
        {in_plan}
        return super().plan(ctx)

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)

def swallow():
    try:
        interrupt()
        interrupted.append(False)
    except KeyboardInterrupt:
        interrupted.append(True)

interrupted = []
ctx = StreamingContext(checkpoint_dir="state")
ctx.source(Endless()).sink(lambda n: None)
print("begins", flush=True)
"""

# A module that does on purpose what the import system does by accident.
SWALLOWING = """
import os, signal, time
try:
    for _ in range({times}):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep({seconds})
except KeyboardInterrupt:
    print("swallowed", flush=True)
"""


# What the command does, from where it can take care: before, Python itself and the core are being imported.
COMMAND = """
import sys
from raystreaming.api import interrupts
from raystreaming.cli.main import main
interrupts._PATIENCE = 60
interrupts.install()
print("ready", flush=True)
sys.exit(main(["run", "job.py"]))
"""


class Run:
    """`raystreaming run` with a program, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(
        self,
        program: str,
        *,
        in_plan: str = "pass",
        patience: float = 60,
        command: Sequence[str] = ("-m", "raystreaming", "run", "job.py"),
    ) -> subprocess.Popen[str]:
        (self.folder / "job.py").write_text(ENDLESS.format(in_plan=in_plan, patience=patience) + program)
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, program: str, **options: Any) -> tuple[int, str, str]:
        """Run a program to its end."""
        return end(self.start(program, **options))


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return status, output and errors of a program that ends by itself."""
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"goes on for ever: {out} {err}")
    return process.returncode, out, err


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


@pytest.mark.timeout(300)
def test_at_any_moment_of_the_start_the_run_ends_by_itself(run: Run):
    def start() -> subprocess.Popen[str]:
        program = "import pyarrow.parquet\ntime.sleep(0.1)\nctx.execute()"
        process = run.start(program, command=("-c", COMMAND))
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def interrupted(process: subprocess.Popen[str], moment: float) -> int:
        process.send_signal(signal.SIGINT)
        status, out, err = end(process)
        told = f"after {moment:.3f} s: {status} {out} {err}"
        assert status in (0, 130), told
        assert "Traceback" not in err, told
        return status

    statuses, starts = [], []
    while statuses.count(0) < 3:  # when there is a job
        process = start()
        began = time.monotonic()
        assert process.stderr is not None
        assert any("runs: " in line for line in process.stderr)
        starts.append(time.monotonic() - began)
        time.sleep(0.1)
        statuses.append(interrupted(process, starts[-1]))
    for n in range(20):  # on the way there, however long it is on this machine
        moment = min(starts) * (n + random.random()) / 20
        process = start()
        time.sleep(moment)
        statuses.append(interrupted(process, moment))
    assert statuses.count(130) >= 3


def test_an_import_cannot_swallow_it(run: Run):
    (run.folder / "swallowing.py").write_text(SWALLOWING.format(times=1, seconds=0.1))
    status, out, err = run("import swallowing\nwhile True: time.sleep(0.01)")
    assert (status, out) == (130, "begins\n")
    assert "Traceback" not in err


def test_one_in_the_last_import_starts_no_job(run: Run):
    (run.folder / "swallowing.py").write_text(SWALLOWING.format(times=1, seconds=0))
    status, _, err = run("import swallowing\nctx.execute()")
    assert (status, "stopping" in err) == (130, False)


def test_a_second_one_during_an_import_ends_at_once(run: Run):
    (run.folder / "swallowing.py").write_text(SWALLOWING.format(times=2, seconds=0.1))
    assert run("import swallowing\nctx.execute()") == (130, "begins\n", "")


def test_an_import_that_does_all_the_work_is_interrupted_too(run: Run):
    (run.folder / "working.py").write_text("import time\nwhile True: time.sleep(0.01)")
    program = "import threading\nthreading.Timer(0.1, interrupt).start()\nimport working"
    process = run.start(program, patience=0.5)
    status, out, err = end(process)
    assert (status, out, "Traceback" in err) == (130, "begins\n", False)


def test_one_during_submit_stops_the_job(run: Run):
    status, out, err = run("ctx.execute()\nprint(interrupted)", in_plan="swallow()")
    assert (status, out) == (0, "begins\n[False]\n")
    assert "stopping: taking a checkpoint" in err


def test_code_before_submit_is_interrupted_as_python_does(run: Run):
    assert run("interrupt()\nctx.execute()") == (130, "begins\n", "")


def test_a_program_that_handles_it_goes_on(run: Run):
    status, out, _ = run("swallow()\nswallow()\nprint(interrupted)\nsys.exit(3)")
    assert (status, out) == (3, "begins\n[True, True]\n")


def test_one_that_ends_the_program_stops_the_job_that_was_submitted(run: Run):
    status, out, err = run("ctx.submit()\ninterrupt()")
    assert (status, out) == (130, "begins\n")
    assert "stopping: taking a checkpoint" in err


def test_a_job_after_one_that_the_program_handled_is_not_stopped(run: Run):
    program = """
swallow()
job = ctx.submit()
while not any(t.records_in > 8 for t in job.status().tasks):
    time.sleep(0.01)
job.cancel()
"""
    status, _, err = run(program)
    assert (status, "stopping" in err) == (0, False)
