"""Every partitioning of a stream, as a plain computation has it."""

from __future__ import annotations

from collections import Counter

import pytest

from raystreaming import StreamingContext, Tagged, dead_letter, retry
from raystreaming.connector import Operator, OperatorFactory
from raystreaming.errors import GraphError, OperatorError
from raystreaming.records import Batch

N = 100
PARALLELISM = [1, 2, 3, 7]


class Where(OperatorFactory[int, tuple[int, int]]):
    """Each record with the index of the task that sees it."""

    def make(self):
        return _Where()


class _Where(Operator):
    def open(self, ctx):
        self._task = ctx.task

    def process(self, batch):
        yield Batch([(self._task, value) for value in batch.values])


def told(ctx):
    return Counter(ctx.execute("where").result())


@pytest.mark.parametrize("senders", PARALLELISM)
@pytest.mark.parametrize("tasks", PARALLELISM)
@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("broadcast", lambda sender, n, senders, tasks: set(range(tasks))),
        ("round_robin", None),
        ("shuffle", None),
        (
            "rescale",
            lambda sender, n, senders, tasks: None if senders < tasks else {sender * tasks // senders},
        ),
        ("partition_by", lambda sender, n, senders, tasks: {n * n % tasks}),
    ],
)
def test_who_gets_a_record(method, expected, senders, tasks):
    ctx = StreamingContext()
    # Who has sent a record, is known: a function says it, too.
    numbered = ctx.from_collection(range(N)).partition_by(lambda n, of: n % of).map(int)
    stream = numbered.set_parallelism(senders)
    arguments = [lambda n, of: n * n % of] if method == "partition_by" else []
    getattr(stream, method)(*arguments).apply(Where()).set_parallelism(tasks).collect()
    seen = told(ctx)
    targets = {n: {t for t, m in seen if m == n} for n in range(N)}
    if expected is not None and expected(0, 0, senders, tasks) is not None:
        assert targets == {n: expected(n % senders, n, senders, tasks) for n in range(N)}
    assert seen == Counter((t, n) for n in targets for t in targets[n]), "no task sees a record twice"
    if method != "broadcast":
        assert all(len(each) == 1 for each in targets.values())
    if method == "round_robin":
        counts = Counter(t for t, _ in seen)
        assert max(counts.values()) - min(counts[t] for t in range(tasks)) <= senders
    if method == "rescale" and senders < tasks:
        fed = {s: {t for n in range(s, N, senders) for t in targets[n]} for s in range(senders)}
        assert sum(map(len, fed.values())) == tasks, "every task is fed by one sender only"


@pytest.mark.parametrize("tasks", PARALLELISM)
def test_forward_keeps_the_task(tasks):
    ctx = StreamingContext()
    stream = ctx.from_collection(range(N)).partition_by(lambda n, of: n % of).map(int)
    stream.set_parallelism(tasks).disable_chain().forward().apply(Where()).collect()
    assert told(ctx) == Counter((n % tasks, n) for n in range(N))


def test_forward_needs_equal_parallelism():
    ctx = StreamingContext()
    ctx.from_values(1).map(int).set_parallelism(2).forward().map(str).set_parallelism(3).collect()
    with pytest.raises(GraphError, match=r"forward from '.*' \(parallelism 2\) to '.*' \(3\) needs equal"):
        ctx.submit("forward")


def test_other_readers_of_the_stream_do_not_get_its_records_so():
    ctx = StreamingContext()
    numbers = ctx.from_collection(range(N))
    numbers.broadcast().map(int).set_parallelism(3).collect()
    plain: list[int] = []
    numbers.map(int).set_parallelism(3).sink(plain.append)
    assert Counter(ctx.execute("readers").result()) == Counter([*range(N)] * 3)
    assert sorted(plain) == list(range(N))


@pytest.mark.parametrize(
    ("spread", "call"),
    [
        (lambda s: s.forward(), "forward()"),
        (lambda s: s.broadcast(), "broadcast()"),
        (lambda s: s.shuffle(), "shuffle()"),
        (lambda s: s.rescale(), "rescale()"),
        (lambda s: s.round_robin(), "round_robin()"),
        (lambda s: s.partition_by(lambda n, tasks: 0), "partition_by(...)"),
        (lambda s: s.broadcast().set_parallelism(2).shuffle().map(int), "broadcast()"),
        (lambda s: s.broadcast().side_output("side"), "broadcast()"),
    ],
)
def test_a_partitioning_that_nobody_reads_is_refused_with_its_line(spread, call):
    ctx = StreamingContext()
    ctx.from_values(2).broadcast().map(int).collect()
    numbers = ctx.from_values(1).map(int)
    spread(numbers)
    numbers.broadcast().map(int).collect()
    with pytest.raises(GraphError) as refused:
        ctx.submit("unread")
    line = spread.__code__.co_firstlineno
    assert str(refused.value).count("nobody reads") == 1, "those that are read are not among them"
    assert (
        f"nobody reads what {call} of 'from_values-2.map' ({__file__}:{line}) returned, "
        f"and the stream itself stays as it was: write stream = stream.{call}"
    ) in str(refused.value)


