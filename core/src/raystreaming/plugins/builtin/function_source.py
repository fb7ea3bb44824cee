"""A `SourceFunction` as a source."""

from __future__ import annotations

import copy
import pickle
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from raystreaming.connector.function import Collected, SourceFunction, has_state
from raystreaming.connector.operator import OperatorContext, PieceLimit
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

_PAUSE = 0.01
"""Seconds until a function that had nothing is asked again."""


class FunctionSource(Source[T_co]):
    """Reads from a `SourceFunction`.

    Delivery: exactly once if the function has ``save_checkpoint``, else at most once. Parallelism: any; each
    task has a clone, which is told its share. A restart gives each its state back.
    """

    function: SourceFunction[Any] = option(kw_only=False, doc="Each task clones it.")

    def __post_init__(self) -> None:
        object.__setattr__(self, "replayable", has_state(self.function))

    @property
    def bounded(self) -> bool:
        """True: whether the function ends is its own affair, and no further splits appear."""
        return True

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """Return one split for each task."""
        n = ctx.parallelism
        return [Split(f"{index}-of-{n}", {"index": index, "parallelism": n}) for index in range(n)]

    def open(self, ctx: ReaderContext) -> Reader[T_co]:
        """Return the reader of one task."""
        return _FunctionReader(self.function, ctx)


@dataclass(slots=True, eq=False)
class _Share:
    """What one task of the job, or of an earlier run of it, reads.

    Attributes:
        split: Id of its split.
        function: Its clone of the function.
        waiting: Records that the function has collected, beyond what a read may return.
        ended: Whether the function has said that there are no more.
    """

    split: str
    function: SourceFunction[Any]
    waiting: list[Any] = field(default_factory=list[Any])
    ended: bool = False

    def fetch(self, limit: int) -> Fetched | None:
        """Return the next records, asking the function if none wait."""
        if not self.waiting and not self.ended:
            collected = Collected()
            self.ended = self.function.fetch(collected) is False
            self.waiting = list(collected)
        if not self.waiting and not self.ended:
            return None
        values, self.waiting = self.waiting[:limit], self.waiting[limit:]
        batch = Batch(values) if values else None
        return Fetched(self.split, batch, self._position(), self.ended and not self.waiting)

    def _position(self) -> Position:
        """Return the state, with the records that come before it and wait."""
        if not has_state(self.function):
            return None
        return pickle.dumps((self.function.save_checkpoint(), self.waiting, self.ended), protocol=5)

    def restore(self, position: bytes) -> None:
        """Take a position back."""
        state, self.waiting, self.ended = pickle.loads(position)
        self.function.load_checkpoint(state)


class _FunctionReader(Reader[T_co]):
    """Serves its splits in turn, each by a clone of the function."""

    def __init__(self, template: SourceFunction[Any], ctx: ReaderContext) -> None:
        self._template = template
        self._context = ctx
        self._unopened: deque[tuple[Split, Position]] = deque()
        self._shares: deque[_Share] = deque()

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        self._unopened.extend(splits)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        while self._unopened:
            self._shares.append(self._opened(*self._unopened.popleft()))
        while True:
            for _ in range(len(self._shares)):
                share = self._shares[0]
                self._shares.rotate(-1)
                fetched = share.fetch(limit)
                if fetched is not None:
                    if fetched.end:
                        self._shares.remove(share)
                        share.function.close()
                    return fetched
            pause = min(_PAUSE, deadline - time.monotonic())
            if pause <= 0:
                return None
            time.sleep(pause)

    def _opened(self, split: Split, position: Position) -> _Share:
        share = _Share(split.id, copy.deepcopy(self._template))
        index, parallelism = split.payload["index"], split.payload["parallelism"]
        told = self._context
        context = OperatorContext(told.operator, index, parallelism, PieceLimit(), config=told.config)
        share.function.open(context)
        share.function.init(parallelism, index)
        if position is not None:
            share.restore(position)
        return share

    def close(self) -> None:
        for share in self._shares:
            share.function.close()
