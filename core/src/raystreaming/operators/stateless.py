"""map, flat_map, filter, union, key_by and the end of a chain in a sink."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, compress, islice, repeat
from typing import TYPE_CHECKING, Any

from raystreaming.connector.operator import Operator, OperatorContext
from raystreaming.operators.user_function import blame, call_each, failure, per_task
from raystreaming.records import Batch, rows_of

if TYPE_CHECKING:
    import pyarrow.compute as pc


class _FunctionOperator(Operator):
    """An operator around one user function; opens and closes function objects."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = per_task(fn)
        self._id = ""

    def open(self, ctx: OperatorContext) -> None:
        self._id = ctx.operator
        if hasattr(self._fn, "open"):
            self._fn.open(ctx)

    def close(self) -> None:
        if hasattr(self._fn, "close"):
            self._fn.close()


class Map(_FunctionOperator):
    """One record becomes one record."""

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the mapped records."""
        values = call_each(self._id, self._fn, rows_of(batch.values))
        yield Batch(values, None, batch.timestamps)


class FlatMap(_FunctionOperator):
    """One record becomes any number; pulled piece by piece, so endless results do no harm."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        super().__init__(fn)
        self._call = _with_collector(self._fn) if _takes_collector(self._fn) else self._fn

    def open(self, ctx: OperatorContext) -> None:
        super().open(ctx)
        self._piece = ctx.piece

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the results in pieces."""
        values = rows_of(batch.values)
        if batch.timestamps is not None:
            yield from self._with_timestamps(values, batch.timestamps)
            return
        source = iter(values)
        results: Iterator[Any] = chain.from_iterable(map(self._call, source))
        while True:
            size = self._piece.records
            try:
                piece = list(islice(results, size))
            except Exception as error:
                blame(self._id, self._fn, values, source, error)
            yield Batch(piece)
            if len(piece) < size:
                return

    def _with_timestamps(self, values: list[Any], timestamps: Iterable[int]) -> Iterator[Batch]:
        for value, timestamp in zip(values, timestamps, strict=True):
            try:
                results = iter(self._call(value))
                while piece := list(islice(results, self._piece.records)):
                    yield Batch(piece, None, list(repeat(timestamp, len(piece))))
            except Exception as error:
                raise failure(self._id, self._fn, value, error) from error
        yield Batch([])


def _takes_collector(fn: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return False
    required = [
        p
        for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return len(required) == 2


class Collector(list[Any]):
    """Takes the results of a function ``fn(value, collector)``."""

    collect = list.append


def _with_collector(fn: Callable[..., Any]) -> Callable[[Any], Iterable[Any]]:
    def call(value: Any) -> Iterable[Any]:
        collector = Collector()
        fn(value, collector)
        return collector

    return call


class Filter(_FunctionOperator):
    """Keeps the records for which a function is true."""

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the records kept."""
        values = rows_of(batch.values)
        if batch.timestamps is None:
            it = iter(values)
            try:
                kept = list(filter(self._fn, it))
            except Exception as error:
                blame(self._id, self._fn, values, it, error)
            yield Batch(kept)
        else:
            wanted = call_each(self._id, self._fn, values)
            yield Batch(
                list(compress(values, wanted)), None, list(compress(batch.timestamps, wanted))
            )


class FilterExpression(Operator):
    """Keeps the rows for which an Arrow expression is true; rows that are lists become Arrow."""

    def __init__(self, expression: pc.Expression) -> None:
        self._expression = expression

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the rows kept."""
        import pyarrow as pa

        values = batch.values
        if isinstance(values, list):
            values = pa.RecordBatch.from_pylist(values)
        table = pa.Table.from_batches([values]).filter(self._expression)
        pieces = table.combine_chunks().to_batches()
        yield Batch(pieces[0] if pieces else values.slice(0, 0))


class Union(Operator):
    """Passes records of all inputs on."""

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the batch as it is."""
        yield batch


class KeyBy(_FunctionOperator):
    """Gives every record a key; the edge behind it brings equal keys to one task."""

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the batch with keys; a list as key becomes a tuple."""
        values = rows_of(batch.values)
        keys = call_each(self._id, self._fn, values)
        if list in set(map(type, keys)):
            keys = [_frozen(key) for key in keys]
        yield Batch(values, keys, batch.timestamps)


def _frozen(key: Any) -> Any:
    return tuple(_frozen(part) for part in key) if isinstance(key, list | tuple) else key
