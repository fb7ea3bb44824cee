"""Arrow schemas as Avro schemas, and back."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from raystreaming.connector import Terminal
from raystreaming_files.arrow import DataType, Field, Schema, pa

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FLAT = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "enum": pa.string(),
    "null": pa.null(),
}
_LOGICAL = {
    "date": pa.date32(),
    "time-millis": pa.time32("ms"),
    "time-micros": pa.time64("us"),
    "timestamp-millis": pa.timestamp("ms", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
}


@contextmanager
def needs_fastavro() -> Generator[None, None, None]:
    """Say what to install where the body imports fastavro and it is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "fastavro":
            raise
        raise Terminal(
            "Avro files need fastavro, which is not installed: pip install 'raystreaming-files[avro]'"
        ) from error


def to_arrow(schema: Any) -> Schema | None:
    """Return an Avro record's fields as Arrow schema; None if a type has no place in Arrow."""
    if not isinstance(schema, dict) or schema.get("type") not in ("record", "error"):
        return None
    kind = _arrow_type(schema)
    return None if kind is None else pa.schema(list(kind))


def _arrow_type(schema: Any) -> DataType | None:
    if isinstance(schema, list):
        rest = [s for s in schema if s != "null"]
        return _arrow_type(rest[0]) if len(rest) == 1 else None
    if isinstance(schema, str):
        return _FLAT.get(schema)  # Else a named type from elsewhere in the schema.
    logical, kind = schema.get("logicalType"), schema["type"]
    if logical in _LOGICAL:
        return _LOGICAL[logical]
    if logical == "decimal" and schema["precision"] <= 38:
        return pa.decimal128(schema["precision"], schema.get("scale", 0))
    if logical is not None:
        return None
    if kind in ("record", "error"):
        fields = [(f["name"], _arrow_type(f["type"])) for f in schema["fields"]]
        return None if any(t is None for _, t in fields) else pa.struct(fields)
    if kind == "array":
        item = _arrow_type(schema["items"])
        return None if item is None else pa.list_(item)
    if kind == "fixed":
        return pa.binary(schema["size"])
    return _FLAT.get(kind) if isinstance(kind, str) else _arrow_type(kind)


def to_avro(schema: Schema, where: str) -> dict[str, Any]:
    """Return the Avro schema of records with the columns of an Arrow schema.

    Raises:
        Terminal: A name or a type has no place in Avro.
    """
    return _record("record", list(schema), where)


def _record(name: str, fields: list[Field], where: str) -> dict[str, Any]:
    for field in fields:
        if not _NAME.fullmatch(field.name):
            raise Terminal(
                f"cannot write the column {field.name!r} as Avro ({where}): names are made of letters, "
                "digits and _ there, and begin with no digit; rename the column before the sink"
            )
    return {
        "type": "record",
        "name": name,
        "fields": [_field(field, f"{name}_{field.name}", where) for field in fields],
    }


def _field(field: Field, path: str, where: str) -> dict[str, Any]:
    kind = _nullable(field, path, where)
    return {"name": field.name, "type": kind, **({"default": None} if isinstance(kind, list) else {})}


def _nullable(field: Field, path: str, where: str) -> Any:
    kind = _avro_type(field.type, path, where)
    return ["null", kind] if field.nullable and kind != "null" else kind


def _avro_type(kind: DataType, path: str, where: str) -> Any:
    is_ = pa.types
    if is_.is_null(kind):
        return "null"
    if is_.is_boolean(kind):
        return "boolean"
    if is_.is_integer(kind) and kind != pa.uint64():
        return "long" if kind in (pa.int64(), pa.uint32()) else "int"
    if is_.is_floating(kind):
        return "double" if is_.is_float64(kind) else "float"
    if is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind):
        return "string"
    if is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_fixed_size_binary(kind):
        return "bytes"
    if is_.is_date32(kind):
        return {"type": "int", "logicalType": "date"}
    if is_.is_time(kind):
        if kind == pa.time32("ms"):
            return {"type": "int", "logicalType": "time-millis"}
        return {"type": "long", "logicalType": "time-micros"}
    if is_.is_timestamp(kind) and kind.unit != "ns":
        local = "" if kind.tz else "local-"
        unit = "micros" if kind.unit == "us" else "millis"
        return {"type": "long", "logicalType": f"{local}timestamp-{unit}"}
    if is_.is_decimal128(kind):
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if is_.is_dictionary(kind):
        return _avro_type(kind.value_type, path, where)
    if is_.is_struct(kind):
        return _record(path, list(kind), where)
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind):
        return {"type": "array", "items": _nullable(kind.value_field, path, where)}
    raise Terminal(
        f"cannot write the column {path.removeprefix('record_')!r} as Avro ({where}): its type {kind} has no "
        "place there; cast it before the sink, or give schema="
    )