def test_what_reads_a_stream_that_is_spread():
    ctx = StreamingContext(parallelism=2)
    out: list[int] = []
    tagged = ctx.from_values(1).map(lambda n: Tagged("side", n)).set_parallelism(1)
    for stream in (tagged.broadcast().side_output("side"), tagged.side_output("side").broadcast()):
        stream.key_by(lambda n: n).map(int).sink(out.append)
    ctx.from_values(1).broadcast().sink(out.append)
    ctx.from_values(1).broadcast().union(ctx.from_values(1).broadcast()).sink(out.append)
    ctx.execute("readers")
    assert out == [1] * 10


def test_a_union_spreads_each_of_its_streams():
    ctx = StreamingContext()
    both = ctx.from_values(1).broadcast().union(ctx.from_values(2))
    both.set_parallelism(3).collect()
    assert Counter(ctx.execute("union").result()) == Counter({1: 3, 2: 1})


def test_a_keyed_stream_is_spread_by_its_keys():
    keyed = StreamingContext().from_values(1).key_by(lambda n: n)
    with pytest.raises(GraphError, match=r"broadcast\(\) right after key_by\(\): .*before key_by"):
        keyed.broadcast()


def test_partition_by_takes_a_function_or_a_field():
    with pytest.raises(
        GraphError, match=r"partition_by\(\) takes a function, the name of a field .*got 1\.5"
    ):
        StreamingContext().from_values(1).partition_by(1.5)


def uneven(n: int, of: int) -> int:
    return n % of if n % 3 else of if n % 2 else 1 // 0


@pytest.mark.parametrize("tasks", [2, 3, 7])
def test_what_a_partition_function_raises_goes_by_the_policy_of_the_operator_before_it(tasks):
    calls: list[int] = []

    def choose(n: int, of: int) -> int:
        calls.append(n)
        return uneven(n, of)

    bad: list[dict] = []
    for policy in ("skip", dead_letter(bad.append), retry(3, "1ms", then=dead_letter(bad.append))):
        calls.clear()
        bad.clear()
        ctx = StreamingContext()
        numbers = ctx.from_collection(range(N)).map(int, on_error=policy).partition_by(choose)
        numbers.apply(Where()).set_parallelism(tasks).collect()
        job = ctx.execute("policy")
        assert Counter(job.result()) == Counter((n % tasks, n) for n in range(N) if n % 3)
        assert calls == list(range(N)), "called once for each record"
        left_out = [n for n in range(N) if not n % 3]
        assert job.status().counts == {"skipped" if policy == "skip" else "dead letters": len(left_out)}
        if policy != "skip":
            assert [int(letter["record"]) for letter in bad] == left_out
            assert bad[0]["error"] == "ZeroDivisionError: integer division or modulo by zero"
            assert "returned" in bad[1]["error"]
            assert {letter["attempts"] for letter in bad} == {1}


@pytest.mark.parametrize("tasks", [1, 2])
def test_a_partition_function_that_raises_is_said_with_the_record(tasks):
    ctx = StreamingContext()
    ctx.from_values(7).partition_by(lambda n, of: 1 // 0).map(int).set_parallelism(tasks).collect()
    with pytest.raises(OperatorError, match=r"operator 'from_values': .* raised ZeroDivisionError.*"):
        ctx.execute("raises")


@pytest.mark.parametrize("tasks", [2, 3, 7])
def test_what_one_task_sends_comes_to_a_key_in_order(tasks):
    ctx = StreamingContext().set_parallelism(tasks)
    pairs = ctx.from_collection([(n % 5, [n]) for n in range(1_000)])
    pairs.key_by(0).reduce(lambda a, b: (a[0], a[1] + b[1])).collect()
    longest = {key: numbers for key, numbers in ctx.execute("in-order").result() if len(numbers) == 200}
    assert longest == {key: list(range(key, 1_000, 5)) for key in range(5)}


def test_keys_of_a_spread_stream_are_found_in_as_many_tasks_as_it_is_spread_over():
    ctx = StreamingContext().set_parallelism(3)
    keyed = ctx.from_values(1).shuffle().key_by(lambda n: n)
    keyed.reduce(max).collect()
    assert "key_by   x3" in ctx.explain()
