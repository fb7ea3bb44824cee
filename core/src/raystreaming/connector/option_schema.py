"""The options of a connector as JSON Schema, for documents, tools and other languages."""

from __future__ import annotations

import dataclasses
import json
import os
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Union

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema_of(
    title: str, fields: Iterable[dataclasses.Field[Any]], hints: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the schema of some options.

    Args:
        title: Name of what they are options of.
        fields: The options.
        hints: The type of each.
    """
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in fields:
        if not field.init:
            continue
        schema = {**_of_type(hints.get(field.name, Any)), "description": field.metadata.get("doc", "")}
        if field.metadata.get("secret"):
            schema["writeOnly"] = True
        if field.metadata.get("deprecated"):
            schema["deprecated"] = True
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            required.append(field.name)
        elif not schema.get("writeOnly"):
            schema |= _default(field)
        properties[field.name] = schema
    whole = {"title": title, "type": "object", "properties": properties, "required": required}
    return {**whole, "additionalProperties": False}


def _default(field: dataclasses.Field[Any]) -> dict[str, Any]:
    factory: Any = field.default_factory
    default = field.default if factory is dataclasses.MISSING else factory()
    try:
        json.dumps(default)
    except (TypeError, ValueError):
        return {}
    return {"default": default}


def _of_type(hint: Any) -> dict[str, Any]:
    """Return the schema of a type; types of Python's own that JSON does not have take anything."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of_type(arg) for arg in args]}
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (list, Sequence, Iterable) or hint in (list, Sequence):
        return {"type": "array", "items": _of_type(args[0]) if args else {}}
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        return {"type": "object", "additionalProperties": _of_type(args[1]) if args else {}}
    if hint is os.PathLike or origin is os.PathLike:
        return {"type": "string", "format": "path"}
    if isinstance(hint, type) and hint.__name__ == "Secret" and issubclass(hint, str):
        return {"type": "string", "format": "password", "writeOnly": True}
    return {"type": _PLAIN[hint]} if hint in _PLAIN else {}
