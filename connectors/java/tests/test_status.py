"""What a job says of its tasks in Java."""

from __future__ import annotations

import time

FNS = "com.acme.Fns$"

MILLIS = 5
"""What the slow sink takes for one record."""

CHECKPOINTS = 10

MOST_WAITING = 3_000
"""Records on the way to the sink: some 15 s of its work."""


def test_records_of_java_tasks_are_counted(context):
    ctx = context()
    numbers = ctx.from_java(FNS + "Numbers", 1000).set_parallelism(2)
    numbers.filter(FNS + "Even").set_parallelism(3).as_python_stream().map(str).set_parallelism(1).collect()
    job = ctx.execute("counted")
    counts = [(task.chain, task.records_in, task.records_out) for task in job.status().tasks]
    totals = {
        chain: tuple(sum(count[i] for count in counts if count[0] == chain) for i in (1, 2))
        for chain, *_ in counts
    }
    assert list(totals.values()) == [(1000, 1000), (1000, 500), (500, 0)]


def test_a_slow_sink_in_java_stops_the_source_and_checkpoints_go_on(context, tmp_path):
    ctx = context(checkpoint_dir=tmp_path, checkpoint_interval="100ms")
    numbers = ctx.from_java(FNS + "Numbers", 10**9).map(FNS + "Identity").set_parallelism(2)
    numbers.sink(FNS + "Slow", MILLIS).set_parallelism(1)
    job = ctx.submit("slow")
    try:
        while job.status().checkpoint < CHECKPOINTS:
            assert job.status().state in ("starting", "running")
            time.sleep(0.02)
        metrics = job.metrics()
    finally:
        job.cancel()
        job.wait()
    source, sink = metrics["operators"][0], metrics["operators"][-1]
    assert sink["records_in"] > 0
    assert source["records_in"] - sink["records_in"] < MOST_WAITING
    assert metrics["bottleneck"].startswith(sink["name"])
