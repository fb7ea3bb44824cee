"""agg: running aggregates of the records of each key, a batch of columns at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from raystreaming.connector.operator import OperatorContext
from raystreaming.errors import OperatorError, short_repr
from raystreaming.operators.aggregates import Aggregate, Plan, State
from raystreaming.operators.expressions import column
from raystreaming.operators.keyed import KeyedOperator
from raystreaming.records import Batch, is_columnar, kernels, rows_of
from raystreaming.state import Field, FieldKeys, KeyedValues, names_of

if TYPE_CHECKING:
    import pyarrow as pa

Updates: TypeAlias = Literal["batch", "final"]

_SAFE = 2**62
"""Sums of whole numbers up to here cannot leave int64."""


class Agg(KeyedOperator):
    """Keeps the aggregates of each key.

    The table holds for each key its slots, and whether it has changed since its last row at an end.

    Args:
        key: Name of the key in the results; or those of its parts.
        aggregates: What is computed, by name.
        key_groups: Number of key groups.
        updates: When results go on: after every batch those of its keys, or at the end of the input.
    """

    def __init__(
        self, key: Field, aggregates: Mapping[str, Aggregate], key_groups: int, updates: Updates
    ) -> None:
        self._key = key
        self._plan = Plan(aggregates)
        self._state = KeyedValues(key_groups)
        self._final = updates == "final"
        self._types: dict[str, pa.DataType] = {}  # of the results, as the last Arrow batch had them
        self._arrow = False

    @property
    def state(self) -> KeyedValues:
        """The slots by key."""
        return self._state

    def open(self, ctx: OperatorContext) -> None:
        """Remember the operator's id and its limit."""
        self._id = ctx.operator
        self._piece = ctx.piece

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Add the batch; yield the keys that it has changed."""
        if not len(batch):
            yield Batch([])
            return
        keys, states = self._slots_of(batch)
        changed = self._add(keys, states)
        if self._final:
            yield Batch([])
            return
        yield from self._shown(changed)

    def finish(self) -> Iterator[Batch]:
        """Yield the keys that have changed since the last end."""
        if not self._final:
            return
        table = self._state.table
        waiting = iter([key for key, (_, pending) in table.items() if pending])
        while keys := list(islice(waiting, self._piece.rows)):
            for key in keys:
                table[key] = (table[key][0], False)
            self._changed(keys)
            yield from self._shown(keys)

    def _add(self, keys: Sequence[Any], states: Sequence[State]) -> list[Any]:
        table, combined, check_new = self._state.table, self._plan.combined, self._state.check_new
        key: Any = None
        try:
            for key, state in zip(keys, states, strict=True):
                if key in table:
                    table[key] = (combined(table[key][0], state), True)
                else:
                    check_new(key)
                    table[key] = (state, True)
        except (TypeError, ValueError) as error:
            raise OperatorError(f"operator {self._id!r}: {error}, at the key {key!r}") from error
        changed = list(dict.fromkeys(keys))
        self._changed(changed)
        return changed

    def _changed(self, keys: Sequence[Any]) -> None:
        if self._state.tracking:
            self._state.changed.update(keys)

    # What a batch has ------------------------------------------------------------------------

    def _slots_of(self, batch: Batch) -> tuple[Sequence[Any], Sequence[State]]:
        """Return keys, in Arrow each once, and the slots of what the batch has of them."""
        keys = batch.keys
        assert keys is not None, "agg() follows key_by()"
        self._arrow = is_columnar(batch.values)
        if isinstance(keys, FieldKeys) and is_columnar(batch.values):
            found = self._grouped(keys, batch.values)
            if found is not None:
                return found
        return list(keys), self._of_rows(rows_of(batch.values))

    def _of_rows(self, rows: list[Any]) -> list[State]:
        states: list[State] = []
        for row in rows:
            try:
                states.append(self._plan.of_row(row))
            except (KeyError, IndexError, TypeError) as error:
                raise OperatorError(
                    f"operator {self._id!r}: agg() raised {type(error).__name__}: {error}\n"
                    f"  record: {short_repr(row, 200)}"
                ) from error
        return states

    def _grouped(self, keys: FieldKeys, values: pa.RecordBatch) -> tuple[list[Any], list[State]] | None:
        """Return what Arrow makes of the batch; None where Python must, for sums or types Arrow has not."""
        import pyarrow as pa

        fields = list(dict.fromkeys(s.field for s in self._plan.slots if s.field is not None))
        try:
            columns = [column(values, str(field)) for field in fields]
            distinct, codes = keys.encoded()
        except (KeyError, TypeError) as error:
            raise OperatorError(f"operator {self._id!r}: agg(): {error.args[0]}") from error
        summed = {slot.field for slot in self._plan.slots if slot.kind == "sum"}
        if any(f in summed and not _adds_up(c) for f, c in zip(fields, columns, strict=True)):
            return None
        names = [f"f{i}" for i in range(len(fields))]
        calls: list[tuple[Any, str]] = []
        for slot in self._plan.slots:
            on = [] if slot.field is None else names[fields.index(slot.field)]
            calls.append((on, "count_all" if slot.field is None else slot.kind))
        table = pa.Table.from_arrays([codes, *columns], names=["key", *names])
        try:
            grouped = table.group_by("key", use_threads=False).aggregate(calls)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
        made = [grouped.column("_".join([*([on] if on else []), how])) for on, how in calls]
        self._note_types(keys, [each.type for each in made])
        states: list[State] = list(zip(*(each.to_pylist() for each in made), strict=True))
        return [distinct[code] for code in grouped.column("key").to_pylist()], states

    def _note_types(self, keys: FieldKeys, slots: Sequence[pa.DataType]) -> None:
        by_slot = dict(zip(self._plan.slots, slots, strict=True))
        types = {
            name: by_slot[slot]
            for name, a in self._plan.aggregates.items()
            for slot in by_slot
            if (slot.kind, slot.field) == (a.kind, a.field)
        }
        self._types = {**{n: c.type for n, c in zip(names_of(self._key), keys.columns, strict=True)}, **types}

    # Results ---------------------------------------------------------------------------------

    def _shown(self, keys: list[Any]) -> Iterator[Batch]:
        table = self._state.table
        own = [keys] if isinstance(self._key, str) else list(map(list, zip(*keys, strict=True)))
        columns = [*own, *self._plan.results([table[key][0] for key in keys])]
        names = [*names_of(self._key), *self._plan.names]
        values = self._in_arrow(names, columns) if self._arrow else None
        if values is None:
            yield Batch([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])
        else:
            yield Batch(values)

    def _in_arrow(self, names: list[str], columns: list[list[Any]]) -> pa.RecordBatch | None:
        """Return the results as columns; None where they are none, such as whole numbers beyond 64 bits."""
        import pyarrow as pa

        try:
            arrays = [_typed(c, self._types.get(n)) for n, c in zip(names, columns, strict=True)]
        except (pa.ArrowException, OverflowError):
            return None
        return pa.RecordBatch.from_arrays(arrays, names=names)


def _typed(values: list[Any], known: pa.DataType | None) -> pa.Array:
    import pyarrow as pa

    if known is not None:
        try:
            return pa.array(values, known)
        except (pa.ArrowException, OverflowError):
            pass  # the sum has left the type of its batch's
    return pa.array(values)


def _adds_up(column: pa.Array) -> bool:
    """Return whether no sum of the column can overflow, as far as its type has a limit."""
    import pyarrow as pa

    pc = kernels()

    if not pa.types.is_integer(column.type):
        return True
    least, greatest = pc.min_max(column).values() if len(column) else (None, None)
    bounds = [abs(b.as_py()) for b in (least, greatest) if b is not None and b.is_valid]
    return not bounds or max(bounds) * len(column) < _SAFE
