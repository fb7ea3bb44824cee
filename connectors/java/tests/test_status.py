"""What a job says of its tasks in Java."""

from __future__ import annotations

FNS = "com.acme.Fns$"


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
