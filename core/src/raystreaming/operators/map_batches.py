"""map_batches: a function of whole batches, in the form it asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from raystreaming.connector.operator import Operator, OperatorContext
from raystreaming.errors import ConnectorError, OperatorError
from raystreaming.operators.expressions import as_columns, one_chunk
from raystreaming.operators.user_function import close_function, failure, open_function, per_task
from raystreaming.records import Batch, Rows, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

BatchFormat: TypeAlias = Literal["pyarrow", "pandas", "numpy", "rows"]
BATCH_FORMATS: tuple[str, ...] = get_args(BatchFormat)


class MapBatches(Operator):
    """Calls a function with every batch; what it returns may be of any of the forms."""

    def __init__(self, fn: Callable[[Any], Any], form: BatchFormat) -> None:
        self._fn = per_task(fn)
        self._form = form

    def open(self, ctx: OperatorContext) -> None:
        """Open the function if it is an object with `open`."""
        self._id = ctx.operator
        self._piece = ctx.piece
        open_function(self._fn, ctx)

    def close(self) -> None:
        """Close the function if it is an object with `close`."""
        close_function(self._fn)

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield what the function returned."""
        if not len(batch):
            yield Batch([])
            return
        try:
            values = self._values(self._fn(self._given(batch.values)))
        except (ConnectorError, OperatorError):
            raise
        except Exception as error:
            first = rows_of(batch.slice(0, 1).values)[0]
            raise failure(self._id, self._fn, first, error) from error
        if batch.timestamps is not None and len(values) != len(batch):
            raise OperatorError(
                f"operator {self._id!r}: the function returned {len(values)} records for {len(batch)}, so "
                f"that their times are not known: call map_batches() before times are assigned"
            )
        limit = self._piece.records if isinstance(values, list) else self._piece.rows
        whole = Batch(values, None, batch.timestamps)
        for start in range(0, max(1, len(values)), limit):
            yield whole if len(values) <= limit else whole.slice(start, start + limit)

    def _given(self, values: Rows) -> Any:
        if self._form == "rows":
            return rows_of(values)
        columns = as_columns(values)
        if self._form == "pyarrow":
            return columns
        if self._form == "pandas":
            return columns.to_pandas()
        arrays = (c.to_numpy(zero_copy_only=False) for c in columns.columns)
        return dict(zip(columns.schema.names, arrays, strict=True))

    def _values(self, result: Any) -> Rows:
        if isinstance(result, list):
            return result
        if isinstance(result, Mapping):
            return _batch_of({name: _array(values) for name, values in result.items()})
        import pyarrow as pa

        if isinstance(result, pa.RecordBatch):
            return result
        if isinstance(result, pa.Table):
            return _batch_of({name: one_chunk(result.column(name)) for name in result.column_names})
        if type(result).__name__ == "DataFrame":
            return pa.RecordBatch.from_pandas(result, preserve_index=False).replace_schema_metadata()
        raise TypeError(
            f"it returned {type(result).__name__}: return a RecordBatch, Table, DataFrame, dict of arrays or "
            f"list of records"
        )


def _array(values: Any) -> pa.Array:
    import pyarrow as pa

    return one_chunk(values) if isinstance(values, pa.ChunkedArray) else pa.array(values)


def _batch_of(columns: Mapping[str, pa.Array]) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
