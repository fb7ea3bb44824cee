"""JSON lines: a record is the JSON value of a line, as Python value or as row of an Arrow batch."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import chain
from typing import Any

import orjson

from raystreaming.connector import Position
from raystreaming.records import Rows
from raystreaming_files.arrow import ArrowError, RecordBatch, Schema, pa, pj
from raystreaming_files.asked import Asked
from raystreaming_files.disk import Input
from raystreaming_files.lines import BadLines, LineCursor
from raystreaming_files.typed_lines import batch_of_lines

_FIX = "repair the line"


class JsonCursor(LineCursor):
    """Lines as dicts, or as Arrow batches where the next operator takes them.

    Args:
        input: The file.
        position: Where to begin.
        bad: What to do with lines that are not records.
        codec: Compression of the file.
        asked: What is to be made of the fields. Without a schema the types are those of the values,
            batch by batch.
    """

    def __init__(
        self, input: Input, position: Position, bad: BadLines, codec: str | None, asked: Asked
    ) -> None:
        super().__init__(input, position, bad, codec)
        self._asked = asked
        folders, schema = asked.folders, asked.schema
        if schema is None:
            self._added = folders.row()
        else:  # Fields of the folders are not looked for in the lines.
            names = schema.names if asked.columns is None else asked.columns
            self._stored: Schema = pa.schema([schema.field(n) for n in names if n not in folders.names])

    def parse(self, lines: Sequence[bytes], offset: int) -> Rows:
        asked = self._asked
        if asked.schema is not None:
            batch = self._typed(lines, offset, self._stored)
            return asked.rows(asked.select(batch) if asked.folders.names else batch)
        values = self._values(lines, offset)
        if self._added:
            values = [{**value, **self._added} if isinstance(value, dict) else value for value in values]
        if asked.columns is not None:
            names = asked.columns
            values = [{name: value.get(name) for name in names} for value in values]
        if asked.columnar and values and set(map(type, values)) == {dict}:
            return _inferred(values)
        return values

    def _values(self, lines: Sequence[bytes], offset: int) -> list[Any]:
        try:
            values = list(map(orjson.loads, lines))
        except orjson.JSONDecodeError:
            return self._one_by_one(lines, offset)
        if self._asked.columns is not None and not set(map(type, values)) <= {dict}:
            return self._one_by_one(lines, offset)
        return values

    def _one_by_one(self, lines: Sequence[bytes], offset: int) -> list[Any]:
        values: list[Any] = []
        for line in lines:
            if line.strip():
                try:
                    value = orjson.loads(line)
                except orjson.JSONDecodeError as error:
                    self._bad.handle(self._path, offset, line, f"not JSON ({error})", _FIX)
                else:
                    if self._asked.columns is None or isinstance(value, dict):
                        values.append(value)
                    else:
                        self._bad.handle(
                            self._path, offset, line, "not an object, so it has no columns", _FIX
                        )
            offset += len(line) + 1
        return values

    def _typed(self, lines: Sequence[bytes], offset: int, schema: Schema) -> RecordBatch:
        return batch_of_lines(
            lines,
            offset,
            schema,
            lambda some: _parse(some, schema),
            lambda line: line.strip() or None,
            lambda at, line: self._bad.handle(self._path, at, line, _why(line, schema), _FIX),
        )


def _parse(lines: Sequence[bytes], schema: Schema) -> RecordBatch | None:
    """Return the rows of `lines`, or None if they are not exactly one good object each.

    Arrow's parser takes objects as they come, be they several on a line or one on several lines.
    Where every line begins with ``{`` and ends with ``}``, an object cannot go on on a second
    line, so the count of rows tells whether each line is one object.
    """
    data = b"\n".join(lines)
    if not (data[:1] == b"{" and data[-1:] == b"}" and data.count(b"}\n{") == len(lines) - 1):
        return None
    try:
        if not data.isascii():
            data.decode()  # Arrow's parser does not look.
        table = pj.read_json(
            io.BytesIO(data),
            read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except (ArrowError, UnicodeDecodeError):
        return None
    if table.num_rows != len(lines):
        return None
    batches = table.combine_chunks().to_batches()
    if len(batches) != 1:
        return None
    return batches[0]


def _why(line: bytes, schema: Schema) -> str:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"not JSON ({error})"
    if not isinstance(value, dict):
        return "not an object, so it has no columns"
    try:
        pj.read_json(
            io.BytesIO(line),
            parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except ArrowError as error:
        return f"does not fit the schema ({error})"
    return "does not fit the schema"


def _inferred(values: list[Any]) -> Rows:
    """Return objects as an Arrow batch typed by their values; as they are where no types fit."""
    names = list(dict.fromkeys(chain.from_iterable(values)))
    if not names:
        return values
    try:
        return pa.RecordBatch.from_arrays([pa.array([v.get(n) for v in values]) for n in names], names=names)
    except (ArrowError, OverflowError):
        return values
