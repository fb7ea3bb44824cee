"""`take_long_turns`: a process that works through batches keeps its processor for longer."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from pathlib import Path

TURN = 0.05
"""Seconds of processor time that a thread gets at a time, while others of its kind wait; usual are 0.003."""
SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
"""Number of the system call: glibc has no function for it before 2.41."""


def take_long_turns() -> None:
    """Ask for long turns on the processor for this process, once, before it works.

    Where more tasks want to run than there are processors, each turn begins with reading back what the
    turn before has driven out of the cache, and with turns of 3 ms that can take as long as the work itself
    (docs/decisions/018). All threads ask, those of Ray too: one that wakes for a moment would else end
    another process's turn. Needs no privilege. Elsewhere than on Linux, and where it refuses, turns stay as
    they are; before Linux 6.12 nobody's turn is ended by another that wakes, but turns stay short.
    """
    number = SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return
    system = ctypes.CDLL(None)
    for thread in [int(task.name) for task in Path("/proc/self/task").iterdir()]:
        nice = os.getpriority(os.PRIO_PROCESS, thread)
        # struct sched_attr: size, policy, flags, nice, priority, runtime (length of a turn), deadline, period
        attributes = struct.pack("IIQiIQQQ", 48, os.SCHED_BATCH, 0, nice, 0, int(TURN * 1e9), 0, 0)
        system.syscall(number, thread, attributes, 0)
