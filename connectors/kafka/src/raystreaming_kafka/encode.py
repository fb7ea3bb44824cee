"""Making messages of records, a batch at a time: values, keys, headers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import repeat
from operator import itemgetter
from typing import Any, Literal, TypeAlias, TypeVar

import orjson

from raystreaming.operators.user_function import blame
from raystreaming_kafka.clients import Headers, Unsendable

T = TypeVar("T")

SinkFormat: TypeAlias = Literal["bytes", "string", "json"]
Select: TypeAlias = "str | Callable[[Any], Any]"
"""A field's name, or a function of a record."""

Encode: TypeAlias = "Callable[[list[Any], str | list[str]], list[bytes | None]]"
"""Makes the values of records, given the topic of all of them or of each."""

_JSON_OPTIONS = orjson.OPT_SERIALIZE_NUMPY


def make_encoder(format: SinkFormat) -> Encode:
    """Return what makes values of records."""
    encode = {"bytes": _bytes, "string": _strings, "json": _json}[format]
    return lambda records, _topics: encode(records)


def _bytes(records: list[Any]) -> list[bytes | None]:
    if set(map(type, records)) <= {bytes, type(None)}:
        return records
    return each_of(_as_bytes, records)


def _as_bytes(record: Any) -> bytes | None:
    if record is None or isinstance(record, bytes | bytearray | memoryview):
        return None if record is None else bytes(record)
    raise TypeError(f"format='bytes' takes bytes, not {type(record).__name__}: {_advice(record)}")


def _strings(records: list[Any]) -> list[bytes | None]:
    try:
        return list(map(str.encode, records))
    except (TypeError, UnicodeEncodeError):
        return each_of(_as_text, records)


def _as_text(record: Any) -> bytes | None:
    if record is None:
        return None
    if isinstance(record, str):
        return record.encode()
    raise TypeError(f"format='string' takes str, not {type(record).__name__}: {_advice(record)}")


def _advice(record: Any) -> str:
    fits = "string" if isinstance(record, str) else "bytes" if isinstance(record, bytes) else "json"
    return f"pass format={fits!r}, or make it what the format takes by value= or a map() before"


def _json(records: list[Any]) -> list[bytes | None]:
    try:
        values: list[bytes | None] = list(map(orjson.dumps, records, repeat(_plain), repeat(_JSON_OPTIONS)))
    except TypeError:
        values = each_of(_as_json, records)
    if b"null" in values:  # a record that is None has no value: a tombstone
        values = [None if value == b"null" else value for value in values]
    return values


def _as_json(record: Any) -> bytes:
    return orjson.dumps(record, _plain, _JSON_OPTIONS)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"JSON has no {type(value).__name__}")


def each_of(encode: Callable[..., T], *columns: Iterable[Any], option: str = "") -> list[T]:
    """Encode record by record, to know which one it was.

    Args:
        encode: Makes something of one record; says by a TypeError or ValueError why it cannot.
        columns: The records, and what else `encode` takes of each.
        option: What the records are of the messages, for what is said of one: ``"headers=: "``.
    """
    made: list[T] = []
    for index, row in enumerate(zip(*columns, strict=False)):
        try:
            made.append(encode(*row))
        except (TypeError, ValueError) as error:
            raise Unsendable(index, f"{option}{error}") from error
    return made


def by_topic(encode: Callable[[Any, str], bytes]) -> Encode:
    """Return what encodes record by record, given the topic of each; None stays a message without a value."""

    def of_one(record: Any, topic: str) -> bytes | None:
        return None if record is None else encode(record, topic)

    def of_all(records: list[Any], topics: str | list[str]) -> list[bytes | None]:
        return each_of(of_one, records, repeat(topics) if isinstance(topics, str) else topics)

    return of_all


def select(what: Select, option: str, operator: str) -> Callable[[list[Any]], list[Any]]:
    """Return what takes a field, or the result of a function, of every record.

    Args:
        what: The field or the function.
        option: Name of the option, for messages.
        operator: Id of the sink, for messages.
    """
    if isinstance(what, str):
        return _field(what, option)

    def call(records: list[Any]) -> list[Any]:
        it = iter(records)
        try:
            return list(map(what, it))
        except Exception as error:
            blame(operator, what, records, it, error)

    return call


def _field(name: str, option: str) -> Callable[[list[Any]], list[Any]]:
    get = itemgetter(name)

    def fields(records: list[Any]) -> list[Any]:
        it = iter(records)
        try:
            return list(map(get, it))
        except (KeyError, TypeError, IndexError) as error:
            raise Unsendable(_failed(records, it), f"{option}={name!r}: it has no such field") from error

    return fields


def _failed(records: list[Any], it: Iterator[Any]) -> int:
    left: int = it.__length_hint__()  # type: ignore[attr-defined]
    return len(records) - left - 1


def keys_of(keys: list[Any]) -> list[bytes | None]:
    """Encode keys: bytes and None as they are, str as UTF-8, anything else as JSON."""
    kinds = set(map(type, keys))
    if kinds <= {bytes, type(None)}:
        return keys
    if kinds == {str}:
        return _strings(keys)
    return each_of(_as_key, keys)


def _as_key(key: Any) -> bytes | None:
    if key is None or isinstance(key, bytes):
        return key
    return key.encode() if isinstance(key, str) else orjson.dumps(key, option=_JSON_OPTIONS)


def headers_of(headers: list[Any]) -> list[Headers]:
    """Encode headers: mappings, or pairs of name and value; None for none."""
    return each_of(pairs, headers, option="headers=: ")


def pairs(headers: Mapping[str, Any] | Iterable[tuple[str, Any]] | None) -> Headers:
    """Return headers as pairs of name and bytes.

    Raises:
        TypeError: A name is not str, or a value neither str, bytes nor None.
    """
    if headers is None:
        return []
    items = headers.items() if isinstance(headers, Mapping) else headers
    return [(_name(name), _header(value)) for name, value in items]


def _name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a header's name is a str, not {type(name).__name__}")
    return name


def _header(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    raise TypeError(f"a header's value is str, bytes or None, not {type(value).__name__}")
