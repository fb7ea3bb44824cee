"""Run a command that must not outlive the process that asked for it.

    python _watchdog.py PARENT_PID PID_FILE FOLDER COMMAND...

Standard input is a pipe whose other end only the parent holds. On it, `t` asks the
command to terminate and `k` kills it. When the pipe closes, the parent is gone, however
it died: the command is killed and FOLDER removed. Where a forked copy of the parent
keeps the pipe open, the change of our parent's pid tells the same. And when this process
itself is killed, Linux kills the command.

The parent never signals the command by pid, so it can never hit a stranger that got a
reused one. Only the standard library is used, to be up in milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

_LOOK_EVERY_SECONDS = 0.05
_PR_SET_PDEATHSIG = 1


def main(parent: int, pid_file: Path, folder: Path, command: list[str]) -> int:
    """Run `command` to its end, or to that of `parent`; return an exit status."""
    # The death signal goes out when the thread that forked ends. Here that is the main
    # thread of a process with one thread; in the parent it could be any thread.
    tie = _TieTo(os.getpid()) if sys.platform == "linux" else None
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=tie)
    pid_file.write_text(str(child.pid))
    while child.poll() is None:
        abandoned = os.getppid() != parent
        if select.select([0], [], [], _LOOK_EVERY_SECONDS)[0]:
            order = os.read(0, 1)
            if order == b"t":
                child.terminate()
            elif order == b"k":
                child.kill()
            else:
                abandoned = True
        if abandoned:
            child.kill()
            child.wait()
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if child.returncode == 0 else 1


class _TieTo:
    """Make the calling process die with `watchdog`; to be called after the fork."""

    def __init__(self, watchdog: int) -> None:
        self._watchdog = watchdog
        self._libc = ctypes.CDLL(None)  # loaded before the fork

    def __call__(self) -> None:
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._watchdog:  # it died before the call
            os._exit(1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))
