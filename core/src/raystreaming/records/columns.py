"""Records as columns: rows become an Arrow RecordBatch, text becomes a column of lines.

A record that is no dict is the row of a batch with the one column `value`. The schema says so, and such rows
are turned back into what they were.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from raystreaming.errors import is_secret
from raystreaming.records.kernels import kernels

if TYPE_CHECKING:
    import pyarrow as pa

VALUE = "value"
"""Name of the column of records that are no dicts."""

_BARE = {b"raystreaming.records": b"values"}


def columns_of(rows: Sequence[Any]) -> pa.RecordBatch:
    """Return records as columns, dicts by their keys, others as the column `VALUE`.

    Raises:
        pyarrow.ArrowException: The values of a column do not share a type.
    """
    import pyarrow as pa

    if not all(isinstance(row, dict) for row in rows):
        return bare(pa.array(rows))
    names = dict.fromkeys(chain.from_iterable(rows))
    arrays = [_column(name, [row.get(name) for row in rows]) for name in names]
    if not arrays:
        return pa.RecordBatch.from_struct_array(pa.array(rows, pa.struct([])))
    return pa.RecordBatch.from_arrays(arrays, names=list(map(str, names)))


def _column(name: object, values: list[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        return pa.array(values)
    except pa.ArrowException as error:
        why = "" if is_secret(name) else f": {error}"  # which may show a value
        raise type(error)(f"the values of column {name!r} do not share a type{why}") from error


def bare(values: pa.Array) -> pa.RecordBatch:
    """Return the batch whose records are the values of one column."""
    import pyarrow as pa

    schema = pa.schema([pa.field(VALUE, values.type)], metadata=_BARE)
    return pa.RecordBatch.from_arrays([values], schema=schema)


def is_bare(batch: pa.RecordBatch) -> bool:
    """Return whether the records are values of one column, not dicts."""
    metadata = batch.schema.metadata
    return metadata is not None and batch.num_columns == 1 and _BARE.items() <= metadata.items()


def lines_of(block: bytes) -> pa.Array:
    """Return the lines of UTF-8 text as a column, without their line feeds; a carriage return stays.

    Raises:
        UnicodeDecodeError: The text is not UTF-8.
    """
    import pyarrow as pa

    pc = kernels()

    if not block:
        return pa.array([], pa.string())
    offsets = pa.py_buffer(struct.pack("=ii", 0, len(block)))
    text = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(block)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        block.decode()
        raise
    lines = pc.list_flatten(pc.split_pattern(text, "\n"))
    return lines.slice(0, len(lines) - 1) if block.endswith(b"\n") else lines


def without_returns(lines: pa.Array) -> pa.Array:
    """Return lines without the carriage return at their ends."""
    pc = kernels()

    return pc.replace_substring_regex(lines, pattern=r"\r\z", replacement="")
