"""A `SourceFunction` as a source."""

from __future__ import annotations

import copy
import pickle
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeVar

from raystreaming.connector.function import SourceFunction, has_state
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


class _FunctionReader(Reader[T_co]):
    """Serves its splits in turn, each by a clone of the function."""

    def __init__(self, template: SourceFunction[Any], ctx: ReaderContext) -> None:
        self._template = template
        self._context = ctx
        self._waiting: deque[tuple[Split, Position]] = deque()
        self._open: deque[tuple[str, SourceFunction[Any]]] = deque()

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        self._waiting.extend(splits)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        while self._waiting:
            split, position = self._waiting.popleft()
            self._open.append((split.id, self._opened(split, position)))
        while True:
            for _ in range(len(self._open)):
                fetched = self._fetch()
                if fetched is not None:
                    return fetched
            pause = min(_PAUSE, deadline - time.monotonic())
            if pause <= 0:
                return None
            time.sleep(pause)

    def _opened(self, split: Split, position: Position) -> SourceFunction[Any]:
        function = copy.deepcopy(self._template)
        index, parallelism = split.payload["index"], split.payload["parallelism"]
        context = self._context
        function.open(
            OperatorContext(context.operator, index, parallelism, PieceLimit(), config=context.config)
        )
        function.init(parallelism, index)
        if position is not None:
            function.load_checkpoint(pickle.loads(position))
        return function

    def _fetch(self) -> Fetched | None:
        split, function = self._open[0]
        collected = _Collected()
        ended = function.fetch(collected) is False
        if ended:
            self._open.popleft()
            function.close()
        else:
            self._open.rotate(-1)
        if not collected and not ended:
            return None
        batch = Batch(list(collected)) if collected else None
        return Fetched(split, batch, self._position(function), ended)

    def _position(self, function: SourceFunction[Any]) -> Position:
        return pickle.dumps(function.save_checkpoint(), protocol=5) if has_state(function) else None

    def close(self) -> None:
        for _, function in self._open:
            function.close()


class _Collected(list[Any]):
    """Takes the records of one call."""

    collect = list.append
