"""Run a program to its end, or kill it on the way there.

The program gets a session of its own, and with it every process that it starts and that
does not leave: all of them are gone when a function of this module returns.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_LOOK_EVERY = 0.005
_TAIL_LINES = 40


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    returncode: int
    """Its exit status; minus the number of the signal that ended it."""

    killed: bool
    """Whether our signal came before its end; False when it had finished by itself."""

    seconds: float
    """How long it ran. For a kill at a random moment, what to give to repeat it."""

    stdout: str
    stderr: str


class ProgramError(RuntimeError):
    """A program failed or took too long; the text has the tail of its output."""


def run_to_end(
    argv: Sequence[str | Path],
    *,
    timeout: float = 120.0,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
) -> Ended:
    """Run a program that must succeed.

    Args:
        argv: The command, as `[sys.executable, "job.py"]`.
        timeout: Seconds it may take before it is killed.
        env: Environment variables to add to those of this process.
        cwd: Where it runs.

    Returns:
        How it ended, with its output.

    Raises:
        ProgramError: It ended with another status than 0, or took too long.
    """
    with _running(argv, env, cwd) as program:
        finished = program.wait(timeout)
        ended = program.end(signal.SIGKILL, grace=0)
    if not finished:
        raise ProgramError(_story(argv, f"did not end within {timeout:g} s", ended))
    if ended.returncode != 0:
        raise ProgramError(_story(argv, f"exited with {ended.returncode}", ended))
    return ended


def run_and_kill(
    argv: Sequence[str | Path],
    *,
    after_seconds: float | tuple[float, float] | None = None,
    when: Callable[[], bool] | None = None,
    sig: signal.Signals = signal.SIGKILL,
    timeout: float = 120.0,
    grace: float = 120.0,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
) -> Ended:
    """Run a program and kill it, with its process group, at a moment of your choice.

    Give `after_seconds` or `when`, not both. A program that ends before that moment is
    no error: look at `Ended.killed`.

    Args:
        argv: The command, as `[sys.executable, "job.py"]`.
        after_seconds: When to kill; of a pair, a random moment between the two.
        when: Asked every few milliseconds; the program is killed once it says True.
        sig: The signal. If the program has not ended `grace` seconds after another
            one than SIGKILL, it is killed and that is an error.
        timeout: Seconds to wait for `when` to say True.
        grace: Seconds that the program may go on after the signal.
        env: Environment variables to add to those of this process.
        cwd: Where it runs.

    Returns:
        How it ended, with its output.

    Raises:
        ProgramError: `when` did not say True in time, or the signal did not end it.
    """
    if (after_seconds is None) == (when is None):
        raise ValueError("give either after_seconds or when")
    with _running(argv, env, cwd) as program:
        if when is not None:
            in_time = program.wait(timeout, when)
        else:
            assert after_seconds is not None
            in_time = True
            program.wait(
                random.uniform(*after_seconds) if isinstance(after_seconds, tuple) else after_seconds
            )
        ended = program.end(sig if in_time else signal.SIGKILL, grace)
    if not in_time:
        raise ProgramError(_story(argv, f"reached no moment to kill it in {timeout:g} s", ended))
    if ended.killed and ended.returncode == -signal.SIGKILL != -sig:
        raise ProgramError(_story(argv, f"did not end {grace:g} s after {sig.name}", ended))
    return ended


@contextmanager
def _running(
    argv: Sequence[str | Path], env: Mapping[str, str] | None, cwd: str | Path | None
) -> Iterator[_Program]:
    """Run a program; `end` it inside the context. An exception there kills it."""
    # Files, not pipes: a pipe that a surviving grandchild holds open is read for ever, and one that nobody
    # reads stops the program.
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
        program = _Program(process, stdout, stderr)
        try:
            yield program
        except BaseException:
            program.end(signal.SIGKILL, grace=0)
            raise


class _Program:
    """A program that was started, the leader of its process group."""

    def __init__(self, process: subprocess.Popen[bytes], stdout: IO[bytes], stderr: IO[bytes]) -> None:
        self._started = time.monotonic()
        self._process = process
        self._stdout = stdout
        self._stderr = stderr

    def wait(self, seconds: float, when: Callable[[], bool] | None = None) -> bool:
        """Wait for the program's end or for `when`; return whether one of them came."""
        deadline = time.monotonic() + seconds
        while self._process.poll() is None:
            if when is not None and when():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_LOOK_EVERY, left))
        return True

    def end(self, sig: signal.Signals, grace: float) -> Ended:
        """Send `sig` if it still runs, SIGKILL after `grace` seconds; say how it ended."""
        signalled = self._process.poll() is None
        self._signal(sig)
        if sig != signal.SIGKILL:
            self.wait(grace)
            self._signal(signal.SIGKILL)
        returncode = self._process.wait()
        seconds = time.monotonic() - self._started
        # It may have finished by itself between the look and the signal.
        killed = signalled and (sig != signal.SIGKILL or returncode == -sig)
        texts = (_text(self._stdout), _text(self._stderr))
        return Ended(returncode, killed, seconds, *texts)

    def _signal(self, sig: signal.Signals) -> None:
        # On macOS a group of processes that have all ended says "not permitted".
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, sig)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _story(argv: Sequence[str | Path], what: str, ended: Ended) -> str:
    lines = [f"{' '.join(str(part) for part in argv)}\n  {what}"]
    for name, text in (("stdout", ended.stdout), ("stderr", ended.stderr)):
        tail = "\n".join(text.splitlines()[-_TAIL_LINES:])
        lines.append(f"--- the end of its {name}:\n{tail}" if tail else f"--- no {name}")
    return "\n".join(lines)
