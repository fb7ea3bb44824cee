"""A Java source function as a source, and a Java sink function as a sink."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from raystreaming.connector import (
    Batch,
    Fetched,
    PlanContext,
    Position,
    Reader,
    ReaderContext,
    Sink,
    Source,
    Split,
    Writer,
    WriterContext,
    option,
)
from raystreaming.connector.operator import OperatorContext, PieceLimit
from raystreaming_java.classes import open_classes
from raystreaming_java.column import JavaColumn
from raystreaming_java.failures import translated
from raystreaming_java.function import JavaFunction
from raystreaming_java.jvm import bridge
from raystreaming_java.operators import JavaOperator, JavaStage


class JavaSource(Source[Any]):
    """Reads from a ``SourceFunction`` of Java.

    Delivery: exactly once if the function keeps a position (``saveCheckpoint``), else a restart loses
    what came since the last checkpoint. Parallelism: any; each task has a function object that is told
    its index. A restart goes on at the position of the checkpoint.
    """

    function: JavaFunction = option(doc="The function.")

    @property
    def bounded(self) -> bool:
        """False: only the function knows whether it ends."""
        return False

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """Return one split per task."""
        n = ctx.parallelism
        return [Split(f"{index}-of-{n}", {"index": index, "parallelism": n}) for index in range(n)]

    def open(self, ctx: ReaderContext) -> Reader[Any]:
        """Return a reader that asks the function again and again."""
        return _JavaReader(self.function, ctx.operator)


class _JavaReader(Reader[Any]):
    def __init__(self, function: JavaFunction, operator: str) -> None:
        self._function = function
        self._operator = operator
        self._java = bridge(function.settings)
        self._classes = open_classes(function.settings)
        self._open: list[tuple[str, Any, Position]] = []

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        packed = self._function.packed(self._operator)
        for split, position in splits:
            index, parallelism = split.payload["index"], split.payload["parallelism"]
            with translated(self._java):
                host = self._java.source_host(packed, self._classes, index, parallelism, position)
            self._open.append((split.id, host, position))

    def read(self, limit: int, deadline: float) -> Fetched | None:
        if not self._open:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return None
        split, host, _ = self._open.pop(0)
        wait = max(1, int(1000 * (deadline - time.monotonic()) / (1 + len(self._open))))
        with translated(self._java):
            column = host.read(limit, wait)
            ended = bool(host.ended())
            position = host.position()
        position = None if position is None else bytes(position)
        if ended:
            self._close(host)
        else:
            self._open.append((split, host, position))
        if column is None:
            return Fetched(split, None, position, end=True) if ended else None
        rows = JavaColumn(
            column,
            column.size(),
            self._function.settings,
            for_python=False,
            schema=self._function.given,
        )
        return Fetched(split, Batch(rows), position, ended)

    def close(self) -> None:
        for _, host, _ in self._open:
            self._close(host)
        self._classes.close()

    def _close(self, host: Any) -> None:
        with translated(self._java):
            host.close()


class JavaSink(Sink[Any]):
    """Writes to a ``SinkFunction`` of Java.

    Delivery: at least once. Parallelism: any; each task has a function object of its own. A restart
    repeats the records since the last checkpoint.
    """

    opaque = (JavaColumn,)

    function: JavaFunction = option(doc="The function.")

    def open(self, state: bytes | None, ctx: WriterContext) -> Writer[Any]:
        """Return a writer that calls the function with every record."""
        return _JavaWriter(self.function, ctx)


class _JavaWriter(Writer[Any]):
    def __init__(self, function: JavaFunction, ctx: WriterContext) -> None:
        self._java = bridge(function.settings)
        self._operator = JavaOperator(function, for_python=False)
        self._operator.open(OperatorContext(ctx.operator, ctx.task, ctx.parallelism, PieceLimit()))
        self._stage = JavaStage([self._operator])

    def write(self, batch: Batch) -> None:
        for _ in self._stage.process(batch):
            pass

    def flush(self) -> None:
        with translated(self._java):
            self._operator.host.flush()

    def close(self) -> None:
        self._operator.close()
