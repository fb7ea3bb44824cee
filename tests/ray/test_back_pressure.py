"""A slow sink stops the source: memory stays within a bound on every worker, and checkpoints go on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from raystreaming import StreamingContext
from raystreaming.connector import RecordsSource, option
from raystreaming_test_support.ray_cluster import eventually, resident_memory

pytestmark = pytest.mark.ray

SLOW = 0.005
"""Seconds the sink takes for one."""

BOUND = 300_000_000
"""Bytes a worker may have; it begins with 120 MB, and the source would fill this in a tenth of a second."""

CHECKPOINTS = 20

MOST_WAITING = 3_000
"""Records on the way to the sink, entries of the source and channels together: some 15 s of its work."""


class Endless(RecordsSource[bytes]):
    """Records as fast as they are taken; gigabytes a second."""

    size: int = option(doc="Bytes of a record.")
    bounded = False

    def records(self, position: int | None) -> Iterator[tuple[int, bytes]]:
        n = position or 0
        while True:
            n += 1
            yield n, n.to_bytes(8, "big") * (self.size // 8)


@pytest.mark.parametrize("size", [100_000, 8])
def test_a_slow_sink_stops_the_source(size, tmp_path, ray_driver):
    ctx = StreamingContext(
        runtime="ray", spares=0, checkpoint_dir=tmp_path / "state", checkpoint_interval="100ms"
    )
    records = ctx.source(Endless(size=size)).map(lambda record: record).set_parallelism(2)
    records.sink(lambda record: time.sleep(SLOW)).set_parallelism(1)
    job = ctx.submit("slow")
    workers = ray_driver.workers("slow")
    start = job.status().checkpoint
    most = 0

    def enough_checkpoints():
        nonlocal most
        most = max([most, *(resident_memory(w.pid) for w in workers)])
        assert most < BOUND
        return job.status().checkpoint >= start + CHECKPOINTS

    try:
        eventually(enough_checkpoints, f"{CHECKPOINTS} checkpoints")
        tasks = job.status().tasks
    finally:
        job.cancel()
        job.wait()
    waiting = max(t.records_out for t in tasks) - min(t.records_in for t in tasks if t.records_in)
    print(f"{waiting} records on the way, {most / 1e6:.0f} MB at most")
    assert waiting < MOST_WAITING


@pytest.mark.parametrize(("memory", "records"), [("1MiB", range(12, 41)), ("64KiB", range(5))])
def test_channel_memory_is_what_may_be_on_its_way(memory, records, tmp_path, ray_driver):
    released = tmp_path / "released"

    def one_by_one(record):
        time.sleep(0.02)  # What is sent is what became of 20 ms of work: a record.
        return record

    def quick_then_stuck(record):
        while int.from_bytes(record[:8], "big") > 100 and not released.exists():
            time.sleep(0.05)

    ctx = StreamingContext(runtime="ray", spares=0, channel_memory=memory)
    ctx.source(Endless(size=1 << 16)).map(one_by_one).sink(quick_then_stuck).start_new_chain()
    job = ctx.submit("stands")

    def held_up():
        tasks = job.status().tasks
        return tasks if any(t.blocked > 2 for t in tasks) else None

    try:
        tasks = eventually(held_up, "a source that waits for room")
    finally:
        released.touch()
        job.cancel()
        job.wait()
    sent, taken = (sum(t.records_out for t in tasks), sum(t.records_in for t in tasks if t.chain == 1))
    assert sent - taken in records
