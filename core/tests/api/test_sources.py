"""from_values, from_collection and sources of users."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

import pytest

from raystreaming import StreamingContext
from raystreaming.connector import OptionError, RecordsSource, Source, option
from raystreaming.errors import GraphError


class Numbers(Sequence[int]):
    """A sequence that has indices only."""

    def __len__(self) -> int:
        return 5000

    def __getitem__(self, i: int) -> int:
        if not isinstance(i, int):
            raise TypeError("no slices")
        return i * 2


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ([], []),
        ([1, "a", None, 2.5, b"x", (1, 2), [3], {"k": 1}], [1, "a", None, 2.5, b"x", (1, 2), [3], {"k": 1}]),
        ((1, 2), [1, 2]),
        (range(10_000), list(range(10_000))),
        (deque(range(10_000)), list(range(10_000))),
        (Numbers(), list(range(0, 10_000, 2))),
        ({1: 2, 3: 4}, [1, 3]),
        ({5}, [5]),
        ((n for n in range(3)), [0, 1, 2]),
        (bytearray(b"ab"), [97, 98]),
    ],
)
def test_a_collection_of_any_kind(collected: Callable[..., list], values: object, rows: list):
    assert collected(lambda ctx: ctx.from_collection(values)) == rows


def test_values_are_the_arguments(collected: Callable[..., list]):
    assert collected(lambda ctx: ctx.from_values()) == []
    assert collected(lambda ctx: ctx.from_values(1, [2], "three")) == [1, [2], "three"]


@pytest.mark.parametrize("wrong", ["abc", b"abc"])
def test_a_string_is_hardly_meant_as_a_collection_of_letters(wrong: object):
    with pytest.raises(OptionError, match="must be Sequence"):
        StreamingContext().from_collection(wrong)


def test_a_source_object_is_what_source_takes():
    with pytest.raises(GraphError, match=r"takes a Source, got \[1\]: for values use ctx\.from_collection"):
        StreamingContext().source([1])


class Countdown(RecordsSource[int]):
    """Counts down."""

    start: int = option(kw_only=False, doc="First number.")

    def records(self, position: int | None):
        for n in range(self.start if position is None else position, 0, -1):
            yield n - 1, n


def test_a_source_of_one_method(collected: Callable[..., list]):
    assert collected(lambda ctx: ctx.source(Countdown(5000))) == list(range(5000, 0, -1))
    assert issubclass(Countdown, Source)


def test_the_order_of_a_source_is_kept_through_parallel_forward_chains(collected: Callable[..., list]):
    rows = collected(lambda ctx: ctx.from_collection(range(20_000)).map(lambda x: x + 1).filter(lambda x: x))
    assert rows == list(range(1, 20_001))


arrived = threading.Event()


class Burst(RecordsSource[int]):
    """Gives one record, then nothing until somebody has seen it."""

    def records(self, position: int | None):
        yield 1, "first"
        yield 2, "seen" if arrived.wait(60) else "not seen"


def test_a_generator_that_waits_does_not_hold_up_what_it_has_yielded():
    arrived.clear()
    rows: list[str] = []
    ctx = StreamingContext()
    ctx.source(Burst()).sink(lambda row: (rows.append(row), arrived.set()))
    ctx.execute()
    assert rows == ["first", "seen"]
