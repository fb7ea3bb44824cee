"""Operators of one's own: `stream.apply` with a factory or a function."""

from __future__ import annotations

import itertools
import pickle
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from raystreaming import Job, JobError, StreamingContext
from raystreaming.connector import (
    Batch,
    Operator,
    OperatorContext,
    OperatorFactory,
    OptionError,
    operator,
    option,
    pack,
    unpack,
)
from raystreaming.errors import CheckpointError, GraphError, OperatorError

Run = Callable[..., list]
Wait = Callable[..., None]


class Dedupe(OperatorFactory[Any, Any]):
    """Drops records whose key came before."""

    key: Callable[[Any], Any] = option(kw_only=False, doc="What makes records the same.")

    def make(self) -> Operator:
        return Deduping(self.key)


class Deduping(Operator):
    def __init__(self, key: Callable[[Any], Any]) -> None:
        self.key = key
        self.seen: set[Any] = set()

    def process(self, batch: Batch) -> Iterator[Batch]:
        assert len(batch)
        new = []
        for value in batch.values:
            if self.key(value) not in self.seen:
                self.seen.add(self.key(value))
                new.append(value)
        if new:
            yield Batch(new)

    def snapshot(self) -> bytes:
        return pack(sorted(self.seen))

    def restore(self, state: bytes) -> None:
        self.seen = set(unpack(state))


@operator
def repeat(value: Any, times: int = 2, *, suffix: str = option(default="", doc="Put behind.")) -> Iterator:
    """Repeat."""
    for _ in range(times):
        yield f"{value}{suffix}"


def factory(make: Callable[[], object]) -> OperatorFactory:
    class Made(OperatorFactory[Any, Any]):
        def make(self) -> Operator:
            return make()

    return Made()


def test_a_factory_makes_the_operator_that_sees_the_records(collected: Run):
    rows = collected(lambda ctx: ctx.from_collection(range(5000)).apply(Dedupe(lambda n: n % 4000)).map(str))
    assert rows == [str(n) for n in range(4000)]


def test_an_operator_is_given_no_empty_batch(collected: Run):
    assert collected(lambda ctx: ctx.from_values(1).filter(lambda _: False).apply(Dedupe(int))) == []


def test_every_task_has_an_operator_of_its_own_and_equal_keys_meet_in_one(collected: Run):
    made = []

    class PerKey(Operator):
        def open(self, ctx: OperatorContext) -> None:
            self.counts: Counter = Counter()
            made.append((self, ctx.operator, ctx.task, ctx.parallelism))

        def process(self, batch: Batch) -> Iterator[Batch]:
            out = []
            for key, value in zip(batch.keys, batch.values, strict=True):
                assert key == value % 100
                self.counts[key] += 1
                out.append((key, self.counts[key]))
            yield Batch(out)

    def build(ctx: StreamingContext) -> object:
        keyed = ctx.from_collection(range(3000)).map(int).set_parallelism(2).key_by(lambda n: n % 100)
        return keyed.apply(factory(PerKey), "per_key").set_parallelism(3)

    assert sorted(collected(build)) == [(key, n) for key in range(100) for n in range(1, 31)]
    assert len({id(op) for op, *_ in made}) == 3
    assert sorted(told for _, *told in made) == [["from_collection.per_key", task, 3] for task in range(3)]


def test_what_is_left_comes_at_the_end_and_close_is_called(collected: Run):
    closed = []

    class Total(Operator):
        total = 0

        def process(self, batch: Batch) -> Iterator[Batch]:
            self.total += sum(batch.values)
            return iter(())

        def finish(self) -> Iterator[Batch]:
            yield Batch([self.total])

        def close(self) -> None:
            closed.append(self.total)

    assert collected(lambda ctx: ctx.from_collection(range(2000)).apply(factory(Total))) == [1999000]
    assert closed == [1999000]


def test_an_endless_input_is_left_in_between_by_an_operator_that_yields_nothing():
    called = itertools.count()
    begun = threading.Event()

    class Nothing(Operator):
        def process(self, batch: Batch) -> Iterator[Batch]:
            assert next(called) < 60_000, "never left"
            begun.set()
            time.sleep(0.001)
            return iter(())

    ctx = StreamingContext()
    ctx.from_values(0).flat_map(lambda _: itertools.repeat(1)).apply(factory(Nothing)).collect()
    job = ctx.submit()
    begun.wait(60)
    job.cancel()
    assert job.result() == []


@pytest.mark.parametrize("columnar", [False, True])
def test_arrow_comes_to_those_who_say_they_take_it(columnar: bool, collected: Run):
    pc = pytest.importorskip("pyarrow.compute")
    seen = set()

    class Look(Operator):
        def process(self, batch: Batch) -> Iterator[Batch]:
            seen.add(type(batch.values).__name__)
            yield batch

    looking = factory(Look)
    type(looking).columnar = columnar
    rows = collected(
        lambda ctx: ctx.from_values({"n": 1}, {"n": 2}).filter(pc.field("n") > 1).select("n").apply(looking)
    )
    assert rows == [{"n": 2}]
    assert seen == {"RecordBatch" if columnar else "list"}


