"""Workers that ask for long turns on the processor."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a thread choose its turns"),
]

PROGRAM = """
import os, threading
from pathlib import Path
from raystreaming.runtime.ray.long_turns import take_long_turns

end = threading.Event()
before = threading.Thread(target=end.wait)
before.start()
nice = os.nice(3)
take_long_turns()
after = threading.Thread(target=end.wait)
after.start()
for thread in Path("/proc/self/task").iterdir():
    print(os.sched_getscheduler(int(thread.name)), os.getpriority(os.PRIO_PROCESS, int(thread.name)))
end.set()
"""


def test_all_threads_of_a_process_take_long_turns_and_none_changes_its_nice_value():
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    batch, nice = 3, {0, 3}  # SCHED_BATCH; os.nice() is about the calling thread and those it starts
    threads = [tuple(map(int, line.split())) for line in told.stdout.splitlines()]
    assert len(threads) == 3
    assert all(policy == batch and value in nice for policy, value in threads)
