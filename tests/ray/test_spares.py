"""Workers kept ready: one is hired beside those that work, and takes the place of one that dies."""

from __future__ import annotations

import os
import signal
import time

import pytest

from raystreaming import StreamingContext
from raystreaming_test_support.ray_cluster import eventually

pytestmark = pytest.mark.ray


def test_a_spare_takes_the_place_of_a_worker_that_dies_and_another_is_hired(tmp_path, ray_driver):
    go, at_work = tmp_path / "go", tmp_path / "pid"

    def wait(n):
        at_work.write_text(str(os.getpid()))
        while not go.exists():
            time.sleep(0.01)
        return n

    ctx = StreamingContext(runtime="ray", workers=1, spares=1)
    ctx.from_values(1, 2, 3).map(wait).collect()
    job = ctx.submit("spared")

    def working():
        """Return the worker that has the tasks."""
        pid = at_work.read_text() if at_work.exists() else ""
        return next((w for w in ray_driver.workers("spared") if str(w.pid) == pid), None)

    first = eventually(working, "the worker's first record")
    (spare,) = (w for w in ray_driver.workers("spared", at_least=2) if w.name != first.name)
    at_work.unlink()
    first.signal(signal.SIGKILL)
    assert eventually(working, "the worker that goes on") == spare
    known = {first.name, spare.name}
    eventually(lambda: {w.name for w in ray_driver.workers("spared")} - known, "another spare")
    go.touch()
    assert job.result() == [1, 2, 3]
    eventually(lambda: not ray_driver.names(), "an empty cluster")
