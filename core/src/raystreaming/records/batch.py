"""`Batch`: parallel columns of values, keys and timestamps.

A stream's element is always one record; a batch is only how records travel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

Rows: TypeAlias = "list[Any] | pa.RecordBatch"


def is_columnar(values: Rows) -> bool:
    """Return whether `values` is an Arrow RecordBatch (without importing pyarrow)."""
    return type(values) is not list


def rows_of(values: Rows) -> list[Any]:
    """Return `values` as a list; the rows of an Arrow RecordBatch become dicts."""
    if isinstance(values, list):
        return values
    rows: list[Any] = values.to_pylist()
    return rows


@dataclass(slots=True)
class Batch:
    """Consecutive records of one stream.

    Batches are shared between the branches of a job: never change one in place.

    Attributes:
        values: The records: a Python list, or an Arrow RecordBatch (one record a row).
        keys: The key of each record (after ``key_by``), else None.
        timestamps: The event time of each record in ms since the epoch, else None.
    """

    values: Rows
    keys: Sequence[Any] | None = None
    timestamps: Sequence[int] | None = None

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.values)

    def slice(self, start: int, stop: int) -> Batch:
        """Return the records from `start` up to, not including, `stop`."""
        values = self.values
        return Batch(
            values[start:stop] if isinstance(values, list) else values.slice(start, stop - start),
            None if self.keys is None else self.keys[start:stop],
            None if self.timestamps is None else self.timestamps[start:stop],
        )

    def take(self, indices: Sequence[int]) -> Batch:
        """Return the records at `indices`, in that order."""
        values = self.values
        return Batch(
            [values[i] for i in indices] if isinstance(values, list) else values.take(indices),
            None if self.keys is None else [self.keys[i] for i in indices],
            None if self.timestamps is None else [self.timestamps[i] for i in indices],
        )
