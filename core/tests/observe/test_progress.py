"""Rates, shares and the bottleneck, computed from constructed statuses."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

from raystreaming import StreamingContext
from raystreaming.observe.progress import line, progress, short_number, since, table
from raystreaming.observe.status import JobStatus, TaskStatus

CHAINS = ("read", "map", "sink")
EDGES = ((0, 1), (1, 2))


def task(
    chain: int,
    records: tuple[int, int],
    times: tuple[float, float, float],
    elapsed: float,
    index: int = 0,
) -> TaskStatus:
    return TaskStatus(CHAINS[chain], *records, *times, chain=chain, index=index, elapsed=elapsed)


def status(*tasks: TaskStatus, **values: object) -> JobStatus:
    return replace(JobStatus("job", "running", tasks=list(tasks), chains=CHAINS, edges=EDGES), **values)


BEFORE = status(
    task(0, (1000, 1000), (1.0, 8.0, 1.0), 10.0),
    task(1, (900, 900), (1.0, 8.0, 1.0), 10.0),
    task(2, (800, 0), (9.0, 0.0, 1.0), 10.0),
)
NOW = status(
    replace(task(0, (1400, 1400), (1.2, 9.7, 1.1), 12.0), lag=2500),
    task(1, (1300, 1200), (1.3, 9.62, 1.08), 12.0),
    task(2, (1100, 0), (10.88, 0.0, 1.1), 12.0),
    checkpoint_age=3.4,
    restarts=2,
    counts={"skipped": 7},
)


def test_rates_and_shares_are_those_between_the_two_moments():
    read, mapped, sink = progress(BEFORE, NOW).operators
    assert (read.rate_in, read.rate_out, read.records_in) == (200, 200, 1400)
    assert (mapped.rate_in, mapped.rate_out) == (200, 150)
    assert (round(sink.busy, 2), round(sink.blocked, 2), round(sink.idle, 2)) == (0.94, 0, 0.05)
    assert round(mapped.blocked, 2) == 0.81


def test_without_an_earlier_moment_they_are_those_since_the_start():
    read = progress(None, NOW).operators[0]
    assert (round(read.rate_in, 1), round(read.busy, 2)) == (116.7, 0.1)


def test_tasks_of_an_operator_are_added_up_and_their_shares_are_means():
    before = status(task(1, (0, 0), (0, 0, 0), 1.0), task(1, (50, 0), (0, 0, 0), 5.0, index=1))
    now = status(task(1, (100, 0), (0.5, 0.5, 0), 2.0), task(1, (350, 10), (1, 0, 1), 7.0, index=1))
    (mapped,) = progress(before, now).operators
    assert (mapped.tasks, mapped.records_in, mapped.rate_in, mapped.rate_out) == (2, 450, 250, 5)
    assert (mapped.busy, round(mapped.blocked, 3)) == (0.5, round(0.5 / 3, 3))


def test_a_task_that_started_anew_counts_from_its_start():
    restarted = status(task(0, (30, 0), (0.3, 0, 0), 3.0))
    assert progress(BEFORE, restarted).operators[0].rate_in == 10
    later_but_fewer = status(task(0, (120, 0), (0.3, 0, 0), 12.0))
    assert progress(BEFORE, later_but_fewer).operators[0].rate_in == 10


def test_no_news_between_the_two_is_told_as_since_the_start():
    assert progress(BEFORE, BEFORE).operators[0].rate_in == 100


def test_the_lag_is_that_of_the_tasks_that_know_theirs_now():
    known = replace(task(0, (0, 0), (0, 0, 0), 1.0), lag=30)
    more = replace(known, index=1, lag=5, elapsed=2.0)
    unknown = task(0, (0, 0), (0, 0, 0), 1.0, index=2)
    now = status(known, more, unknown, task(1, (0, 0), (0, 0, 0), 1.0))
    assert now.lag == 35
    assert [o.lag for o in progress(status(replace(more, lag=90, elapsed=1.0)), now).operators] == [35, None]
    assert status(unknown).lag is None
    assert since(replace(more, lag=90, elapsed=1.0), more).lag == 5


def test_the_bottleneck_is_the_busiest_and_whom_it_blocks():
    assert progress(BEFORE, NOW).bottleneck == "sink is 94% busy and blocks map by 81%"
    alone = status(task(0, (1, 1), (0.9, 0, 0), 1.0), task(1, (1, 1), (0.2, 0.05, 0), 1.0))
    assert progress(None, alone).bottleneck == "read is 90% busy"
    at_ease = status(task(0, (1, 1), (0.4, 0.4, 0), 1.0), task(1, (1, 1), (0.49, 0, 0), 1.0))
    assert progress(None, at_ease).bottleneck is None
    assert progress(None, status()).bottleneck is None


def test_who_is_at_the_same_records_for_long_is_told_before_anything_else():
    long = replace(task(1, (1300, 1200), (1.3, 9.62, 1.08), 12.0), at_work=42.4)
    told = progress(BEFORE, status(NOW.tasks[0], long, NOW.tasks[2])).bottleneck
    assert told == "map has been at the same records for 42 s"
    short = replace(long, at_work=9.9)
    told = progress(BEFORE, status(NOW.tasks[0], short, NOW.tasks[2])).bottleneck
    assert told == "sink is 94% busy and blocks map by 81%"


def test_the_step_that_a_task_is_at_counts_as_work(eventually):
    go_on = threading.Event()
    ctx = StreamingContext()
    ctx.from_values(1).map(lambda n: go_on.wait() and n).collect()
    job = ctx.submit("long")
    eventually(lambda: any(t.at_work > 0.1 for t in job.status().tasks), "a long step")
    assert all(t.busy > 0.1 for t in job.status().tasks)
    go_on.set()
    assert job.result() == [1]
    assert all(t.at_work == 0 for t in job.status().tasks)


def test_nodes_are_named_where_there_are_any():
    tasks = [replace(task(1, (1, 1), (0, 0, 1), 1.0, i), node=f"10.0.0.{i % 4}") for i in range(8)]
    first, *others = table(progress(None, status(*tasks))).splitlines()
    assert (first.split()[-1], others[0].split()[-2:]) == ("nodes", ["4", "nodes"])
    assert table(progress(None, status(*tasks[1:3]))).endswith(" 10.0.0.1, 10.0.0.2")


def test_one_line_and_a_table():
    told = progress(BEFORE, NOW)
    assert line(told) == (
        "job: running | reads 200 records/s | lag 2.5 k | checkpoint 3 s ago | 2 restarts | 7 skipped | "
        "sink is 94% busy and blocks map by 81%"
    )
    assert table(told).splitlines() == [
        "operator  tasks  in/s  out/s     in    out  busy  blocked  idle    lag",
        "read          1   200    200  1.4 k  1.4 k   10%      85%    5%  2.5 k",
        "map           1   200    150  1.3 k  1.2 k   15%      81%    4%      -",
        "sink          1   150      0  1.1 k      0   94%       0%    5%      -",
        "sink is 94% busy and blocks map by 81%",
    ]
    assert line(progress(None, JobStatus("job", "starting"))) == "job: starting | reads 0 records/s"


def test_numbers_are_short():
    numbers = [0, 7, 999, 1000, 999_600, 1_250_000, 3e9]
    assert [short_number(n) for n in numbers] == ["0", "7", "999", "1 k", "1 M", "1.25 M", "3 G"]


def test_a_job_tells_what_progress_needs():
    ctx = StreamingContext()
    ctx.from_collection(range(5000)).map(str).set_parallelism(2).collect()
    job = ctx.execute("told")
    told = progress(None, job.status())
    assert [(o.name, o.tasks, o.records_in) for o in told.operators] == [
        ("from_collection", 1, 5000),
        ("from_collection.map -> from_collection.collect", 2, 5000),
    ]
    assert all(o.busy > 0 for o in told.operators)
    assert job.status().checkpoint_age is not None


def test_a_jobs_metrics_are_plain_and_rates_are_those_since_the_last_call():
    ctx = StreamingContext()
    ctx.from_collection(range(1000)).map(str, on_error="skip").sink()
    job = ctx.execute("measured")
    first, second = job.metrics(), job.metrics()
    assert json.loads(json.dumps(first)) == first
    (operator,) = first["operators"]
    assert (first["job"], first["state"], first["lag"], operator["records_in"]) == (
        "measured",
        "finished",
        0,
        1000,
    )
    assert operator["rate_in"] == first["rate"] > 0
    assert (second["rate"], second["operators"][0]["records_in"]) == (0, 1000)
