"""Runs commands side by side, two at a time: many tests wait more than they work.

Standard library only.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

AT_ONCE = 2
LAST_LINES = 120


@dataclass
class Command:
    """A command with a name.

    Attributes:
        seconds: How long it took, once it has ended.
        output: What it printed, stderr too.
        status: Its exit status.
    """

    name: str
    arguments: Sequence[str | Path]
    seconds: float = 0.0
    output: str = ""
    status: int | None = None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def run(self, environment: Mapping[str, str]) -> Command:
        """Run to the end."""
        started = time.monotonic()
        with tempfile.TemporaryFile() as output:
            self._process = subprocess.Popen(
                self.arguments,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            self.status = self._process.wait()
            output.seek(0)
            self.output = output.read().decode(errors="replace")
        self.seconds = time.monotonic() - started
        return self

    def interrupt(self) -> None:
        """Have it end as at Ctrl-C, if it runs: nox ends what it has started then, at SIGTERM it does not."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)


def run_all(commands: Iterable[Command], environment: Mapping[str, str]) -> int:
    """Run all commands; print what each printed as it ends, and at the end which failed, and why.

    Returns:
        The exit status: 0 if every one's is.
    """
    commands = list(commands)
    failed = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: leave nothing running
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(command.run, environment) for command in commands]
        try:
            for done in as_completed(running):
                command = done.result()
                print(command.output, end="")
                print(
                    f"=== {command.name}: exit status {command.status}, {command.seconds:.0f} s", flush=True
                )
                if command.status != 0:
                    failed.append(command)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for command in commands:
                command.interrupt()
            raise
    for command in failed:
        # Once more, where a log that was cut still has it.
        print(f"\n=== {command.name} failed; the end of what it printed:")
        print("\n".join(command.output.splitlines()[-LAST_LINES:]))
    if failed:
        print(f"failed: {', '.join(command.name for command in failed)}", flush=True)
    return 1 if failed else 0
