"""Row operators, and the generated loop that runs a row of them.

Calling a Python function from a Python loop costs less than calling it from C (`map`), and lists
between operators cost more than local variables. So consecutive operators that see one record at a
time become one function, the loop one would write by hand:

    for v in values:
        v = f0(v)
        if not f1(v): continue
        append(v)

When a user function raises, the line and the local variables of that loop say which operator it was
and which record.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from typing import Any, NamedTuple, NoReturn

from raystreaming.connector.operator import FusedOperator, Operator, OperatorContext
from raystreaming.errors import ConnectorError, OperatorError, add_note, shown_record
from raystreaming.operators.fields import fastest
from raystreaming.operators.flat_map import FlatMap
from raystreaming.operators.function_state import open_with_state, saved_state
from raystreaming.operators.guard import Guard, OneByOne
from raystreaming.operators.sink import SinkOperator
from raystreaming.operators.user_function import (
    GENERATED,
    close_function,
    failure,
    per_task,
)
from raystreaming.records import Batch, rows_of
from raystreaming.state import KeyRefused, lookup_key, lookup_keys


class RowOperator(Operator):
    """An operator that sees one record at a time; run by a `RowLoop` only."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = per_task(fn)
        self.id = ""
        self._state: bytes | None = None

    def open(self, ctx: OperatorContext) -> None:
        """Open the function if it is an object with `open`."""
        self.id = ctx.operator
        open_with_state(self.fn, ctx, self._state)

    def snapshot(self) -> bytes | None:
        """Return the state of a function that has one."""
        return saved_state(self.fn, self.id)

    def restore(self, state: bytes) -> None:
        """Keep the function's state for `open`."""
        self._state = state

    def close(self) -> None:
        """Close the function if it is an object with `close`."""
        close_function(self.fn)

    @abstractmethod
    def lines(self, n: str, tracking: bool) -> list[str]:
        """Return the body of the loop for this operator.

        Args:
            n: Suffix of the names that are this operator's own.
            tracking: Whether changed keys are to be noted in ``changed``.

        The record is ``v``, its key ``k``; ``continue`` drops the record.
        """

    def tried(self, n: str, tracking: bool) -> tuple[list[str], list[str]]:
        """Return the body in two: what may be tried again, without ``continue``, and what follows it."""
        return self.lines(n, tracking), []

    def names(self, n: str) -> dict[str, Any]:
        """Return what the lines refer to."""
        return {f"f{n}": self.fn}

    @property
    def makes_keys(self) -> bool:
        """Whether the operator gives records their key."""
        return False

    @property
    def needs_keys(self) -> bool:
        """Whether the operator looks at the key a record came with."""
        return False

    @property
    def tracks_changes(self) -> bool:
        """Whether the operator wants to know which keys have changed."""
        return False

    def note_changed(self, keys: list[Any]) -> None:
        """Take the keys that the records of a batch had."""

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Never called: a `RowLoop` runs the lines."""
        raise AssertionError("a row operator runs inside a RowLoop")


class _Shape(NamedTuple):
    """What the loop depends on apart from the operators."""

    nested: bool
    timestamps: bool
    tracking: bool


@dataclass(frozen=True, slots=True)
class _Loop:
    run: Callable[..., Iterator[float] | None]  # yields pauses, if it may try again
    culprit: dict[int, RowOperator]  # by line


class RowLoop(Operator):
    """Runs consecutive row operators in one generated loop.

    Args:
        operators: The operators, in order; opened, snapshotted and closed by the task.
        head: A flat_map right before them; the loop runs over its results.
        sink: Where the chain goes on with a sink that may be a function of one record: that sink.
    """

    def __init__(
        self,
        operators: Sequence[RowOperator],
        head: FlatMap | None = None,
        sink: SinkOperator | None = None,
    ) -> None:
        self._operators = list(operators)
        self._head = head
        self._sink = sink
        self._loops: dict[_Shape, _Loop] = {}
        self._keyed_inside = _needs_keys(self._operators)
        self._owners: Mapping[Any, int] | None = None
        self._parts = 1
        self._pause: Callable[[float], None]

    @property
    def ends_in_sink(self) -> bool:
        """Whether records go from the input straight to a function as sink."""
        return self._sink is not None and self._head is None

    @property
    def makes_keys(self) -> bool:
        """Whether records leave with a new key."""
        return bool(self._operators) and self._operators[-1].makes_keys

    def split_by(self, owners: Mapping[Any, int], parts: int) -> None:
        """Make batches of one target each, while key and record are still in the processor's cache.

        Args:
            owners: The target of every key.
            parts: Number of targets.
        """
        self._owners, self._parts = owners, parts

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield what the records become."""
        if self._head is None:
            return self._run(batch, nested=False)
        return chain.from_iterable(self._run(piece, nested) for piece, nested in self._head.pieces(batch))

    def _run(self, batch: Batch, nested: bool) -> Iterator[Batch]:
        trackers = [op for op in self._operators if op.tracks_changes]
        shape = _Shape(nested, batch.timestamps is not None, bool(trackers))
        loop = self._loops.get(shape) or self._compile(shape)
        values: list[list[Any]] = [[] for _ in range(self._parts)]
        keys: list[list[Any]] = [[] for _ in range(self._parts)]
        timestamps: list[list[int]] = [[] for _ in range(self._parts)]
        changed: list[Any] = []
        rows = rows_of(batch.values)
        try:
            pauses = loop.run(rows, batch.keys, batch.timestamps, values, keys, timestamps, changed)
            for seconds in pauses or ():
                self._pause(seconds)
                yield Batch([])
        except Exception as error:
            self._blame(loop, error)
        for op in trackers:
            op.note_changed(changed)
        timed = batch.timestamps is not None
        if self._owners is None:
            own_keys = self._lookup(keys[0], values[0]) if keys[0] else None
            yield Batch(values[0], own_keys, timestamps[0] if timed else None)
            return
        for target, (part, its_keys, times) in enumerate(zip(values, keys, timestamps, strict=True)):
            if part:
                yield Batch(part, its_keys, times if timed else None, target)

    def _lookup(self, keys: list[Any], values: list[Any]) -> list[Any]:
        try:
            return lookup_keys(keys)
        except (TypeError, ValueError):
            key_by = self._operators[-1]
            for key, value in zip(keys, values, strict=True):
                try:
                    lookup_key(key)
                except (TypeError, ValueError) as error:
                    raise _bad_key(key_by, value, error) from error
            raise

    def _blame(self, loop: _Loop, error: Exception) -> NoReturn:
        """Raise the error of a user function with the operator and the record."""
        if isinstance(error, OperatorError):
            raise error
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code is not loop.run.__code__:
            trace = trace.tb_next
        op = loop.culprit.get(trace.tb_lineno) if trace is not None else None
        if trace is None or op is None:
            raise error
        if isinstance(error, ConnectorError):
            add_note(error, f"in operator {op.id!r}")
            raise error
        record = trace.tb_frame.f_locals.get("v")
        if isinstance(error, KeyRefused):
            makers = [o for o in self._operators if o.makes_keys]
            raise _bad_key(makers[-1] if makers else op, record, error) from error
        raise failure(op.id, op.fn, record, error) from error

    def _compile(self, shape: _Shape) -> _Loop:
        """Write the loop as Python and compile it."""
        names: dict[str, Any] = {}
        body: list[tuple[str, RowOperator | None]] = []
        end = self._sink.row_function if self._sink is not None else None
        operators = list(self._operators)
        if self._sink is not None and end is not None:
            operators.append(Each(end, self._sink))
        for index, op in enumerate(operators):
            n = str(index)
            names |= op.names(n)
            if op.guard is None:
                body += [(line, op) for line in op.lines(n, shape.tracking)]
            else:
                names |= {f"waits{n}": op.guard.waits, f"failed{n}": partial(op.guard.failed, op.fn)}
                body += [(line, op) for line in _guarded(op, n, shape.tracking)]
                self._pause = op.guard.pause
        at, each = "", "{}[0].append"
        if self._owners is not None:
            names |= {"owners": self._owners, "lookup_key": lookup_key}
            look = ["try: p = owners[k]", "except TypeError:", "    k = lookup_key(k)", "    p = owners[k]"]
            body += [(line, operators[-1]) for line in look]
            at, each = "[p]", "[part.append for part in {}]"
        if end is None:
            body.append((f"append{at}(v)", None))
            body += [(f"append_key{at}(k)", None)] * self.makes_keys
            body += [(f"append_timestamp{at}(t)", None)] * shape.timestamps
        columns = {"v": "values", "k": "in_keys", "t": "in_timestamps"}
        used = ["v"] + ["k"] * self._keyed_inside + ["t"] * shape.timestamps
        source = columns["v"] if used == ["v"] else f"zip({', '.join(columns[c] for c in used)})"
        head = [
            "def run(values, in_keys, in_timestamps, out, out_keys, out_timestamps, out_changed):",
            f"    append, append_key = {each.format('out')}, {each.format('out_keys')}",
            f"    append_timestamp, changed = {each.format('out_timestamps')}, out_changed.append",
            *(f"    {name} = _{name}" for name in names),
            *(["    for values in values:"] if shape.nested else []),
            f"    {' ' * shape.nested}for {', '.join(used)} in {source}:",
        ]
        text = "\n".join(head + [f"        {line}" for line, _ in body])
        scope = {f"_{name}": value for name, value in names.items()}
        exec(compile(text, GENERATED, "exec"), scope)
        culprit = {len(head) + 1 + i: op for i, (_, op) in enumerate(body) if op is not None}
        loop = _Loop(scope["run"], culprit)
        self._loops[shape] = loop
        return loop


