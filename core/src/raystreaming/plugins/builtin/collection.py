"""Values in memory as a source."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeVar

from raystreaming.connector.options import option
from raystreaming.connector.source import (
    Fetched,
    PlanContext,
    Position,
    Reader,
    ReaderContext,
    Source,
    Split,
)
from raystreaming.records import Batch

T_co = TypeVar("T_co", covariant=True)


class CollectionSource(Source[T_co]):
    """Reads a sequence.

    Delivery: exactly once, as far as the sequence is the same at a restart. Parallelism: one task
    reads. A restart goes on at the index of the checkpoint.
    """

    parallel = False

    values: Sequence[Any] = option(kw_only=False, doc="The records, in order.")

    @property
    def bounded(self) -> bool:
        """True."""
        return True

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """Return one split with the number of values."""
        return [Split("values", {"stop": len(self.values)})]

    def open(self, ctx: ReaderContext) -> Reader[T_co]:
        """Return a reader of slices."""
        return _CollectionReader(self.values)


class _CollectionReader(Reader[T_co]):
    def __init__(self, values: Sequence[Any]) -> None:
        # A deque is a sequence too, but one that is slow in the middle and has no slices.
        self._values = list(values) if isinstance(values, deque) else values
        self._splits: deque[tuple[Split, Position]] = deque()

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        self._splits.extend(splits)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        if not self._splits:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return None
        split, position = self._splits.popleft()
        start = position or 0
        last = self._stop(split)
        stop = min(start + limit, last)
        end = stop >= last
        if not end:
            self._splits.append((split, stop))
        values: list[Any]
        if isinstance(self._values, list | tuple | range):
            values = list(self._values[start:stop])
        else:  # a sequence of the user's: it need not have slices
            values = [self._values[i] for i in range(start, stop)]
        return Fetched(split.id, Batch(values) if values else None, stop, end)

    def lag(self) -> int:
        """Return how many values follow."""
        return sum(max(0, self._stop(split) - (position or 0)) for split, position in self._splits)

    def _stop(self, split: Split) -> int:
        return min(int(split.payload["stop"]), len(self._values))
