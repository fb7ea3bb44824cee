"""Which process and which node a task is on changes nothing in what a job gives."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from itertools import accumulate

import pytest

from raystreaming import StreamingContext

pytestmark = pytest.mark.ray

COUNT = 3_000
EXPECTED = Counter((k, n) for k in range(10) for n in accumulate(range(k, COUNT, 10)))


class Sums:
    """A job of six tasks with state, which waits before its first record until `rows` is called.

    Args:
        folder: For the sign that it may go on.
        place: Gets its streams, to say where they are to be.
        settings: Of its context.
    """

    def __init__(self, folder, place=lambda *streams: None, **settings):
        self._go = go = folder / "go"

        def wait(n):
            while not go.exists():
                time.sleep(0.01)
            return n % 10, n

        ctx = StreamingContext(runtime="ray", spares=0, **settings)
        numbers = ctx.from_collection(range(COUNT))
        pairs = numbers.map(wait).set_parallelism(2)
        keyed = pairs.key_by(lambda p: p[0])
        sums = keyed.reduce(lambda a, b: (a[0], a[1] + b[1])).set_parallelism(3)
        sums.collect()
        place(numbers, pairs, sums)
        self._job = ctx.submit("sums")

    def rows(self):
        self._go.touch()
        return Counter(self._job.result())


@pytest.mark.parametrize(("workers", "there"), [(None, 6), (1, 1), (2, 2), (3, 3), (9, 3)])
def test_any_number_of_workers_shares_the_tasks(workers, there, tmp_path, ray_driver):
    job = Sums(tmp_path, workers=workers)
    found = ray_driver.workers("sums")
    assert len(found) == there
    if sys.platform == "linux":  # They have asked for long turns.
        assert {os.sched_getscheduler(worker.pid) for worker in found} == {os.SCHED_BATCH}
    assert job.rows() == EXPECTED


def test_tasks_on_two_nodes(tmp_path, ray_driver):
    def apart(numbers, pairs, sums):
        numbers.resources(custom={"first": 1})
        pairs.resources(custom={"second": 1})
        sums.resources(custom={"first": 1})

    job = Sums(tmp_path, apart)
    assert sorted(Counter(w.node for w in ray_driver.workers("sums")).values()) == [2, 4]
    # Both nodes are this machine: nothing listens to the network.
    assert list(ray_driver.listeners("sums").values()) == [["127.0.0.1"] * 6]
    assert job.rows() == EXPECTED


def test_spread_puts_them_on_different_nodes(tmp_path, ray_driver):
    job = Sums(tmp_path, lambda *streams: [s.resources(placement="spread") for s in streams])
    assert len({w.node for w in ray_driver.workers("sums")}) == 2
    assert job.rows() == EXPECTED


def test_pack_puts_them_on_the_masters_node(tmp_path, ray_driver):
    job = Sums(tmp_path, lambda *streams: [s.resources(placement="pack") for s in streams])
    assert {w.node for w in ray_driver.workers("sums")} == {ray_driver.master("sums").node}
    assert job.rows() == EXPECTED
