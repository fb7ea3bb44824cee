"""Operators without state that work on whole batches: filter by expression, union."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from raystreaming.connector.operator import Operator
from raystreaming.records import Batch, is_columnar, rows_of

if TYPE_CHECKING:
    import pyarrow.compute as pc


class FilterExpression(Operator):
    """Keeps the rows for which an Arrow expression is true; rows that are lists become Arrow."""

    def __init__(self, expression: pc.Expression) -> None:
        self._expression = expression

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the rows kept."""
        import pyarrow as pa

        rows = batch.values
        values = rows if is_columnar(rows) else pa.RecordBatch.from_pylist(rows_of(rows))
        table = pa.Table.from_batches([values]).filter(self._expression)
        pieces = table.combine_chunks().to_batches()
        yield Batch(pieces[0] if pieces else values.slice(0, 0))


class Union(Operator):
    """Passes records of all inputs on."""

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the batch as it is."""
        yield batch
