"""Operators whose functions are in Java, and the stage that takes batches through a run of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import ormsgpack

from raystreaming.connector.operator import FusedOperator, Operator, OperatorContext
from raystreaming.errors import TransferError
from raystreaming.operators.guard import Guard
from raystreaming.operators.keyed import KeyedOperator
from raystreaming.records import Batch, readable_rows, rows_of
from raystreaming.state import GroupSnapshot
from raystreaming_java.classes import open_classes
from raystreaming_java.column import JavaColumn, to_java
from raystreaming_java.failures import translated
from raystreaming_java.function import JavaFunction
from raystreaming_java.jvm import bridge


class JavaOperator(FusedOperator):
    """One Java function of one task.

    Args:
        function: The function.
        for_python: Whether only Python operators come behind it.
        key_groups: Number of key groups; 0 where records have no keys.
    """

    family = "java"

    def __init__(self, function: JavaFunction, for_python: bool, key_groups: int = 0) -> None:
        self.function = function
        self.for_python = for_python
        self.id = ""
        self._key_groups = key_groups
        self._state: bytes | None = None
        self._groups: dict[int, bytes] = {}
        self._classes: Any = None
        self._host: Any = None

    @property
    def classes(self) -> Any:
        """The classes of the job; there while the operator is open."""
        return self._classes

    @property
    def host(self) -> Any:
        """The Java side; there while the operator is open."""
        assert self._host is not None, "the operator is not open"
        return self._host

    def restore(self, state: bytes) -> None:
        self._state = state

    def restore_group(self, group: int, data: bytes) -> None:
        """Keep the state of a key group for `open`."""
        self._groups[group] = data

    def open(self, ctx: OperatorContext) -> None:
        self.id = ctx.operator
        self.piece = ctx.piece
        settings = self.function.settings
        java = bridge(settings)
        self._classes = open_classes(settings)
        with translated(java):
            packed = self.function.packed(ctx.operator, ctx.config)
            host = java.operator_host(packed, self._classes, ctx.task, ctx.parallelism, self._key_groups)
            for group, data in self._groups.items():
                host.restoreGroup(group, data)
            if self._state is not None:
                host.restore(self._state)
            host.open()
        self._host, self._groups, self._state = host, {}, None

    def snapshot(self) -> bytes | None:
        with translated(bridge(self.function.settings)):
            kept = self.host.snapshot()
        return None if kept is None else bytes(kept)

    def snapshot_groups(self) -> GroupSnapshot:
        """Return the state by key group that has changed."""
        with translated(bridge(self.function.settings)):
            packed = bytes(self.host.snapshotGroups())
        full, groups = ormsgpack.unpackb(packed, option=ormsgpack.OPT_NON_STR_KEYS)
        return GroupSnapshot(full, groups)

    def close(self) -> None:
        if self._host is not None:
            with translated(bridge(self.function.settings)):
                self._host.close()
        if self._classes is not None:
            self._classes.close()
            self._classes = self._host = None

    @classmethod
    def stage(cls, operators: Sequence[Operator]) -> Operator:
        return JavaStage([op for op in operators if isinstance(op, JavaOperator)])


class _Groups:
    """The state of an operator by key group, as the engine asks for it."""

    def __init__(self, operator: JavaOperator) -> None:
        self._operator = operator

    def snapshot(self) -> GroupSnapshot:
        return self._operator.snapshot_groups()

    def restore(self, group: int, data: bytes) -> None:
        self._operator.restore_group(group, data)


class JavaKeyedOperator(JavaOperator, KeyedOperator):
    """A Java function with state by key."""

    @property
    def state(self) -> _Groups:
        """The state."""
        return _Groups(self)


class JavaStage(Operator):
    """Takes batches through consecutive Java operators: one call into Java for all of them."""

    def __init__(self, operators: Sequence[JavaOperator]) -> None:
        self._operators = operators
        self._run: Any = None

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield what becomes of the batch; an empty one at least."""
        guard: Guard | None = self._operators[0].guard
        if not len(batch):
            yield batch
            return
        try:
            self._begin(batch)
        except TransferError as error:
            if guard is None:
                raise
            yield from self._one_by_one(guard, batch, error)
            return
        if guard is not None:
            yield from self._guarded(guard, batch)
            return
        more = True
        while more:
            more = self._next(batch)
            yield self._results()

    def _guarded(self, guard: Guard, batch: Batch) -> Iterator[Batch]:
        """Yield results; go on behind a record that fails, or try it again."""
        more, failed_at, attempts = True, -1, 0
        while more:
            error: Exception | None = None
            try:
                more = self._next(batch)
            except Exception as raised:
                error = raised
            yield self._results()
            if error is None:
                continue
            at = self._run.at()
            attempts = attempts + 1 if at == failed_at else 1
            failed_at = at
            wait = guard.waits[attempts - 1]
            (record,) = readable_rows(batch.slice(at, at + 1).values)
            guard.failed(None, record, error, wait)
            if wait is None:
                self._run.leaveOut()
            else:
                guard.pause(wait)
                yield Batch([])

    def _one_by_one(self, guard: Guard, batch: Batch, error: TransferError) -> Iterator[Batch]:
        """Yield what becomes of the records of a batch that cannot go to Java as a whole."""
        if len(batch) > 1:
            for i in range(len(batch)):
                yield from self.process(batch.slice(i, i + 1))
            return
        (record,) = readable_rows(batch.values)
        guard.failed(None, record, error)
        yield Batch([])

    def _begin(self, batch: Batch) -> None:
        first = self._operators[0]
        java = bridge(first.function.settings)
        if self._run is None:
            self._run = java.operator_run([op.host for op in self._operators])
        values = batch.values if isinstance(batch.values, JavaColumn) else rows_of(batch.values)
        column = to_java(values, java, first.id, first.function.taken, first.classes)
        beside = [to_java(c, java, first.id) for c in (batch.keys, batch.timestamps)]
        with translated(java):
            self._run.begin(column, *beside)

    def _next(self, batch: Batch) -> bool:
        """Have Java work on; return whether records wait."""
        first = self._operators[0]
        with translated(bridge(first.function.settings)):
            return bool(self._run.next(max(first.piece.records, len(batch))))

    def _results(self) -> Batch:
        """Return what came out of the last call."""
        run, last = self._run, self._operators[-1]
        settings = last.function.settings
        size = run.size()
        keys, timestamps = (
            None if column is None else JavaColumn(column, size, settings, last.for_python)
            for column in (run.keys(), run.timestamps())
        )
        values = JavaColumn(run.values(), size, settings, last.for_python, schema=last.function.given)
        return Batch(values, keys, timestamps)
