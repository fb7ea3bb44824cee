"""agg: running aggregates of the records of each key, a batch of columns at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from raystreaming.connector.operator import OperatorContext
from raystreaming.errors import OperatorError, shown_error, shown_record
from raystreaming.operators.aggregates import Aggregate, Plan, State
from raystreaming.operators.expressions import column_failure
from raystreaming.operators.grouped import Grouped, Waiting, grouped_by
from raystreaming.operators.keyed import KeyedOperator
from raystreaming.operators.user_function import complaint, field_failure, raised
from raystreaming.records import Batch, Rows, is_columnar, rows_of
from raystreaming.state import Field, FieldKeys, KeyedValues, KeyRefused, names_of

if TYPE_CHECKING:
    import pyarrow as pa

Updates: TypeAlias = Literal["batch", "final"]


class Agg(KeyedOperator):
    """Keeps the aggregates of each key.

    The table holds for each key its slots, and whether it has changed since its last row at an end.

    Args:
        key: Name of the key in the results; or those of its parts.
        aggregates: What is computed, by name.
        key_groups: Number of key groups.
        updates: When results go on: after every batch those of its keys, or at the end of the input.
        at: Where the program asked for it.
    """

    def __init__(
        self,
        key: Field,
        aggregates: Mapping[str, Aggregate],
        key_groups: int,
        updates: Updates,
        at: str = "",
    ) -> None:
        self._at = at
        self._key = key
        self._plan = Plan(aggregates)
        self._state = KeyedValues(key_groups)
        self._final = updates == "final"
        self._types: dict[str, pa.DataType] = {}  # of the results, as the last Arrow batch had them
        self._arrow = False
        self._waiting = Waiting(self._plan)

    @property
    def state(self) -> KeyedValues:
        """The slots by key, of all batches."""
        self._settle()
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
        self._arrow = is_columnar(batch.values)
        grouped = self._grouped(batch.keys, batch.values) if isinstance(batch.keys, FieldKeys) else None
        if self._final and grouped is not None and grouped.plain:
            if not self._waiting.add(grouped.table):
                self._settle()
                self._waiting.add(grouped.table)
            yield Batch([])
            return
        self._settle()
        changed = self._add(*(self._of_rows(batch) if grouped is None else grouped.by_key()))
        if self._final:
            yield Batch([])
            return
        yield from self._shown(changed)

    def finish(self) -> Iterator[Batch]:
        """Yield the keys that have changed since the last end."""
        if not self._final:
            return
        self._settle()
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
        except KeyRefused as error:
            raise self._failure(str(error), error, "have other keys") from error
        except (TypeError, ValueError) as error:
            said = f"{shown_error(error)}, at the key {shown_record(key, 80)}"
            mend = "have values that go together"
            raise self._failure(f"{self._plan.call} raised {said}", error, mend) from error
        changed = list(dict.fromkeys(keys))
        self._changed(changed)
        return changed

    def _settle(self) -> None:
        """Add what waits."""
        for grouped in self._waiting.take():
            self._add(*grouped.by_key())

    def _changed(self, keys: Sequence[Any]) -> None:
        if self._state.tracking:
            self._state.changed.update(keys)

    def _failure(self, said: str, error: Exception, mend: str) -> OperatorError:
        return complaint(self._id, said, raised(error, None, self._at), [], mend)

    # What a batch has ------------------------------------------------------------------------

    def _of_rows(self, batch: Batch) -> tuple[Sequence[Any], Sequence[State]]:
        """Return the key and the slots of every record."""
        assert batch.keys is not None, "agg() follows key_by()"
        states: list[State] = []
        for row in rows_of(batch.values):
            try:
                states.append(self._plan.of_row(row))
            except Exception as error:
                fault = raised(error, None, self._at)
                raise field_failure(
                    self._id, self._plan.call, self._plan.fields, row, error, fault
                ) from error
        return list(batch.keys), states

    def _grouped(self, keys: FieldKeys, values: Rows) -> Grouped | None:
        """Return what Arrow makes of the batch; None where Python must, for sums or types Arrow has not."""
        if not is_columnar(values):
            return None
        try:
            grouped = grouped_by(keys, values, self._plan)
        except (KeyError, TypeError) as error:
            raise column_failure(self._id, self._plan.call, self._at, values, error) from error
        if grouped is not None:
            self._note_types(keys, [column.type for column in grouped.table.columns[1:]])
        return grouped

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
