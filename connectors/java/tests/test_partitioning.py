"""How Java streams spread their records, and functions that choose tasks in Java."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from raystreaming import StreamingContext
from raystreaming.errors import GraphError, OperatorError

FNS = "com.acme.Fns$"
N = 60


def told(ctx, name):
    """Run a job, and count which task has seen which record."""
    return Counter((task, n) for task, n in ctx.execute(name).result())


@pytest.mark.parametrize("senders", [1, 2])
@pytest.mark.parametrize("tasks", [1, 2, 3, 7])
def test_a_function_in_java_chooses_the_task(context, tasks, senders):
    ctx = context()
    numbers = ctx.from_java(FNS + "Numbers", N).set_parallelism(senders)
    spread = numbers.partition_by(FNS + "ByRemainder")
    spread.map(FNS + "Where").set_parallelism(tasks).as_python_stream().collect()
    assert told(ctx, "by-remainder") == Counter((n % tasks, n) for n in range(N))


def test_a_function_in_java_may_choose_several_tasks_and_a_task_gets_a_record_once(context):
    ctx = context()
    spread = ctx.from_java(FNS + "Numbers", N).partition_by(FNS + "ByRemainder", 1)
    spread.map(FNS + "Where").set_parallelism(3).as_python_stream().collect()
    assert told(ctx, "several") == Counter(pair for n in range(N) for pair in {(n % 3, n), (1, n)})


@pytest.mark.parametrize("tasks", [2, 3])
def test_partitionings_without_a_function_hold_on_both_sides_of_a_conversion(context, tasks):
    everything = Counter((task, n) for n in range(N) for task in range(tasks))

    ctx = context()
    java = ctx.from_collection(range(N)).broadcast().as_java_stream()
    java.map(FNS + "Where").set_parallelism(tasks).as_python_stream().collect()
    assert told(ctx, "to-java") == everything

    ctx = context()
    java = ctx.from_java(FNS + "Numbers", N).round_robin()
    java.map(FNS + "Where").set_parallelism(tasks).as_python_stream().collect()
    assert told(ctx, "in-java") == Counter((n % tasks, n) for n in range(N))

    ctx = context()
    python = ctx.from_java(FNS + "Numbers", N).broadcast().as_python_stream()
    python.map(lambda n: n).set_parallelism(tasks).collect()
    assert Counter(ctx.execute("to-python").result()) == Counter(list(range(N)) * tasks)


def test_a_partitioning_that_nobody_reads_is_refused(context):
    ctx = context()
    numbers = ctx.from_java(FNS + "Numbers", N)
    numbers.partition_by(FNS + "ByRemainder").as_python_stream()
    numbers.broadcast().as_python_stream().collect()
    with pytest.raises(GraphError) as refused:
        ctx.submit("unread")
    assert "nobody reads what partition_by(...) of 'from_java' (" in str(refused.value)
    assert "broadcast()" not in str(refused.value)


def test_other_readers_of_the_stream_do_not_get_its_records_so(context):
    ctx = context()
    numbers = ctx.from_java(FNS + "Numbers", N)
    numbers.broadcast().map(FNS + "Identity").set_parallelism(2).as_python_stream().collect()
    seen: list[int] = []
    numbers.map(FNS + "Identity").set_parallelism(2).as_python_stream().sink(seen.append)
    assert sorted(ctx.execute("readers").result()) == sorted([*range(N), *range(N)])
    assert sorted(seen) == list(range(N))


def test_a_function_in_java_gets_the_type_that_it_declares(context):
    ctx = context()
    spread = (
        ctx.from_collection(range(N)).as_java_stream().filter(FNS + "Even").partition_by(FNS + "ByInteger")
    )
    spread.map(FNS + "Where").set_parallelism(3).as_python_stream().collect()
    assert told(ctx, "declared") == Counter((n % 3, n) for n in range(0, N, 2))


def test_a_function_in_java_gets_the_types_of_a_schema(context):
    ctx = context()
    one, two = (ctx.from_values(n).as_java_stream(pa.int32()) for n in (1, 2))
    spread = one.union(two).partition_by(FNS + "ByType")
    spread.map(FNS + "Where").set_parallelism(2).as_python_stream().collect()
    assert told(ctx, "types") == Counter([(0, 1), (0, 2)])


@pytest.mark.parametrize("chosen", [[3], [-1], [0, 3], [], None])
def test_what_a_function_in_java_does_wrong_is_said_with_the_record(context, chosen):
    ctx = context()
    spread = ctx.from_values(5).as_java_stream().map(FNS + "Identity").partition_by(FNS + "NoTask", chosen)
    spread.map(FNS + "Where").set_parallelism(3).as_python_stream().collect()
    with pytest.raises(OperatorError) as caught:
        ctx.execute("no-task")
    text = str(caught.value)
    assert text.startswith("operator 'from_values.map': com.acme.Fns$NoTask raised ")
    shown = "null" if chosen is None else chosen
    assert f"it returned {shown}; it must return task indices from 0 to 2" in text
    assert text.endswith("record: 5")


def test_a_function_that_is_no_partition_is_refused_when_the_job_is_submitted(context):
    ctx = context()
    spread = ctx.from_java(FNS + "Numbers", 1).partition_by(FNS + "Even")
    spread.map(FNS + "Where").set_parallelism(2).as_python_stream().collect()
    with pytest.raises(GraphError, match=r"partition_by\(\) needs a Partition, and class com.acme.Fns\$Even"):
        ctx.submit("wrong")


def test_a_function_right_after_a_conversion_says_to_map_first():
    ctx = StreamingContext()
    with pytest.raises(GraphError, match=r"partition_by\(\) right after as_java_stream\(\): .*Map first"):
        ctx.from_values(1).as_java_stream().partition_by("com.acme.Choose")
    java = ctx.from_values(1).as_java_stream().map("com.acme.Fn")
    with pytest.raises(GraphError, match=r"partition_by\(\) right after as_python_stream\(\): .*Map first"):
        java.as_python_stream().partition_by(lambda n, tasks: 0)
    with pytest.raises(GraphError, match=r"shuffle\(\) right after key_by\(\)"):
        java.key_by("com.acme.Key").shuffle()
