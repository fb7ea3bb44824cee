"""Types of written columns: from the records, widened as records come, or as the user gave them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from raystreaming.connector import Terminal
from raystreaming.errors import is_secret
from raystreaming.errors import shown_record as shown
from raystreaming.records import Rows
from raystreaming_files.arrow import Array, ArrowError, DataType, Field, RecordBatch, Schema, pa
from raystreaming_files.formats import Shaped, Shaper
from raystreaming_files.lines_out import no_partition_column, not_a_row

_FIX = "map the records to one type before the sink, or give schema="


class ArrowShaper(Shaper):
    """Turns records into Arrow batches that all have the schema of their time.

    Without a given schema it is that of the records so far; a record that needs a wider one (a
    float among integers, a value where there were only nulls, a new column) widens it, and files
    begun before are ended.

    Args:
        schema: The schema to keep to, or None.
        partition_by: Columns that every record must have.
        where: Id of the operator, for messages.
    """

    def __init__(self, schema: Schema | None, partition_by: Sequence[str], where: str) -> None:
        self._given = schema is not None
        self.schema: Schema | None = None if schema is None else schema.remove_metadata()
        self._partition_by = tuple(partition_by)
        self._where = where

    def shape(self, values: Rows) -> Shaped:
        if isinstance(values, list):
            columns, rows = self._columns(values), values
        else:
            columns, rows = self._arrow_columns(values), None
        before = self.schema
        if self._given:
            assert before is not None
            schema = before
        else:
            schema = self._widened(before, columns, rows)
        count = len(values)
        arrays = [self._array(f, columns.get(f.name), count, rows) for f in schema]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        self.schema = schema
        return Shaped(batch, count, batch.nbytes, before is not None and schema is not before)

    def snapshot(self) -> bytes | None:
        return None if self.schema is None else self.schema.serialize().to_pybytes()

    def restore(self, state: bytes | None) -> bool:
        if state is None:
            return True
        before = pa.ipc.read_schema(pa.py_buffer(state))
        if self._given:
            return bool(before == self.schema)
        self.schema = before
        return True

    def _columns(self, rows: list[Any]) -> dict[str, list[Any] | Array]:
        """Return the columns of `rows`: arrays of the natural type, lists if the schema is given."""
        if set(map(type, rows)) != {dict}:
            for row in rows:
                if not isinstance(row, dict):
                    raise not_a_row(row, self._where)
        names = list(dict.fromkeys(chain.from_iterable(rows)))
        self._check_names(names, rows)
        columns: dict[str, list[Any] | Array] = {}
        for name in names:
            try:
                column = list(map(itemgetter(name), rows))
            except KeyError:
                if name in self._partition_by:
                    raise self._lacking(name, rows) from None
                column = [row.get(name) for row in rows]
            columns[name] = column if self._given else self._natural(name, column, rows)
        for name in self._partition_by:
            if name not in columns:
                raise self._lacking(name, rows)
        return columns

    def _lacking(self, name: str, rows: list[Any]) -> Terminal:
        return no_partition_column(name, next(r for r in rows if name not in r), self._where)

    def _check_names(self, names: list[Any], rows: list[Any]) -> None:
        for name in names:
            if not isinstance(name, str):
                row = next(r for r in rows if name in r)
                raise Terminal(
                    f"cannot write the record {shown(row)} ({self._where}): the column name {name!r} is of "
                    "type "
                    f"{type(name).__name__}; use text"
                )
            if self._given and self.schema is not None and name not in self.schema.names:
                row = next(r for r in rows if name in r)
                raise Terminal(
                    f"cannot write the record {shown(row)} ({self._where}): its column {name!r} is not in "
                    "schema=; add it there, or drop it before the sink"
                )
        if not self._given and set(names) <= set(self._partition_by):
            raise Terminal(
                f"cannot write the record {shown(rows[0])} ({self._where}): no column is left for the file; "
                "a Parquet file needs one that partition_by does not name"
            )

    def _arrow_columns(self, batch: RecordBatch) -> dict[str, list[Any] | Array]:
        names: list[str] = batch.schema.names
        if len(set(names)) < len(names):
            raise Terminal(
                f"cannot write a batch with the columns {names} ({self._where}): a name comes twice; "
                "rename one"
            )
        for name in self._partition_by:
            if name not in names:
                raise no_partition_column(name, batch.slice(0, 1).to_pylist()[0], self._where)
        self._check_names(names, batch.slice(0, 1).to_pylist() if self._given else [{}])
        return dict(zip(names, batch.columns, strict=True))

    def _natural(self, name: str, column: list[Any], rows: list[Any]) -> Array:
        """Return a column with the type of its values."""
        try:
            return pa.array(column)
        except (ArrowError, OverflowError, TypeError, ValueError) as error:
            kind: DataType = pa.null()
            for value, row in zip(column, rows, strict=True):
                try:
                    own = pa.array([value]).type
                    wider = _wider(kind, own)
                    if wider is None:
                        raise self._misfit(name, kind, own, row, error)
                    kind = wider
                except (ArrowError, OverflowError, TypeError, ValueError) as why:
                    raise self._misfit(name, kind, type(value).__name__, row, why) from error
            return self._array(pa.field(name, kind), column, len(rows), rows)

    def _widened(self, schema: Schema | None, columns: dict[str, Any], rows: list[Any] | None) -> Schema:
        """Return the schema that takes `columns` too; `schema` itself where it does already."""
        if schema is None:
            return pa.schema([(n, c.type) for n, c in columns.items()])
        fields = {f.name: f.type for f in schema}
        wider = dict(fields)
        for name, column in columns.items():
            have = fields.get(name)
            if have is None:
                wider[name] = column.type
            elif have != column.type and column.type != pa.null():
                merged = _wider(have, column.type)
                if merged is None:
                    row = _first_value(name, column, rows)
                    raise self._misfit(name, have, column.type, row, None)
                wider[name] = merged
        return schema if wider == fields else pa.schema(list(wider.items()))

    def _array(self, field: Field, column: Any, count: int, rows: list[Any] | None) -> Array:
        """Return a column as the schema has it."""
        if column is None:
            array = pa.nulls(count, field.type)
        elif not isinstance(column, list) and column.type == field.type:
            array = column
        else:
            try:
                if isinstance(column, list):
                    array = pa.array(column, field.type)
                elif rows is not None:  # Arrow casts fewer types than it builds.
                    array = pa.array([row.get(field.name) for row in rows], field.type)
                else:
                    array = column.cast(field.type)
            except (ArrowError, OverflowError, TypeError, ValueError) as error:
                raise self._unfit(field, column, rows, error) from error
        if not field.nullable and array.null_count:
            raise Terminal(
                f"cannot write column {field.name!r} ({self._where}): a record has no value for it, and "
                "schema= "
                "does not allow nulls; allow them, or set the value before the sink"
            )
        return array

    def _unfit(self, field: Field, column: Any, rows: list[Any] | None, error: Exception) -> Terminal:
        if rows is None:
            return self._misfit(
                field.name, field.type, column.type, _first_value(field.name, column, rows), error
            )
        for row in rows:
            try:
                pa.array([row.get(field.name)], field.type)
            except (ArrowError, OverflowError, TypeError, ValueError) as why:
                kind = type(row.get(field.name)).__name__
                return self._misfit(field.name, field.type, kind, row, why)
        return self._misfit(field.name, field.type, "these values", rows[0], error)

    def _misfit(self, name: str, have: Any, new: Any, row: Any, why: Exception | None) -> Terminal:
        reason = "" if why is None or is_secret(name) else f" ({why})"  # Arrow's words have the value
        return Terminal(
            f"cannot write column {name!r} ({self._where}): it is {have}, the record {shown(row)} has "
            f"{new}, and no type holds both{reason}; {_FIX}"
        )


def _first_value(name: str, column: Array, rows: list[Any] | None) -> Any:
    """Return the first record that has a value in `column`."""
    for i in range(len(column)):
        if column[i].is_valid:
            return {name: column[i].as_py()} if rows is None else rows[i]
    return {name: None}


def _wider(one: DataType, other: DataType) -> DataType | None:
    """Return the type that holds the values of both, or None."""
    if one == other:
        return one
    if pa.types.is_dictionary(one) or pa.types.is_dictionary(other):
        one = one.value_type if pa.types.is_dictionary(one) else one
        other = other.value_type if pa.types.is_dictionary(other) else other
        return _wider(one, other)
    try:
        schemas = [pa.schema([("x", one)]), pa.schema([("x", other)])]
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except ArrowError:
        return None
