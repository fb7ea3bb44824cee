"""`JavaPartition`: a partition function in Java."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from raystreaming.connector.operator import OperatorContext
from raystreaming.connector.partition import OpenPartition, PartitionFunction
from raystreaming.records import Batch
from raystreaming_java.classes import open_classes
from raystreaming_java.column import to_java
from raystreaming_java.failures import translated
from raystreaming_java.function import JavaFunction
from raystreaming_java.jvm import bridge


@dataclass(frozen=True)
class JavaPartition(PartitionFunction):
    """A ``Partition``; it looks at records where they are, in Java."""

    function: JavaFunction

    def problems(self, operator: str) -> Iterable[str]:
        return self.function.problems(operator, {})  # the config is that of the sending operator

    def open(self, ctx: OperatorContext) -> OpenPartition:
        return _OpenJavaPartition(self.function, ctx)


class _OpenJavaPartition(OpenPartition):
    def __init__(self, function: JavaFunction, ctx: OperatorContext) -> None:
        self._taken = function.taken
        self._operator = ctx.operator
        self._java = bridge(function.settings)
        self._classes = open_classes(function.settings)
        packed = function.packed(ctx.operator, ctx.config)
        with translated(self._java):
            self._host = self._java.partition_host(packed, self._classes, ctx.task, ctx.parallelism)

    def split(self, batch: Batch, tasks: int) -> Sequence[Any]:
        values = to_java(batch.values, self._java, self._operator, self._taken, self._classes)
        with translated(self._java):
            split: Sequence[Any] = self._host.split(values, tasks)
        return split

    def close(self) -> None:
        with translated(self._java):
            self._host.close()
        self._classes.close()
