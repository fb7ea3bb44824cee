"""`JavaSource`: a source with a class of Java behind it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from raystreaming.connector import (
    Batch,
    Fetched,
    PlanContext,
    Position,
    Reader,
    ReaderContext,
    Source,
    Split,
    option,
)
from raystreaming.records import pack
from raystreaming_java.backed import JavaBacked, unpacked
from raystreaming_java.classes import open_classes
from raystreaming_java.column import JavaColumn
from raystreaming_java.failures import translated
from raystreaming_java.function import JavaFunction
from raystreaming_java.jvm import bridge

T_co = TypeVar("T_co", covariant=True)


class JavaSource(JavaBacked, Source[T_co]):
    """Base of sources with a ``io.ray.streaming.api.connector.Source`` of Java behind them.

    A subclass says ``java = "com.acme.AcmeSource"`` and declares its options, which the Java class is
    given by ``configure``.

    Delivery: exactly once; positions are in the checkpoint. Parallelism: a split; more tasks than splits
    leave tasks without work. A restart goes on at the positions of the checkpoint.
    """

    language = "java"
    _kind = "from_java"

    @property
    def bounded(self) -> bool:
        """What the Java class says. Of a function nobody knows."""
        return self._said is not None and bool(self._said["bounded"])

    @property
    def discovery_interval(self) -> float | None:
        """What the Java class says."""
        interval: float | None = None if self._said is None else self._said["interval"]
        return interval

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """Return the splits that the Java class lists; for a function, one per task."""
        n = ctx.parallelism
        if self._said is None:
            return [Split(f"{index}-of-{n}", {"index": index, "parallelism": n}) for index in range(n)]
        known = {id_: [dict(k.split.payload), k.position, k.ended] for id_, k in ctx.known.items()}
        with translated(self._bridge):
            splits = self._bridge.connections.splits(self._packed, self._classes, n, pack(known))
        return [Split(id_, payload) for id_, payload in unpacked(splits)]

    def open(self, ctx: ReaderContext) -> Reader[T_co]:
        """Return a reader of splits."""
        function = replace(self._function, given=self._schema)
        if self._said is None:
            return _FunctionReader(function, ctx, in_turn=True)
        return _SplitReader(function, ctx, in_turn=not self._said["splits_end"])


class NamedSource(JavaSource[Any]):
    """What ``ctx.from_java`` reads: a ``Source``, or a ``SourceFunction``.

    A function is exactly once if it keeps a position (``saveCheckpoint``), else a restart loses what came
    since the last checkpoint. Each task has a function object of its own, which is told its index.
    """

    function: JavaFunction = option(doc="The function or source.")

    def _made_function(self) -> JavaFunction:
        return self.function


class _JavaReader(Reader[Any]):
    """Asks hosts in Java for records.

    Args:
        function: What is read from.
        ctx: What it may know.
        in_turn: Whether all splits are open and asked in turn, else one after the other.
    """

    def __init__(self, function: JavaFunction, ctx: ReaderContext, in_turn: bool) -> None:
        self._settings = function.settings
        self._schema = function.given
        self._packed = function.packed(ctx.operator, ctx.config)
        self._task, self._parallelism = ctx.task, ctx.parallelism
        self._in_turn = in_turn
        self._java = bridge(function.settings)
        self._classes = open_classes(function.settings)
        self._waiting: deque[tuple[Split, Position]] = deque()
        self._open: deque[tuple[str, Any]] = deque()

    def host(self, split: Split, position: Position) -> Any:
        """Return the Java side of a split."""
        raise NotImplementedError

    def position(self, host: Any) -> Position:
        """Return how far a split has been read."""
        raise NotImplementedError

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        self._waiting.extend(splits)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        while self._waiting and (self._in_turn or not self._open):
            split, position = self._waiting.popleft()
            with translated(self._java):
                self._open.append((split.id, self.host(split, position)))
        if not self._open:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return None
        id_, host = self._open[0]
        wait = max(1, int(1000 * (deadline - time.monotonic()) / len(self._open)))
        with translated(self._java):
            column = host.read(limit, wait)
            ended = bool(host.ended())
            position = self.position(host)
        self._open.rotate(-1)
        if ended:
            self._open.pop()
            self._close(host)
        if column is None:
            return Fetched(id_, None, position, end=True) if ended else None
        rows = JavaColumn(column, column.size(), self._settings, for_python=False, schema=self._schema)
        return Fetched(id_, Batch(rows), position, ended)

    def close(self) -> None:
        for _, host in self._open:
            self._close(host)
        self._classes.close()

    def _close(self, host: Any) -> None:
        with translated(self._java):
            host.close()


class _FunctionReader(_JavaReader):
    """Reads from a ``SourceFunction``; positions are bytes of Java."""

    def host(self, split: Split, position: Position) -> Any:
        index, parallelism = split.payload["index"], split.payload["parallelism"]
        return self._java.function_source_host(self._packed, self._classes, index, parallelism, position)

    def position(self, host: Any) -> Position:
        position = host.position()
        return None if position is None else bytes(position)


class _SplitReader(_JavaReader):
    """Reads the splits of a ``Source``."""

    def host(self, split: Split, position: Position) -> Any:
        what = (split.id, pack(dict(split.payload)), _packed(position))
        return self._java.split_host(self._packed, self._classes, self._task, self._parallelism, *what)

    def position(self, host: Any) -> Position:
        position = host.position()
        return None if position is None else unpacked(position)

    def lag(self) -> int | None:
        lags: list[int] = []
        for _, host in self._open:
            with translated(self._java):
                lags.append(int(host.lag()))
        return None if self._waiting or -1 in lags else sum(lags)

    def commit(self, positions: Mapping[str, Position]) -> None:
        for id_, host in self._open:
            if id_ in positions:
                with translated(self._java):
                    host.committed(_packed(positions[id_]))


def _packed(position: Position) -> bytes | None:
    return None if position is None else pack(position)
