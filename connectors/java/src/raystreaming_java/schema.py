"""`JavaSchema`: the type of the records of a stream, where a conversion to or from Java names it.

It is given as a ``pyarrow.Schema``, a ``pyarrow`` type or a dataclass, and told to Java as a list: the
name of the type, whether it may be null, and of what it is made.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, Union

from raystreaming.errors import GraphError
from raystreaming.records import pack

Described: TypeAlias = "list[Any]"

_ARROW = {
    "bool": "bool",
    "int8": "int8",
    "int16": "int16",
    "int32": "int32",
    "int64": "int64",
    "float": "float32",
    "double": "float64",
    "string": "string",
    "large_string": "string",
    "binary": "binary",
    "large_binary": "binary",
}
"""The plain types, by their names in Arrow."""

_PYTHON: Mapping[object, str] = {
    bool: "bool",
    int: "int64",
    float: "float64",
    str: "string",
    bytes: "binary",
}

_KNOWN = (
    "A schema is a pyarrow.Schema or pyarrow type of bool, int8 to int64, float32, float64, string, binary, "
    "and list, map and struct of these; or a dataclass of bool, int, float, str, bytes, list[...], "
    "dict[..., ...], dataclasses and ... | None"
)


@dataclass(frozen=True)
class JavaSchema:
    """A type of records.

    Attributes:
        described: The type, as Java is told it.
        rows: The dataclass that rows are in Python; None: they are dicts.
    """

    described: Described
    rows: Any = None

    @property
    def packed(self) -> bytes:
        """The type as bytes."""
        return pack(self.described)

    def objects(self, values: list[Any]) -> list[Any]:
        """Return values that came from Java as what they are in Python."""
        if self.rows is None:
            return values
        make = _maker(self.rows)
        return values if make is None else list(map(make, values))


def java_schema(given: Any) -> JavaSchema:
    """Return a schema as a program gives it.

    Raises:
        GraphError: It is none, or has a type that does not cross.
    """
    if isinstance(given, type) and dataclasses.is_dataclass(given):
        return JavaSchema(_of_dataclass(given, True, ()), given)
    if type(given).__module__.partition(".")[0] == "pyarrow":
        is_rows = type(given).__name__ == "Schema"
        return JavaSchema(_struct(given, True) if is_rows else _of_arrow(given, True))
    raise GraphError(f"this is no schema: {given!r}. {_KNOWN}")


def _of_arrow(given: Any, nullable: bool) -> Described:
    import pyarrow as pa

    if plain := _ARROW.get(str(given)):
        return [plain, nullable]
    if isinstance(given, pa.ListType | pa.LargeListType):
        return ["list", nullable, _of_arrow(given.value_type, given.value_field.nullable)]
    if isinstance(given, pa.MapType):
        return ["map", nullable, _of_arrow(given.key_type, False), _of_arrow(given.item_type, True)]
    if isinstance(given, pa.StructType):
        return _struct(given, nullable)
    raise GraphError(f"a schema cannot have the type {given}: map it to another one before. {_KNOWN}")


def _struct(fields: Any, nullable: bool) -> Described:
    described = [[field.name, _of_arrow(field.type, field.nullable)] for field in fields]
    return ["struct", nullable, described, None]


def _of_dataclass(cls: Any, nullable: bool, around: tuple[type[Any], ...]) -> Described:
    if cls in around:
        raise GraphError(f"a schema cannot have {cls.__name__}, which is inside itself. {_KNOWN}")
    hints = _hints(cls)
    fields = [
        [f.name, _of_hint(hints[f.name], False, (*around, cls), f"{cls.__name__}.{f.name}")]
        for f in dataclasses.fields(cls)
    ]
    return ["struct", nullable, fields, None]


def _of_hint(hint: Any, nullable: bool, around: tuple[type[Any], ...], where: str) -> Described:
    if plain := _PYTHON.get(hint):
        return [plain, nullable]
    if dataclasses.is_dataclass(hint):
        return _of_dataclass(hint, nullable, around)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        return _of_hint(_optional(arguments), True, around, where)
    if origin in (list, Sequence):
        return ["list", nullable, _of_hint(arguments[0], False, around, where)]
    if origin in (dict, Mapping):
        parts = [_of_hint(each, False, around, where) for each in arguments]
        return ["map", nullable, *parts]
    raise GraphError(f"a schema cannot have {where}: {hint!r}. {_KNOWN}")


def _optional(arguments: tuple[Any, ...]) -> Any:
    return next(each for each in arguments if each is not type(None))


def _hints(cls: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls)
    except NameError as error:
        raise GraphError(
            f"a schema cannot have {cls.__name__}: {error}. Define what its fields name in a module, not "
            f"inside a function"
        ) from error


@lru_cache(maxsize=256)
def _maker(hint: Any) -> Callable[[Any], Any] | None:
    """Return what makes a value that came from Java what a hint says; None where it is that already."""
    if dataclasses.is_dataclass(hint):
        return _dataclass_maker(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return _maker(_optional(arguments))
    makers = [_maker(each) for each in arguments]
    if not any(makers):
        return None
    if origin in (list, Sequence):
        return lambda value: value and list(map(makers[0] or _same, value))
    key, element = (each or _same for each in makers)
    return lambda value: value and {key(k): element(v) for k, v in value.items()}


def _dataclass_maker(cls: Any) -> Callable[[Any], Any]:
    hints = _hints(cls)
    nested = [(f.name, make) for f in dataclasses.fields(cls) if (make := _maker(hints[f.name]))]

    def make_one(row: Any) -> Any:
        if row is None:
            return None
        for name, make in nested:
            row[name] = make(row[name])
        return cls(**row)

    return make_one


def _same(value: Any) -> Any:
    return value
