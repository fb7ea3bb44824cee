"""`Batch`: parallel columns of values, keys and timestamps.

A stream's element is always one record; a batch is only how records travel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from raystreaming.records.columns import is_bare
from raystreaming.records.opaque import OpaqueColumn

if TYPE_CHECKING:
    import pyarrow as pa

Rows: TypeAlias = "list[Any] | pa.RecordBatch | OpaqueColumn"


def is_columnar(values: Rows) -> TypeGuard[pa.RecordBatch]:
    """Return whether `values` is an Arrow RecordBatch (without importing pyarrow)."""
    return type(values) is not list and not isinstance(values, OpaqueColumn)


def rows_of(values: Rows) -> list[Any]:
    """Return `values` as a list; the rows of an Arrow RecordBatch become dicts, or what they were before."""
    if isinstance(values, list):
        return values
    column = values.column(0) if is_columnar(values) and is_bare(values) else values
    rows: list[Any] = column.to_pylist()
    return rows


def readable_rows(values: Rows) -> list[Any]:
    """Return `values` as people are shown them, whatever language they are of."""
    return values.readable() if isinstance(values, OpaqueColumn) else rows_of(values)


@dataclass(slots=True)
class Batch:
    """Consecutive records of one stream.

    Batches are shared between the branches of a job: never change one in place.

    Attributes:
        values: The records: a Python list, an Arrow RecordBatch (one record a row), or a column that
            another language holds.
        keys: The key of each record (after ``key_by``), else None.
        timestamps: The event time of each record in ms since the epoch, else None.
        target: Index of the channel that all of these records take, where the `key_by` that made the batch
            has looked it up; None leaves it to the partitioner.
    """

    values: Rows
    keys: Sequence[Any] | OpaqueColumn | None = None
    timestamps: Sequence[int] | OpaqueColumn | None = None
    target: int | None = None

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.values)

    def slice(self, start: int, stop: int) -> Batch:
        """Return the records from `start` up to, not including, `stop`."""
        values = self.values
        return Batch(
            values[start:stop] if isinstance(values, list) else values.slice(start, stop - start),
            _slice(self.keys, start, stop),
            _slice(self.timestamps, start, stop),
        )

    def take(self, indices: Any) -> Batch:
        """Return the records at `indices`, in that order: numbers, or an Arrow array of them."""
        values = self.values
        rows: Rows
        if isinstance(values, list):
            rows = [values[i] for i in indices]
        elif is_columnar(values):
            in_arrow = hasattr(indices, "to_pylist")
            rows = values.take(indices if in_arrow else list(indices))
            if in_arrow and not isinstance(self.keys, OpaqueColumn):
                indices = indices.to_pylist()
        else:
            rows = values.take(indices)
        return Batch(
            rows,
            _take(self.keys, indices),
            _take(self.timestamps, indices),
        )


Column: TypeAlias = "Sequence[Any] | OpaqueColumn | None"


def _slice(column: Column, start: int, stop: int) -> Column:
    if isinstance(column, OpaqueColumn):
        return column.slice(start, stop - start)
    return None if column is None else column[start:stop]


def _take(column: Column, indices: Sequence[int]) -> Column:
    if isinstance(column, OpaqueColumn):
        return column.take(indices)
    return None if column is None else [column[i] for i in indices]