def _guarded(op: RowOperator, n: str, tracking: bool) -> list[str]:
    """Return the body of the loop for an operator with an error policy."""
    guard: Guard = op.guard
    tried, then = op.tried(n, tracking)
    if not guard.retries:
        head, tail = ["try:"], ["except Exception as error:", f"    failed{n}(v, error)", "    continue"]
        return [*head, *(f"    {line}" for line in tried), *tail, *then]
    assert "continue" not in " ".join(tried), "it would go on with the attempts, not with the records"
    return [
        f"for wait in waits{n}:",
        "    try:",
        *(f"        {line}" for line in tried),
        "        break",
        "    except Exception as error:",
        f"        failed{n}(v, error, wait)",
        "    if wait is not None: yield wait",
        "else:",
        "    continue",
        *then,
    ]


def _needs_keys(operators: Sequence[RowOperator]) -> bool:
    """Return whether the loop needs the keys that records come with."""
    for op in operators:
        if op.needs_keys:
            return True
        if op.makes_keys:
            return False
    return False


def fuse(operators: Sequence[Operator]) -> list[Operator]:
    """Return the stages of a chain: consecutive row operators as one `RowLoop`, fused ones as theirs."""
    stages: list[Operator] = []
    for _, members in groupby(operators, _company):
        run = list(members)
        first = run[0]
        stages += [first.stage(run)] if isinstance(first, FusedOperator) else _fuse_rows(run)
    return stages


