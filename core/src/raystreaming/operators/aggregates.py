"""Aggregates: what they are, and how those of some records become those of more.

An aggregate is computed from slots; a slot holds, of the records of one key, a count, a sum, the least or
the greatest value. Two slots of two halves of the records combine to the one of all: that is how a batch is
added.
Nulls are left out, as SQL does it: of no values the count is 0, all else is None. NaN is neither less nor
greater than anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import add, itemgetter
from typing import Any, Literal, NamedTuple, TypeAlias

Field: TypeAlias = "str | int"
"""What a record is asked for: a key of a dict, which is a column, or an index."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What is computed from the records of a key.

    Attributes:
        kind: How.
        field: Of which field; None counts records.
    """

    kind: Literal["count", "sum", "min", "max", "mean"]
    field: Field | None = None

    def __str__(self) -> str:
        """Return how it is written."""
        name = self.kind if self.kind in ("count", "mean") else f"{self.kind}_"
        return f"{name}({'' if self.field is None else repr(self.field)})"


def count(field: Field | None = None) -> Aggregate:
    """Count the records, or the values of a field that are not null.

    Example:
        >>> from raystreaming import StreamingContext, count, max_
        >>> ctx = StreamingContext()
        >>> rows = ctx.from_values({"user": "ann", "n": 1}, {"user": "bob", "n": 5}, {"user": "ann", "n": 3})
        >>> _ = rows.key_by("user").agg(orders=count(), largest=max_("n"), updates="final").collect()
        >>> for row in ctx.execute("count").result():
        ...     print(row)
        {'user': 'ann', 'orders': 2, 'largest': 3}
        {'user': 'bob', 'orders': 1, 'largest': 5}
    """
    return Aggregate("count", field)


def sum_(field: Field) -> Aggregate:
    """Add up a field; whole numbers exactly."""
    return Aggregate("sum", field)


def min_(field: Field) -> Aggregate:
    """Find the least value of a field."""
    return Aggregate("min", field)


def max_(field: Field) -> Aggregate:
    """Find the greatest value of a field."""
    return Aggregate("max", field)


def mean(field: Field) -> Aggregate:
    """Divide the sum of a field by the count of its values."""
    return Aggregate("mean", field)


class Slot(NamedTuple):
    """What is kept of the records of a key."""

    kind: Literal["count", "sum", "min", "max"]
    field: Field | None


def _more(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _less(a: Any, b: Any) -> Any:
    if a is None or a != a:
        return a if b is None else b
    return b if b is not None and b < a else a


def _greater(a: Any, b: Any) -> Any:
    if a is None or a != a:
        return a if b is None else b
    return b if b is not None and b > a else a


COMBINE: Mapping[str, Callable[[Any, Any], Any]] = {
    "count": add,
    "sum": _more,
    "min": _less,
    "max": _greater,
}

State: TypeAlias = "tuple[Any, ...]"
"""The slots of one key."""


class Plan:
    """Which slots some aggregates need, and what becomes of them.

    Args:
        aggregates: The aggregates by the names of their results.

    Attributes:
        slots: The slots, each once.
        names: The names of the results.
        fields: The fields that are looked at.
        combined: Takes the slots of two halves of the records, returns those of all.
    """

    def __init__(self, aggregates: Mapping[str, Aggregate]) -> None:
        self.aggregates = dict(aggregates)
        self.names = list(aggregates)
        self.slots = list(dict.fromkeys(slot for a in aggregates.values() for slot in _slots(a)))
        self.fields = list(dict.fromkeys(slot.field for slot in self.slots if slot.field is not None))
        self.combined = _combining([COMBINE[slot.kind] for slot in self.slots])
        self._getters = [None if s.field is None else itemgetter(s.field) for s in self.slots]
        at = {slot: i for i, slot in enumerate(self.slots)}
        self._places = [tuple(at[slot] for slot in _slots(a)) for a in aggregates.values()]

    @property
    def call(self) -> str:
        """What the program has written, for messages."""
        return f"agg({', '.join(f'{name}={a}' for name, a in self.aggregates.items())})"

    def of_row(self, row: Any) -> State:
        """Return the slots of one record."""
        state: list[Any] = []
        for slot, get in zip(self.slots, self._getters, strict=True):
            value = 1 if get is None else get(row)
            if slot.kind == "count":
                value = 0 if value is None else 1
            elif slot.kind == "sum" and isinstance(value, bool):
                value = int(value)  # as a sum of several is
            state.append(value)
        return tuple(state)

    def results(self, states: Sequence[State]) -> list[list[Any]]:
        """Return a column of results for each name."""
        columns = list(map(list, zip(*states, strict=True))) if states else [[] for _ in self.slots]
        return [
            columns[place[0]]
            if len(place) == 1
            else [None if not n else total / n for total, n in zip(*(columns[i] for i in place), strict=True)]
            for place in self._places
        ]


def _combining(functions: Sequence[Callable[[Any, Any], Any]]) -> Callable[[State, State], State]:
    if len(functions) == 1:
        (one,) = functions
        return lambda old, new: (one(old[0], new[0]),)
    return lambda old, new: tuple([f(a, b) for f, a, b in zip(functions, old, new, strict=True)])


def _slots(aggregate: Aggregate) -> list[Slot]:
    if aggregate.kind == "mean":
        return [Slot("sum", aggregate.field), Slot("count", aggregate.field)]
    return [Slot(aggregate.kind, aggregate.field)]
