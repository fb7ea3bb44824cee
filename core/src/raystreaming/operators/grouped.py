"""What Arrow computes of the aggregates of batches, by key, before it is added to the state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raystreaming.operators.aggregates import Plan, State
from raystreaming.operators.expressions import column
from raystreaming.records import kernels
from raystreaming.state import FieldKeys

if TYPE_CHECKING:
    import pyarrow as pa

_SAFE = 2**62
"""Sums of whole numbers up to here cannot leave int64."""

_WAITING_ROWS = 100_000
"""So many rows of keys and slots wait at most, or those of one batch: some megabytes."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """Slots by key.

    Attributes:
        table: The column of keys, each once, and then those of the slots.
        distinct: The keys, if the column holds indices into these.
    """

    table: pa.Table
    distinct: Sequence[Any] | None = None

    @property
    def plain(self) -> bool:
        """Whether the column of keys holds the keys themselves."""
        return self.distinct is None

    def by_key(self) -> tuple[list[Any], list[State]]:
        """Return the keys and the slots of each."""
        keys, *slots = (each.to_pylist() for each in self.table.columns)
        if self.distinct is not None:
            keys = [self.distinct[code] for code in keys]
        return keys, list(zip(*slots, strict=True))


def grouped_by(keys: FieldKeys, values: pa.RecordBatch, plan: Plan) -> Grouped | None:
    """Return the slots of a batch by key; None for sums or types that Arrow has not.

    Raises:
        KeyError: There is no such column.
        TypeError: The column of keys is of a type that no key may be.
    """
    import pyarrow as pa

    fields = plan.fields
    columns = [column(values, str(field)) for field in fields]
    distinct, by = (None, keys.columns[0]) if keys.plain else keys.encoded()
    summed = {slot.field for slot in plan.slots if slot.kind == "sum"}
    if any(f in summed and not _adds_up(c) for f, c in zip(fields, columns, strict=True)):
        return None
    calls: list[tuple[Any, str]] = []
    for slot in plan.slots:
        on = [] if slot.field is None else f"f{fields.index(slot.field)}"
        calls.append((on, "count_all" if slot.field is None else slot.kind))
    names = ["key", *(f"f{i}" for i in range(len(fields)))]
    table = _aggregated(pa.Table.from_arrays([by, *columns], names=names), calls)
    return None if table is None else Grouped(table, distinct)


class Waiting:
    """Slots of several batches, which wait for each other.

    The state is a dict of Python, and adding to it takes as long as there are keys. Arrow adds up what many
    batches have of a key in a fraction of that.
    """

    def __init__(self, plan: Plan) -> None:
        self._hows = ["sum" if slot.kind == "count" else slot.kind for slot in plan.slots]
        self._tables: list[pa.Table] = []
        self._rows = 0

    def add(self, table: pa.Table) -> bool:
        """Let a batch's slots wait; return False if what waits has to be taken before."""
        full = self._rows >= _WAITING_ROWS
        if self._tables and (full or not table.schema.equals(self._tables[0].schema)):
            return False
        self._tables.append(table)
        self._rows += len(table)
        return True

    def take(self) -> Iterator[Grouped]:
        """Yield what waits, in order, and forget it: once for all batches, or batch by batch."""
        if not self._tables:
            return
        import pyarrow as pa

        tables, self._tables, self._rows = self._tables, [], 0
        table = pa.concat_tables(tables)
        slots = [f"s{i}" for i in range(len(self._hows))]
        sums = [table.column(s) for s, how in zip(slots, self._hows, strict=True) if how == "sum"]
        together = None
        if len(tables) > 1 and all(map(_adds_up, sums)):
            together = _aggregated(table, list(zip(slots, self._hows, strict=True)))
        yield from map(Grouped, tables if together is None else [together])


def _aggregated(table: pa.Table, calls: Sequence[tuple[Any, str]]) -> pa.Table | None:
    """Return the key and the results as the columns `key`, `s0`, `s1`, ...; None if Arrow cannot."""
    import pyarrow as pa

    try:
        found = table.group_by("key", use_threads=False).aggregate(list(calls))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    results = [found.column("_".join([*([on] if on else []), how])) for on, how in calls]
    names = ["key", *(f"s{i}" for i in range(len(results)))]
    return pa.Table.from_arrays([found.column("key"), *results], names=names)


def _adds_up(column: pa.Array | pa.ChunkedArray) -> bool:
    """Return whether no sum of the column can overflow, as far as its type has a limit."""
    import pyarrow as pa

    pc = kernels()

    if not pa.types.is_integer(column.type):
        return True
    least, greatest = pc.min_max(column).values() if len(column) else (None, None)
    bounds = [abs(b.as_py()) for b in (least, greatest) if b is not None and b.is_valid]
    return not bounds or max(bounds) * len(column) < _SAFE
