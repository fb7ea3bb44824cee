"""Programs with jobs, run as users run them, that go on while the test looks at them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

TIMEOUT = 120.0
"""Against hanging only."""


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
        said = os.pread(self._stderr.fileno(), size, 0)  # pread: the child shares the position
        return said.decode(errors="replace")

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