def _company(op: Operator) -> object:
    """Return what an operator shares with the neighbours that it is fused with; with a policy it has none."""
    if not isinstance(op, FusedOperator):
        return None
    return op.family if op.guard is None else op


def _fuse_rows(operators: Sequence[Operator]) -> list[Operator]:
    fused: list[Operator] = []
    rows: list[RowOperator] = []
    head: FlatMap | None = None
    for op in operators:
        if isinstance(op, RowOperator):
            rows.append(op)
            continue
        sink = op if isinstance(op, SinkOperator) and op.takes_rows_one_by_one else None
        if rows or head or sink:
            fused.append(RowLoop(rows, head, sink))
        head = op if isinstance(op, FlatMap) else None
        if head is None:
            own = op.guard is None or isinstance(op, SinkOperator)
            fused.append(op if own else OneByOne(op))
        rows = []
    return [*fused, RowLoop(rows, head)] if rows or head else fused


def _bad_key(op: RowOperator, record: Any, error: Exception) -> OperatorError:
    return OperatorError(
        f"operator {op.id!r}: {error}\n"
        f"  record: {shown_record(record)}\n"
        f"  have the function of key_by() return such a key, e.g. a field of the record"
    )


class Map(RowOperator):
    """One record becomes one record."""

    def lines(self, n: str, tracking: bool) -> list[str]:
        return [f"v = f{n}(v)"]


class Filter(RowOperator):
    """Keeps the records for which a function is true."""

    def lines(self, n: str, tracking: bool) -> list[str]:
        return [f"if not f{n}(v): continue"]

    def tried(self, n: str, tracking: bool) -> tuple[list[str], list[str]]:
        return [f"keep = bool(f{n}(v))"], ["if not keep: continue"]


class KeyBy(RowOperator):
    """Gives every record a key; the edge behind it brings equal keys to one task."""

    def lines(self, n: str, tracking: bool) -> list[str]:
        return [f"k = f{n}(v)"]

    def tried(self, n: str, tracking: bool) -> tuple[list[str], list[str]]:
        return [f"k = lookup_key{n}(f{n}(v))"], []

    def names(self, n: str) -> dict[str, Any]:
        return {f"f{n}": fastest(self.fn), f"lookup_key{n}": lookup_key}

    @property
    def makes_keys(self) -> bool:
        return True


class Each(RowOperator):
    """Calls a function, opened by the sink it belongs to, with every record; the end of a chain."""

    def __init__(self, fn: Callable[..., Any], sink: SinkOperator) -> None:
        self.fn = fn
        self.id = sink.id
        self.guard = sink.guard

    def lines(self, n: str, tracking: bool) -> list[str]:
        return [f"f{n}(v)"]
