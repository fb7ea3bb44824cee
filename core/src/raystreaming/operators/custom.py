"""Operators that users and plugins bring: held to the contract, and named in errors."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from raystreaming.connector.factory import FunctionOperator, OperatorFactory
from raystreaming.connector.operator import Operator, OperatorContext
from raystreaming.errors import add_note
from raystreaming.operators.flat_map import FlatMap
from raystreaming.records import Batch, is_columnar, rows_of


def custom(options: OperatorFactory[Any, Any] | FunctionOperator[Any, Any]) -> Operator:
    """Return the operator of one task."""
    if isinstance(options, FunctionOperator):
        return FlatMap(options.bound())
    return CustomOperator(options)


class CustomOperator(Operator):
    """Runs the operator that a factory makes."""

    def __init__(self, factory: OperatorFactory[Any, Any]) -> None:
        self._name = type(factory).__qualname__
        self._columnar = factory.columnar
        with self._named():
            self._operator = self._checked(factory.make())

    def _checked(self, operator: Any) -> Operator:
        if not isinstance(operator, Operator):
            raise TypeError(f"make() returned {operator!r}, which is no Operator")
        kind = type(operator)
        if kind.snapshot is not Operator.snapshot and kind.restore is Operator.restore:
            raise TypeError(
                f"{kind.__qualname__} has snapshot() and no restore(): nothing could take the state back"
            )
        return operator

    def restore(self, state: bytes) -> None:
        """Give the state back."""
        with self._named():
            self._operator.restore(state)

    def open(self, ctx: OperatorContext) -> None:
        """Open the operator."""
        self._name = ctx.operator
        with self._named():
            self._operator.open(ctx)

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield what becomes of the batch, at least an empty one."""
        if not len(batch):
            yield batch
            return
        if not (isinstance(batch.values, list) or (self._columnar and is_columnar(batch.values))):
            batch = Batch(rows_of(batch.values), batch.keys, batch.timestamps)
        empty = True
        for result in self._results(lambda: self._operator.process(batch)):
            empty = False
            yield result
        if empty:
            yield Batch([])

    def finish(self) -> Iterator[Batch]:
        """Yield what is left."""
        return self._results(self._operator.finish)

    def _results(self, call: Callable[[], Iterator[Batch]]) -> Iterator[Batch]:
        with self._named():
            for result in call():
                if not isinstance(result, Batch):
                    raise TypeError(f"yielded {type(result).__name__}: write yield Batch(list)")
                yield result

    def snapshot(self) -> bytes | None:
        """Return the operator's state."""
        with self._named():
            state: object = self._operator.snapshot()
            if state is not None and not isinstance(state, bytes):
                raise TypeError(f"snapshot() returned {type(state).__name__}: write return pack(state)")
            return state

    def close(self) -> None:
        """Close the operator."""
        with self._named():
            self._operator.close()

    @contextmanager
    def _named(self) -> Generator[None, None, None]:
        """Note on any error which operator it came from."""
        try:
            yield
        except Exception as error:
            add_note(error, f"in operator {self._name!r}")
            raise
