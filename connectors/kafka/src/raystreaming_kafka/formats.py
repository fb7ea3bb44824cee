"""Making records of message values, a batch at a time.

The fast way trusts nothing: it takes a batch only if the result has as many records as there were
messages and no message can have been read as part of another. Else each message is looked at alone,
so that a bad one is one outcome and never touches its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias

import orjson

from raystreaming.connector import ErrorPolicy, ReaderContext
from raystreaming.connector.on_error import goes_on
from raystreaming_kafka._arrow import RecordBatch, Schema
from raystreaming_kafka.json_arrow import ArrowJson

Format: TypeAlias = Literal["bytes", "string", "json", "avro", "protobuf"]
Values: TypeAlias = "list[bytes | None]"


class BadRecord(Exception):
    """A message that cannot be read, and is not to be skipped."""

    def __init__(self, index: int, value: bytes | None, why: str) -> None:
        super().__init__(index, why)
        self.index = index
        self.value = value
        self.why = why


class Decoder(Protocol):
    """Makes records of the values of consecutive messages.

    Attributes:
        bad: What happens to those that cannot be read.
        kept: The indexes of the values that became the last call's records; None: all did.
    """

    bad: BadMessages
    kept: list[int] | None

    def decode(self, values: Values) -> Any:
        """Return a list or a RecordBatch, None if no record comes of the values.

        Raises:
            BadRecord: A message cannot be read and `on_error` is "fail".
        """
        ...


def make_decoder(
    format: Format,
    schema: Schema | None,
    on_error: ErrorPolicy,
    ctx: ReaderContext,
    read: Callable[[bytes], Any] | None = None,
) -> Decoder:
    """Return what decodes `format`; `read` reads single messages of a format that is none of ours."""
    bad = BadMessages(on_error, ctx)
    if read is not None:
        return _Single(bad, ctx, read)
    if format == "bytes":
        return _Bytes(bad)
    if format == "string":
        return _Strings(bad)
    if schema is not None or ctx.columnar:
        return _Arrow(bad, ctx, ArrowJson(schema), columnar=ctx.columnar)
    return _Dicts(bad, ctx)


def _nowhere(index: int) -> str:
    return ""


class BadMessages:
    """What happens to messages that cannot be read.

    Attributes:
        at: Names the place of a message of the batch that is decoded.
        rejected: How many there were, where they do not fail the job.
    """

    def __init__(self, on_error: ErrorPolicy, ctx: ReaderContext) -> None:
        self._goes_on = goes_on(on_error)
        self._ctx = ctx
        self.at: Callable[[int], str] = _nowhere
        self.rejected = 0

    def __call__(self, index: int, value: bytes | None, why: str) -> None:
        if not self._goes_on:
            raise BadRecord(index, value, why)
        self.rejected += 1
        self._ctx.reject(value, why, self.at(index))


class _Bytes:
    kept: list[int] | None = None

    def __init__(self, bad: BadMessages) -> None:
        self.bad = bad

    def decode(self, values: Values) -> Any:
        return values


class _Single:
    """Messages of a format that reads one at a time."""

    def __init__(self, bad: BadMessages, ctx: ReaderContext, read: Callable[[bytes], Any]) -> None:
        self.bad = bad
        self._ctx = ctx
        self._read = read
        self.kept: list[int] | None = None

    def decode(self, values: Values) -> Any:
        records: list[Any] = []
        self.kept = []
        for index, value in enumerate(values):
            if value is None:
                self._ctx.count("tombstones", 1)
                continue
            try:
                records.append(self._read(value))
                self.kept.append(index)
            except ValueError as error:
                self.bad(index, value, str(error))
        return records or None


class _Strings:
    def __init__(self, bad: BadMessages) -> None:
        self.bad = bad
        self.kept: list[int] | None = None

    def decode(self, values: Values) -> Any:
        self.kept = None
        try:
            return list(map(bytes.decode, values))  # type: ignore[arg-type]  # None goes to the slow way
        except (TypeError, UnicodeDecodeError):
            pass
        texts: list[str | None] = []
        self.kept = []
        for index, value in enumerate(values):
            try:
                texts.append(None if value is None else value.decode())
                self.kept.append(index)
            except UnicodeDecodeError as error:
                self.bad(index, value, f"it is not UTF-8: {error.reason} at byte {error.start}")
        return texts or None


def _present(values: Values, ctx: ReaderContext) -> list[int]:
    """Return the indexes of the values that should be records; count the others."""
    tombstones = values.count(None)
    if tombstones:
        ctx.count("tombstones", tombstones)
    present = [i for i, value in enumerate(values) if value is not None and not value.isspace() and value]
    blank = len(values) - tombstones - len(present)
    if blank:
        ctx.count("blank", blank)
    return present


def _objects(values: Values, present: list[int], bad: Callable[[int, bytes, str], None]) -> dict[int, Any]:
    """Return the JSON objects among the values by index; tell the others to `bad`."""
    found: dict[int, Any] = {}
    for index in present:
        value = values[index]
        assert value is not None
        try:
            row = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            bad(index, value, f"it is not JSON: {error}")
            continue
        if isinstance(row, dict):
            found[index] = row
        else:
            bad(index, value, f"it is JSON, but {_KINDS.get(type(row), 'no object')} and not an object")
    return found


_KINDS = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


class _Dicts:
    """JSON objects as dicts.

    One `orjson.loads` a message: joining them into one array is no faster (measured), and would
    let a message such as ``1,2`` pass for two.
    """

    def __init__(self, bad: BadMessages, ctx: ReaderContext) -> None:
        self.bad = bad
        self._ctx = ctx
        self.kept: list[int] | None = None

    def decode(self, values: Values) -> Any:
        self.kept = None
        try:
            rows = list(map(orjson.loads, values))  # type: ignore[arg-type]  # None goes to the slow way
        except (TypeError, orjson.JSONDecodeError):
            pass
        else:
            if set(map(type, rows)) == {dict}:
                return rows
        found = _objects(values, _present(values, self._ctx), self.bad)
        self.kept = list(found)
        return list(found.values()) or None


class _Arrow:
    """JSON objects as an Arrow RecordBatch, or as its rows where a schema types them."""

    def __init__(self, bad: BadMessages, ctx: ReaderContext, parser: ArrowJson, *, columnar: bool) -> None:
        self.bad = bad
        self._ctx = ctx
        self._parser = parser
        self._columnar = columnar
        self.kept: list[int] | None = None

    def decode(self, values: Values) -> Any:
        self.kept = None
        batch = self._parser.parse_trusting(values)
        if batch is None:
            batch = self._one_by_one(values)
        if batch is None or self._columnar:
            return batch
        return batch.to_pylist()

    def _one_by_one(self, values: Values) -> RecordBatch | None:
        bad: dict[int, tuple[bytes | None, str]] = {}

        def note(index: int, value: bytes, why: str) -> None:
            bad[index] = (value, why)

        objects = _objects(values, _present(values, self._ctx), note)
        lines = {i: _line(values[i] or b"", row) for i, row in objects.items()}
        batch, refused = self._parser.parse_checked(list(lines.values()))
        indexes = list(lines)
        self.kept = [index for place, index in enumerate(indexes) if place not in refused]
        for place, why in refused.items():
            bad[indexes[place]] = (values[indexes[place]], why)
        for index in sorted(bad):
            self.bad(index, *bad[index])
        return batch


def _line(value: bytes, row: Any) -> bytes:
    """Return valid JSON on one line."""
    value = value.strip()
    return orjson.dumps(row) if b"\n" in value or b"\r" in value else value
