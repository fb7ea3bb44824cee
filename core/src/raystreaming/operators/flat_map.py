"""flat_map: one record becomes any number."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice, repeat
from typing import Any

from raystreaming.connector.function import Collected
from raystreaming.connector.operator import Operator, OperatorContext
from raystreaming.operators.function_state import open_with_state, saved_state
from raystreaming.operators.guard import Attempts, Guard
from raystreaming.operators.user_function import (
    blame,
    close_function,
    failure,
    per_task,
)
from raystreaming.records import Batch, OpaqueColumn, rows_of


class FlatMap(Operator):
    """Calls a function that returns an iterable, or that takes a collector.

    Results are pulled piece by piece, so that endless ones do no harm. Where they are lists, as they
    mostly are, they stay lists inside the piece: the loop behind runs over them without a copy.
    """

    def __init__(self, fn: Callable[..., Any]) -> None:
        self._fn = per_task(fn)
        self._call = _with_collector(self._fn) if _takes_collector(self._fn) else self._fn
        self._growth = 1.0  # results per record, of late
        self._state: bytes | None = None

    def open(self, ctx: OperatorContext) -> None:
        """Open the function if it is an object with `open`."""
        self._id = ctx.operator
        self._piece = ctx.piece
        open_with_state(self._fn, ctx, self._state)

    def snapshot(self) -> bytes | None:
        """Return the state of a function that has one."""
        return saved_state(self._fn, self._id)

    def restore(self, state: bytes) -> None:
        """Keep the function's state for `open`."""
        self._state = state

    def close(self) -> None:
        """Close the function if it is an object with `close`."""
        close_function(self._fn)

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the results in pieces."""
        for piece, nested in self.pieces(batch):
            yield Batch(list(chain.from_iterable(piece.values))) if nested else piece

    def pieces(self, batch: Batch) -> Iterator[tuple[Batch, bool]]:
        """Yield the results in pieces, and whether the values of a piece are lists of results."""
        values = rows_of(batch.values)
        if not values:
            yield batch, False
        elif self.guard is not None:
            for piece in self._guarded(values, batch.timestamps):
                yield piece, False
        elif batch.timestamps is not None:
            for piece in self._with_timestamps(values, batch.timestamps):
                yield piece, False
        else:
            yield from self._in_pieces(values)

    def _in_pieces(self, values: list[Any]) -> Iterator[tuple[Batch, bool]]:
        call, start = self._call, 0
        while start < len(values):
            part = values[start : start + max(1, int(self._piece.records / self._growth))]
            start += len(part)
            it = iter(part)
            try:
                results: list[Any] = [call(value) for value in it]
            except Exception as error:
                blame(self._id, self._fn, part, it, error)
            if set(map(type, results)) <= {list, Collected}:
                count = sum(map(len, results))
                self._growth = max(0.1, count / len(part))
                if count <= 2 * self._piece.records:
                    yield Batch(results), True
                    continue
            for piece in self._flat(results, part):
                yield piece, False

    def _flat(self, results: list[Iterable[Any]], part: list[Any]) -> Iterator[Batch]:
        source = iter(results)
        flat: Iterator[Any] = chain.from_iterable(source)
        while True:
            size = self._piece.records
            try:
                piece = list(islice(flat, size))
            except Exception as error:
                blame(self._id, self._fn, part, source, error)
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

    def _guarded(self, values: list[Any], timestamps: Sequence[int] | OpaqueColumn | None) -> Iterator[Batch]:
        """Yield what becomes of each record: all results of it, or none."""
        guard: Guard = self.guard
        times = [] if timestamps is None else list(timestamps)
        out: list[Any] = []
        out_times: list[int] = []
        for i, value in enumerate(values):
            attempts = Attempts(guard, partial(self._all_of, value), value, self._fn)
            for _ in attempts:
                yield Batch([])
            if attempts.done:
                out += attempts.result
                out_times += [times[i]] * len(attempts.result) if times else []
            while len(out) >= self._piece.records:
                size = self._piece.records
                yield Batch(out[:size], None, out_times[:size] if times else None)
                out, out_times = out[size:], out_times[size:]
        yield Batch(out, None, out_times if times else None)

    def _all_of(self, value: Any) -> list[Any]:
        return list(self._call(value))


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


def _with_collector(fn: Callable[..., Any]) -> Callable[[Any], Iterable[Any]]:
    def call(value: Any) -> Iterable[Any]:
        collector = Collected()
        fn(value, collector)
        return collector

    return call
