"""`JavaSink`: a sink with a class of Java behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from raystreaming.connector import Batch, Prepared, TwoPhaseSink, TwoPhaseWriter, WriterContext, option
from raystreaming.connector.operator import OperatorContext, PieceLimit
from raystreaming.records import pack
from raystreaming_java.backed import JavaBacked
from raystreaming_java.classes import open_classes
from raystreaming_java.column import JavaColumn, to_java
from raystreaming_java.failures import translated
from raystreaming_java.function import JavaFunction
from raystreaming_java.jvm import bridge
from raystreaming_java.operators import JavaOperator, JavaStage

T_contra = TypeVar("T_contra", contravariant=True)


class JavaSink(JavaBacked, TwoPhaseSink[T_contra]):
    """Base of sinks with a ``io.ray.streaming.api.connector.Sink`` of Java behind them.

    A subclass says ``java = "com.acme.AcmeSink"`` and declares its options, which the Java class is given
    by ``configure``.

    Delivery: exactly once if the Java class is a ``TwoPhaseSink``, else at least once. Parallelism: any;
    each task has a writer. A restart repeats nothing, or, at least once, the records since the last
    checkpoint.
    """

    language = "java"
    opaque = (JavaColumn,)
    _kind = "sink"

    @property
    def delivery(self) -> str:
        """What the Java class is made for."""
        return "exactly-once" if self._two_phase else "at-least-once"

    @property
    def _two_phase(self) -> bool:
        return self._said is not None and bool(self._said["two_phase"])

    def open(self, state: bytes | None, ctx: WriterContext) -> TwoPhaseWriter[T_contra]:
        """Return the writer of a task."""
        function = replace(self._function, taken=self._schema)
        if self._said is None:
            return _FunctionWriter(function, ctx)
        return _JavaWriter(function, state, ctx)

    def commit(self, committables: Sequence[bytes]) -> None:
        """Have the Java class make prepared output visible."""
        with translated(self._bridge):
            self._bridge.connections.commit(self._packed, self._classes, list(committables))

    def abort(self, committables: Sequence[bytes]) -> None:
        """Have the Java class throw output away."""
        with translated(self._bridge):
            self._bridge.connections.abort(self._packed, self._classes, list(committables))

    def list_open(self, owner: str) -> Sequence[bytes]:
        """Return what the Java class finds that is neither committed nor aborted."""
        if not self._two_phase:
            return []
        with translated(self._bridge):
            found = self._bridge.connections.listOpen(self._packed, self._classes, owner)
        return [bytes(each) for each in found]


class NamedSink(JavaSink[Any]):
    """What ``stream.sink("com.acme.Sink")`` writes to: a ``Sink``, or a ``SinkFunction`` (at least once)."""

    function: JavaFunction = option(doc="The function or sink.")

    def _made_function(self) -> JavaFunction:
        return self.function


class _JavaWriter(TwoPhaseWriter[Any]):
    """Writes to a ``Sink``; one that has no two phases prepares nothing."""

    def __init__(self, function: JavaFunction, state: bytes | None, ctx: WriterContext) -> None:
        self._operator = ctx.operator
        self._schema = function.taken
        self._java = bridge(function.settings)
        self._classes = open_classes(function.settings)
        packed = function.packed(ctx.operator, ctx.config)
        with translated(self._java):
            self._host = self._java.sink_host(packed, self._classes, _packed(ctx), state)
            self._prepares_later = bool(self._host.preparesLater())

    def write(self, batch: Batch) -> None:
        column = to_java(batch.values, self._java, self._operator, self._schema, self._classes)
        with translated(self._java):
            self._host.write(column)

    def prepare(self, epoch: int) -> Prepared:
        with translated(self._java):
            if not self._prepares_later:
                return _bytes(self._host.prepare(epoch))
            rest = self._host.prepareLater(epoch)
        return None if rest is None else partial(self._finish, rest)

    def _finish(self, rest: Any) -> bytes | None:
        """Do the rest of preparing, in the worker's I/O thread."""
        with translated(self._java):
            return _bytes(rest.finish())

    def snapshot(self) -> bytes | None:
        with translated(self._java):
            return _bytes(self._host.snapshot())

    def close(self) -> None:
        with translated(self._java):
            self._host.close()
        self._classes.close()


class _FunctionWriter(TwoPhaseWriter[Any]):
    """Calls a ``SinkFunction`` with every record; prepares nothing."""

    def __init__(self, function: JavaFunction, ctx: WriterContext) -> None:
        self._java = bridge(function.settings)
        self._operator = JavaOperator(function, for_python=False)
        self._operator.open(
            OperatorContext(ctx.operator, ctx.task, ctx.parallelism, PieceLimit(), ctx.config)
        )
        self._stage = JavaStage([self._operator])

    def write(self, batch: Batch) -> None:
        for _ in self._stage.process(batch):
            pass

    def prepare(self, epoch: int) -> None:
        with translated(self._java):
            self._operator.host.flush()

    def close(self) -> None:
        self._operator.close()


def _packed(ctx: WriterContext) -> bytes:
    names = ("owner", "durable", "run", "operator", "task", "parallelism")
    return pack({name: getattr(ctx, name) for name in names})


def _bytes(data: Any) -> bytes | None:
    return None if data is None else bytes(data)
