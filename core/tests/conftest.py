"""Fixtures of the core's tests: scripts that run in a process of their own, and small jobs in this one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from raystreaming import StreamingContext

settings.register_profile("any machine", deadline=None)  # A busy one is no fault of the code.
settings.load_profile("any machine")


class Script:
    """A Python program in a folder of its own, run as users run theirs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def write(self, text: str, name: str = "job.py") -> Path:
        """Write a program."""
        path = self.folder / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def run(
        self,
        text: str,
        *args: str,
        env: dict[str, str] | None = None,
        flags: tuple[str, ...] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Write a program and run it to its end, however that comes."""
        return subprocess.run(
            [sys.executable, *flags, str(self.write(text)), *args],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, path: Path, *args: str) -> subprocess.Popen[str]:
        """Start a program that was written before, in a process group of its own."""
        process = subprocess.Popen(
            [sys.executable, str(path), *args],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def end_all(self) -> None:
        """Kill what still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Script]:
    """A folder for programs; whatever was started in it is gone afterwards."""
    folder = tmp_path / "program"
    folder.mkdir()
    script = Script(folder)
    yield script
    script.end_all()


@pytest.fixture
def collected() -> Callable[..., list]:
    """Return a function that runs a stream built by ``build(ctx)`` and returns its rows."""

    def run(build: Callable[[StreamingContext], object], **settings: object) -> list:
        ctx = StreamingContext(**settings)
        build(ctx).collect()
        return ctx.execute("collected").result()

    return run


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Return a function that waits until ``condition()`` holds, and fails after a long while."""

    def wait(condition: Callable[[], object], what: str = "condition", seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"never came: {what}"
            time.sleep(0.005)

    return wait
