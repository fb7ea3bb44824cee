"""JSON objects to Arrow by pyarrow.json, guarded.

What pyarrow.json lets pass, or worse, and what is done about it (pyarrow 18 to 26):

- It does not look at line ends: ``{"a":[{}`` and ``{}]}`` on two lines would be one object. Every
  message must begin with ``{`` and end with ``}``. Then a message that ends inside an object is followed by
  ``{`` where only a comma or a closing bracket may stand, which is an error; so each message is whole
  objects, and as many rows as messages means one each.
- A top-level ``null`` crashes the process; the same rule keeps it out.
- It takes ``NaN`` and ``Infinity``, and bytes that are not UTF-8, which JSON does not have.
- It makes timestamps of strings that look like some. Without a schema, strings stay strings, as in rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.json as pj

from raystreaming_kafka._arrow import RecordBatch, Schema

_first, _last = itemgetter(0), itemgetter(-1)
_BRACE, _END_BRACE = b"{}"
_REFUSALS = (pa.ArrowInvalid, pa.ArrowTypeError)


class ArrowJson:
    """Parses batches of JSON objects into RecordBatches of one schema.

    Args:
        schema: The schema: missing fields are null, unknown ones are left out. None infers it from
            the first batch and widens it when new fields or wider numbers come.
    """

    def __init__(self, schema: Schema | None) -> None:
        self._given = schema is not None
        self._schema = schema
        self._padded = False

    def parse_trusting(self, values: Sequence[bytes | None]) -> RecordBatch | None:
        """Parse values that are probably all right; None if one is not, or may not be."""
        try:
            lines: Any = list(map(bytes.strip, values)) if self._padded else values  # type: ignore[arg-type]
            begun, ended = bytes(map(_first, lines)), bytes(map(_last, lines))
        except (TypeError, IndexError):  # None, or empty
            return None
        count = len(lines)
        if begun.count(_BRACE) != count or ended.count(_END_BRACE) != count:
            if self._padded or not ended[:1].isspace():
                return None
            self._padded = True  # somebody ends each message with a newline; from now on expect it
            return self.parse_trusting(values)
        text = b"\n".join(lines)
        # One letter is looked for much faster than three.
        if (b"N" in text and b"NaN" in text) or (b"I" in text and b"Inf" in text):
            return None
        if not (text.isascii() or _is_utf8(text)):
            return None
        try:
            return self._parse(text, count)
        except _REFUSALS:
            return None

    def parse_checked(self, lines: Sequence[bytes]) -> tuple[RecordBatch | None, dict[int, str]]:
        """Parse lines that are one JSON object each.

        Returns:
            The batch, None if it has no rows; and why lines were refused, by index.
        """
        refused: dict[int, str] = {}
        self._find_refused(lines, 0, refused)
        good = [line for index, line in enumerate(lines) if index not in refused]
        # All have been parsed once, so the schema has become wide enough for all.
        return (self._parse(b"\n".join(good), len(good)) if good else None), refused

    def _find_refused(self, lines: Sequence[bytes], start: int, refused: dict[int, str]) -> None:
        """Parse halves of halves until the bad ones stand alone."""
        if not lines:
            return
        try:
            self._parse(b"\n".join(lines), len(lines))
        except _REFUSALS as error:
            if len(lines) == 1:
                refused[start] = _why(error)
                return
            half = len(lines) // 2
            self._find_refused(lines[:half], start, refused)
            self._find_refused(lines[half:], start + half, refused)

    def _parse(self, text: bytes, count: int) -> RecordBatch:
        if self._given:
            return _counted(_read(text, self._schema, "ignore"), count)
        try:
            batch = _read(text, self._schema, "infer")
        except _REFUSALS:
            if self._schema is None:
                raise
            fresh = _without_times(_read(text, None, "infer").schema)
            wider = pa.unify_schemas([self._schema, fresh], promote_options="permissive")
            batch = _read(text, wider, "infer")
        found = _counted(batch, count).schema
        if self._schema is None or not found.equals(self._schema):
            plain = _without_times(found)
            if not plain.equals(found):
                batch = _read(text, plain, "infer")
            self._schema = batch.schema
        return batch


def _read(text: bytes, schema: Schema | None, unexpected: str) -> RecordBatch:
    table = pj.read_json(
        pa.BufferReader(text),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(text) + 1),
        parse_options=pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior=unexpected),
    )
    batches = table.to_batches()
    return batches[0] if len(batches) == 1 else table.combine_chunks().to_batches()[0]


def _counted(batch: RecordBatch, count: int) -> RecordBatch:
    if batch.num_rows != count:
        raise pa.ArrowInvalid(f"{batch.num_rows} objects in {count} messages")
    return batch


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _why(error: Exception) -> str:
    text = str(error)
    for lead in ("JSON parse error: ", "JSON conversion error: "):
        text = text.removeprefix(lead)
    return f"it does not fit the schema: {text.removesuffix(' in row 0')}"


def _without_times(schema: Schema) -> Schema:
    return pa.schema([field.with_type(_plain(field.type)) for field in schema])


def _plain(kind: Any) -> Any:
    """Return the type with times replaced by strings."""
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind):
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    return kind


def unreadable_fields(schema: Schema) -> list[str]:
    """Return the fields of a schema whose types JSON cannot be read into."""
    wrong: list[str] = []
    for field in schema:
        try:
            _read(b"{}", pa.schema([field.with_nullable(True)]), "ignore")
        except (pa.ArrowNotImplementedError, *_REFUSALS):
            wrong.append(f"{field.name} ({field.type})")
    return wrong
