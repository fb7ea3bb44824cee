"""Named steps at which a test can kill this process: what a crash right there leaves must be harmless.

``RAYSTREAMING_FAIL_AT=manifest.written:3`` ends the process by SIGKILL when it comes to that step for the
third time (``:1`` may be left out). Steps are reached a few times per checkpoint, never per batch.
"""

from __future__ import annotations

import os
import signal

STEPS = (
    # A start: nothing done yet; the new run has fenced out older ones; what the last checkpoint prepared is
    # committed; what else was open is aborted.
    "start.planned",
    "start.manifest",
    "start.committed",
    "start.aborted",
    # A checkpoint, up to its manifest, the commit point.
    "barrier.injected",
    "task.snapshot",
    "prepared",
    "state.stored",
    "manifest.before",
    "file.written",  # Of any checkpoint file: complete under its temporary name.
    "manifest.written",
    # Publishing what was prepared; the steps with `file` are those of the files sink.
    "commit.before",
    "commit.file",
    "commit.files_linked",
    "commit.file_unstaged",
    "commit.sink",
    "commit.done",
    "commit.marked",
    # After it.
    "retired",
    "finished",
)
"""All steps, about in the order in which a job comes to them."""

_step, _, _times = os.environ.get("RAYSTREAMING_FAIL_AT", "").partition(":")
_left = int(_times or 1)
if _step and _step not in STEPS:
    raise ValueError(f"RAYSTREAMING_FAIL_AT={_step!r} names no step; the steps are {', '.join(STEPS)}")


def reach(step: str) -> None:
    """Note that a step is reached; end the process if it is the one to fail at."""
    global _left
    if step == _step:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
