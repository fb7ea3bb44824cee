"""Operators with state by key."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from raystreaming.connector.operator import Operator, OperatorContext
from raystreaming.operators.user_function import describe, failure, per_task
from raystreaming.records import Batch, rows_of
from raystreaming.state import KeyedValues

_ABSENT: Any = object()


class KeyedOperator(Operator):
    """An operator whose state is kept by key group, so that it can move between tasks."""

    @property
    @abstractmethod
    def state(self) -> KeyedValues:
        """The operator's state; the engine snapshots and restores it."""


class Reduce(KeyedOperator):
    """Combines the records of each key; every input yields the updated value of its key."""

    def __init__(self, fn: Callable[[Any, Any], Any], key_groups: int) -> None:
        self._fn = per_task(fn)
        self._state = KeyedValues(key_groups)
        self._id = ""

    @property
    def state(self) -> KeyedValues:
        """The last value of every key."""
        return self._state

    def open(self, ctx: OperatorContext) -> None:
        """Open the function if it is an object with `open`."""
        self._id = ctx.operator
        if hasattr(self._fn, "open"):
            self._fn.open(ctx)

    def close(self) -> None:
        """Close the function if it is an object with `close`."""
        if hasattr(self._fn, "close"):
            self._fn.close()

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield one updated value per record."""
        values = rows_of(batch.values)
        keys = batch.keys
        assert keys is not None, "the graph lets reduce follow key_by only"
        fn, state, table = self._fn, self._state, self._state.table
        get, check_new = table.get, state.check_new
        updated: list[Any] = []
        append = updated.append
        key = value = None
        # A loop, not map(): the next record of a key needs the result of the one before it.
        try:
            for key, value in zip(keys, values, strict=True):
                old = get(key, _ABSENT)
                if old is _ABSENT:
                    check_new(key)
                    new = value
                else:
                    new = fn(old, value)
                table[key] = new
                append(new)
        except Exception as error:
            raise failure(self._id, fn, value, error) from error
        state.changed.update(keys)
        yield Batch(updated, None, batch.timestamps)

    def __repr__(self) -> str:
        """Name the function."""
        return f"Reduce({describe(self._fn)})"
