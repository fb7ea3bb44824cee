"""Jobs one after another leave nothing in the cluster, nor in the program that submitted them.

The session `ray_kills` sets RAYSTREAMING_RAY_JOBS=50.
"""

from __future__ import annotations

import os

import pytest

from raystreaming import StreamingContext
from raystreaming_test_support.ray_cluster import eventually, listening_ports

pytestmark = [pytest.mark.ray, pytest.mark.timeout(1800)]

JOBS = int(os.environ.get("RAYSTREAMING_RAY_JOBS", "1"))
SETTLING = 10
"""Jobs after which memory grows only by what each job leaves."""

GROWTH = 1_000_000
"""Bytes a job may cost for ever, in this process and those of the cluster that stay: Ray remembers jobs."""


def run_one(folder):
    ctx = StreamingContext(runtime="ray", checkpoint_dir=folder / "state", checkpoint_interval="100ms")
    (
        ctx.from_collection(range(500))
        .map(lambda n: (n % 5, n))
        .set_parallelism(2)
        .key_by(lambda p: p[0])
        .reduce(lambda a, b: (a[0], a[1] + b[1]))
        .set_parallelism(2)
        .map(lambda p: {"key": p[0], "sum": p[1]})
        .write_files(folder / "out", format="jsonl")
    )
    ctx.execute("one-of-many")


def own_ports():
    return listening_ports([os.getpid()])


def test_jobs_leave_no_actor_thread_port_file_or_memory(tmp_path, ray_driver):
    for n in range(2):  # what is made once, and stays
        run_one(tmp_path / f"first-{n}")

    def at_rest():
        found = ray_driver.left()
        runs = found["busy actor processes"] or found["actors"] or "one-of-many driver" in found["threads"]
        return None if runs else found

    before, ports, settled = eventually(at_rest, "an empty cluster"), own_ports(), {}
    for n in range(JOBS):
        run_one(tmp_path / str(n))
        if n + 1 == SETTLING:
            settled = ray_driver.memory()
    eventually(lambda: ray_driver.left() == before, f"what was there before: {before}")
    assert not [name for name in before["files"] if name.startswith(b"one-of-many/")]
    assert own_ports() == ports
    hidden = {p.name for p in tmp_path.rglob("*") if p.name.startswith((".", "probe"))}
    assert hidden == {".lock"}
    if JOBS > SETTLING:
        now = ray_driver.memory()
        growth = sum(now[pid] - settled[pid] for pid in now.keys() & settled.keys())
        print(
            f"{growth / (JOBS - SETTLING) / 1e6:.2f} MB a job in {len(now.keys() & settled.keys())} processes"
        )
        assert growth < (JOBS - SETTLING) * GROWTH