class Raising(Operator):
    def process(self, batch: Batch) -> Iterator[Batch]:
        raise ValueError("no")


class YieldingLists(Operator):
    def process(self, batch: Batch) -> Iterator[Batch]:
        yield batch.values


class ForgettingState(Operator):
    def process(self, batch: Batch) -> Iterator[Batch]:
        yield batch

    def snapshot(self) -> bytes:
        return b"state"


class StateOfAnotherKind(Deduping):
    def __init__(self) -> None:
        super().__init__(int)

    def snapshot(self) -> Any:
        return self.seen


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (Raising, r"ValueError: no \(in operator 'from_values.own'\)"),
        (YieldingLists, r"yielded list: write yield Batch\(list\) \(in operator 'from_values.own'\)"),
        (ForgettingState, r"ForgettingState has snapshot\(\) and no restore\(\): .*\(in operator .*Made'\)"),
        (StateOfAnotherKind, r"snapshot\(\) returned set: write return pack\(state\) \(in operator"),
        (lambda: 3, r"make\(\) returned 3, which is no Operator \(in operator .*Made'\)"),
    ],
)
def test_an_operator_that_does_wrong_is_named(make: Callable, says: str):
    ctx = StreamingContext()
    ctx.from_values(1).apply(factory(make), "own").collect()
    with pytest.raises(JobError, match=says):
        ctx.execute()


# Functions ---------------------------------------------------------------------------------


def test_a_function_is_an_operator_whose_parameters_are_options(collected: Run):
    def rows(applied: object) -> list:
        return collected(lambda ctx: ctx.from_values("a", "b").apply(applied))

    assert rows(repeat()) == ["a", "a", "b", "b"]
    assert rows(repeat(1, suffix="!")) == ["a!", "b!"]
    assert rows(repeat(times=0)) == []
    assert repr(repeat(1)) == "repeat(times=1, suffix='')"
    assert repeat.__doc__ == "Repeat."
    assert list(repeat(suffix="?").bound()("x")) == ["x?", "x?"]
    assert pickle.loads(pickle.dumps(repeat(5))) == repeat(5)
    with pytest.raises(OptionError) as failed:
        repeat("2", sufix="x")
    assert str(failed.value) == (
        "repeat: unknown option 'sufix' (did you mean 'suffix'?); option 'times' must be int, got '2' (str)"
    )


def test_a_function_that_raises_is_named_with_the_record():
    @operator
    def inverse(n: int, *, of: int = 1) -> list[float]:
        return [of / n]

    ctx = StreamingContext()
    ctx.from_values(1, 0).apply(inverse()).collect()
    with pytest.raises(
        OperatorError, match=r"(?s)inverse'.*inverse \(.*test_apply.py.*ZeroDivision.*record: 0"
    ):
        ctx.execute()


def test_a_function_that_cannot_be_an_operator_is_refused():
    def none() -> list:
        return []

    def keyword(*, record: int) -> list:
        return [record]

    def rest(record: int, *others: int, **options: int) -> list:
        return [record, others, options]

    for wrong, says in ((none, "a record"), (keyword, "a record"), (rest, r"no \*others, \*\*options")):
        with pytest.raises(TypeError, match=says):
            operator(wrong)


@pytest.mark.parametrize("wrong", [len, Dedupe, repeat, "dedupe"])
def test_apply_takes_operators_with_their_options(wrong: object):
    with pytest.raises(GraphError, match=r"apply\(\) takes an operator with its options, e.g. Dedupe\(...\)"):
        StreamingContext().from_values(1).apply(wrong)


# State -------------------------------------------------------------------------------------


def numbers(n: int) -> int:
    return n % 1000


def some(folder: object, eventually: Wait, end: Callable, parallelism: int = 1) -> list:
    """Run a job on checkpoints until it has made rows, and end it."""
    rows: list = []
    ctx = StreamingContext(checkpoint_dir=folder, checkpoint_interval="10ms")
    stream = ctx.from_collection(range(100_000_000)).key_by(numbers)
    stream.apply(Dedupe(numbers)).set_parallelism(parallelism).sink(rows.append)
    job = ctx.submit("dedupe")
    eventually(lambda: job.status().checkpoint > 3 and job.status().tasks[0].records_in > 2000)
    end(job)
    job.wait()
    return rows


@pytest.mark.parametrize("parallelism", [1, 2])
def test_state_goes_on_from_the_checkpoint(tmp_path, eventually: Wait, parallelism: int):
    assert sorted(some(tmp_path, eventually, Job.stop, parallelism)) == list(range(1000))
    assert some(tmp_path, eventually, Job.cancel, parallelism) == []
    assert some(tmp_path, eventually, Job.stop, parallelism) == []


def test_state_by_task_keeps_its_parallelism(tmp_path, eventually: Wait):
    some(tmp_path, eventually, Job.stop, 2)
    with pytest.raises(CheckpointError, match="had parallelism 2 and has 3 now"):
        some(tmp_path, eventually, Job.stop, 3)
