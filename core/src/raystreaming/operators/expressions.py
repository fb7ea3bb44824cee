"""Operators that work on columns: expressions of Arrow, evaluated batch by batch, and keys that are a column.

Records that come as lists are made columns first.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any, TypeAlias

from raystreaming.connector.operator import Operator, OperatorContext
from raystreaming.errors import ConnectorError, Fault, OperatorError, hide_secrets, nearest, shown_record
from raystreaming.operators.fields import fastest, listed, names_in
from raystreaming.operators.user_function import blame, complaint, describe, where, without_our_frames
from raystreaming.records import Batch, Rows, columns_of, is_columnar, kernels, rows_of
from raystreaming.state import Field, FieldKeys, KeyRefused, lookup_keys, names_of

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc

ColumnOf: TypeAlias = "str | pc.Expression | Callable[[pa.RecordBatch], Any]"
"""A column: its name, an expression, or a function of the batch that returns an array or a value."""

_EXPLODED_ROWS = 65_536
_EXPLODED_BYTES = 4 << 20
"""How large a batch may be in Arrow, where the piece limit is for fewer: the cost is by batch, too."""


_NO_MATCH = re.compile(r"No match for FieldRef\.Name\((.*?)\) in ")
"""What Arrow says of an expression with a column that there is not."""


class NoColumn(KeyError):
    """There is no such column."""

    def __str__(self) -> str:
        return str(self.args[0])


def _no_column(name: str, names: Sequence[str]) -> NoColumn:
    return NoColumn(f"there is no column {name!r}{nearest(name, names)}")


class ColumnOperator(Operator):
    """An operator that takes and gives Arrow batches; says of an error where it was.

    Args:
        at: File and line of the program that asked for it.
    """

    def __init__(self, at: str = "") -> None:
        self._at = at

    def open(self, ctx: OperatorContext) -> None:
        """Remember the operator's id and its limit."""
        self.id = ctx.operator
        self.piece = ctx.piece

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield what becomes of the columns, or an empty batch."""
        if not len(batch):
            yield Batch([])
            return
        try:
            columns = as_columns(batch.values)
            yield from self.columns(columns, batch)
        except (ConnectorError, OperatorError):
            raise
        except Exception as error:
            raise self._failure(batch.values, error) from error

    @abstractmethod
    def columns(self, columns: pa.RecordBatch, batch: Batch) -> Iterator[Batch]:
        """Yield at least one batch, none larger than the piece limit if the operator expands.

        Args:
            columns: The values of the batch as columns, at least one record.
            batch: The batch.
        """

    @property
    @abstractmethod
    def shown(self) -> str:
        """What the program has written, for messages."""

    def _failure(self, values: Rows, error: Exception) -> OperatorError:
        return column_failure(self.id, self.shown, self._at, values, error)


def column_failure(operator: str, call: str, written: str, values: Rows, error: Exception) -> OperatorError:
    """Build the message for what cannot be done with a batch, and cut the traceback to the program's frames.

    Args:
        operator: Id of the operator.
        call: What the program has written.
        written: Where.
        values: The batch.
        error: What was raised.
    """
    first = rows_of(Batch(values).slice(0, 1).values)[0]
    names = values.schema.names if is_columnar(values) else names_in(first)
    unknown = _NO_MATCH.match(str(error))
    why = _no_column(unknown[1], names) if unknown else error
    text = str(why).partition("\n")[0]
    said, mend = f"{call} raised {type(why).__name__}: {hide_secrets(text)}", "mend it"
    if isinstance(why, NoColumn | KeyRefused):
        said = f"{call}: {hide_secrets(text)}"
        mend = "name a column that there is" if isinstance(why, NoColumn) else "have other keys"
    fault = Fault(f"{type(why).__name__}: {text}", where(error, written=written))
    error.__traceback__ = without_our_frames(error.__traceback__)
    which = "record" if len(values) == 1 else f"first of {len(values)} records"
    shown = [*listed("columns", names), f"{which}: {shown_record(first)}"]
    return complaint(operator, said, fault, shown, mend)


def as_columns(values: Rows) -> pa.RecordBatch:
    """Return values as an Arrow batch."""
    return values if is_columnar(values) else columns_of(rows_of(values))


def column(columns: pa.RecordBatch, name: str) -> pa.Array:
    """Return a column.

    Raises:
        NoColumn: There is none of this name.
    """
    names: list[str] = columns.schema.names
    if name not in names:
        raise _no_column(name, names)
    return columns.column(name)


def evaluated(columns: pa.RecordBatch, wanted: Mapping[str, ColumnOf]) -> dict[str, pa.Array]:
    """Return columns computed from a batch, by name."""
    import pyarrow as pa
    import pyarrow.acero as acero

    expressions = {n: e for n, e in wanted.items() if not isinstance(e, str) and not callable(e)}
    found: dict[str, pa.Array] = {}
    if expressions:
        source = acero.TableSourceNodeOptions(pa.Table.from_batches([columns]))
        project = acero.ProjectNodeOptions(list(expressions.values()), list(expressions))
        plan = [acero.Declaration("table_source", source), acero.Declaration("project", project)]
        table = acero.Declaration.from_sequence(plan).to_table(use_threads=False).combine_chunks()
        found = {name: one_chunk(table.column(name)) for name in expressions}
    for name, way in wanted.items():
        if isinstance(way, str):
            found[name] = column(columns, way)
        elif callable(way):
            found[name] = as_array(way(columns), len(columns))
    return found


def as_array(result: Any, length: int) -> pa.Array:
    """Return what a function gave for a column as array: a single value is that of every record."""
    import pyarrow as pa

    if isinstance(result, pa.ChunkedArray):
        return one_chunk(result)
    if not isinstance(result, pa.Array):
        if isinstance(result, str | bytes) or not hasattr(result, "__len__"):
            return pa.repeat(result, length)
        result = pa.array(result)
    if len(result) != length:
        raise ValueError(f"it returned {len(result)} values for {length} records")
    return result


def one_chunk(chunks: pa.ChunkedArray) -> pa.Array:
    """Return the values of a chunked array as one array."""
    combined: Any = chunks.combine_chunks()
    return combined.chunk(0) if hasattr(combined, "num_chunks") else combined


class FilterExpression(ColumnOperator):
    """Keeps the records for which an Arrow expression is true; those of a list stay what they are."""

    def __init__(self, expression: pc.Expression, at: str = "") -> None:
        super().__init__(at)
        self._expression = expression

    @property
    def shown(self) -> str:
        return f"the expression {self._expression}"

    def columns(self, columns: pa.RecordBatch, batch: Batch) -> Iterator[Batch]:
        pc = kernels()

        mask = pc.fill_null(evaluated(columns, {"keep": self._expression})["keep"], False)
        if isinstance(batch.values, list) or batch.timestamps is not None:
            yield _kept(batch, mask)
        else:
            yield Batch(columns.filter(mask))


def _kept(batch: Batch, mask: pa.Array) -> Batch:
    keep = mask.to_pylist()
    times = None if batch.timestamps is None else list(compress(batch.timestamps, keep))
    if isinstance(batch.values, list):
        return Batch(list(compress(batch.values, keep)), None, times)
    return Batch(as_columns(batch.values).filter(mask), None, times)


class Select(ColumnOperator):
    """Makes records of some columns, in this order.

    Args:
        wanted: How to compute each column.
        beside: Keep the other columns, too, before these.
        at: Where the program asked for it.
    """

    def __init__(self, wanted: Mapping[str, ColumnOf], beside: bool, at: str = "") -> None:
        super().__init__(at)
        self._wanted = dict(wanted)
        self._beside = beside

    @property
    def shown(self) -> str:
        columns = (
            repr(name)
            if isinstance(way, str) and way == name and not self._beside
            else f"{name}={_text(way)}"
            for name, way in self._wanted.items()
        )
        return f"{'with_columns' if self._beside else 'select'}({', '.join(columns)})"

    def columns(self, columns: pa.RecordBatch, batch: Batch) -> Iterator[Batch]:
        import pyarrow as pa

        made = evaluated(columns, self._wanted)
        chosen = {name: made[name] for name in self._wanted}
        if self._beside:
            chosen = dict(zip(columns.schema.names, columns.columns, strict=True)) | chosen
        values = pa.RecordBatch.from_arrays(list(chosen.values()), names=list(chosen))
        yield Batch(values, None, batch.timestamps)


def _text(way: ColumnOf) -> str:
    return describe(way) if callable(way) else repr(way) if isinstance(way, str) else str(way)


class Explode(ColumnOperator):
    """Makes one record of each element of a column of lists; the other columns are repeated."""

    def __init__(self, field: str, at: str = "") -> None:
        super().__init__(at)
        self._field = field

    @property
    def shown(self) -> str:
        return f"explode({self._field!r})"

    def columns(self, columns: pa.RecordBatch, batch: Batch) -> Iterator[Batch]:
        import pyarrow as pa

        pc = kernels()

        lists = column(columns, self._field)
        if not (pa.types.is_list(lists.type) or pa.types.is_large_list(lists.type)):
            raise TypeError(f"the column {self._field!r} holds {lists.type}, no lists")
        elements = pc.list_flatten(lists)
        names = columns.schema.names
        others = columns.select([name for name in names if name != self._field])
        alone = others.num_columns == 0 and batch.timestamps is None
        parents = None if alone else pc.list_parent_indices(lists)
        bytes_a_row = others.nbytes // len(columns) + elements.nbytes // max(1, len(elements))
        timestamps = None if batch.timestamps is None else list(batch.timestamps)
        limit = max(self.piece.rows, min(_EXPLODED_ROWS, _EXPLODED_BYTES // max(1, bytes_a_row)))
        for start in range(0, max(1, len(elements)), limit):
            part = elements.slice(start, limit)
            times = None
            arrays = [part]
            if parents is not None:
                rows = parents.slice(start, limit)
                repeated = others.take(rows)
                arrays = [part if name == self._field else repeated.column(name) for name in names]
                if timestamps is not None:
                    times = [timestamps[row] for row in rows.to_pylist()]
            yield Batch(pa.RecordBatch.from_arrays(arrays, names=names), None, times)


class KeyByField(ColumnOperator):
    """Gives every record the values of columns as its key.

    Args:
        field: The columns.
        get: Returns the key of a dict.
        at: Where the program asked for it.
    """

    def __init__(self, field: Field, get: Callable[[Any], Any], at: str = "") -> None:
        super().__init__(at)
        self._field = field
        self._get = get

    @property
    def shown(self) -> str:
        return f"key_by({self._field if isinstance(self._field, str) else list(self._field)!r})"

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the records with their keys; of dicts, no other field need fit into a column."""
        values = batch.values
        if isinstance(values, list) and values and all(isinstance(row, dict) for row in values):
            it = iter(values)
            try:
                keys = list(map(fastest(self._get), it))
            except Exception as error:
                blame(self.id, self._get, values, it, error)
            try:
                keys = lookup_keys(keys)
            except KeyRefused as error:
                raise self._failure(values, error) from error
            yield Batch(values, keys, batch.timestamps)
            return
        yield from super().process(batch)

    def columns(self, columns: pa.RecordBatch, batch: Batch) -> Iterator[Batch]:
        its = [column(columns, name) for name in names_of(self._field)]
        yield Batch(columns, FieldKeys(self._field, its), batch.timestamps)
