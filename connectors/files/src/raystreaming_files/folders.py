"""The columns that a file's partition folders (``day=2026-01-01``) stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from raystreaming.connector import Terminal
from raystreaming_files.arrow import Array, DataType, RecordBatch, Schema, pa
from raystreaming_files.discover import Found
from raystreaming_files.disk import Input
from raystreaming_files.hive import is_integer_column, parse_folders


class Folders:
    """The values of one file's folders.

    Args:
        payload: ``[column, value, is integer]`` of each, as `plan_folders` made them.
    """

    def __init__(self, payload: Sequence[Sequence[Any]]) -> None:
        self._columns: list[tuple[str, Any, DataType]] = [
            (
                name,
                value if value is None or not integer else int(value),
                pa.int64() if integer else pa.string(),
            )
            for name, value, integer in payload
        ]
        self.names = [name for name, _, _ in self._columns]

    def row(self) -> dict[str, Any]:
        """Return the columns for rows."""
        return {name: value for name, value, _ in self._columns}

    def check(self, wanted: Sequence[str] | None, stored: Sequence[str], input: Input) -> None:
        """Refuse a file that lacks a wanted column."""
        missing = [n for n in wanted or () if n not in stored and n not in self.names]
        if missing:
            raise Terminal(
                f"{input.path!r} has no column {', '.join(map(repr, missing))} ({input.where}): it has "
                f"{', '.join(map(repr, [*stored, *self.names]))}; correct columns=, or give schema= to read "
                "columns that some files lack as nulls"
            )

    def arrays(self, count: int) -> dict[str, Array]:
        """Return the columns for a batch of `count` rows."""
        return {name: pa.repeat(pa.scalar(value, kind), count) for name, value, kind in self._columns}

    def select(self, batch: RecordBatch, schema: Schema | None, columns: Sequence[str] | None) -> RecordBatch:
        """Return `batch` with these columns too; chosen, ordered and typed as asked for."""
        if not self._columns and schema is None and columns is None:
            return batch
        arrays: dict[str, Array] = dict(zip(batch.schema.names, batch.columns, strict=True))
        arrays |= self.arrays(len(batch))
        if schema is None:
            names = list(arrays) if columns is None else columns
            return pa.RecordBatch.from_arrays([arrays[n] for n in names], names=names)
        fields = [schema.field(n) for n in (schema.names if columns is None else columns)]
        typed = [
            arrays[f.name].cast(f.type) if f.name in arrays else pa.nulls(len(batch), f.type) for f in fields
        ]
        return pa.RecordBatch.from_arrays(typed, schema=pa.schema(fields))


def integer_columns(found: Iterable[Found]) -> frozenset[str]:
    """Return the columns of folders all values of which are integers."""
    values: dict[str, list[str | None]] = {}
    for file in found:
        for column, value in parse_folders(file.relative):
            values.setdefault(column, []).append(value)
    return frozenset(c for c, v in values.items() if is_integer_column(v))


def plan_folders(file: Found, integers: frozenset[str]) -> list[list[Any]]:
    """Return the folders of a file for its split's payload."""
    return [[c, v, c in integers] for c, v in parse_folders(file.relative)]
