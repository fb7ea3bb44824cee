"""`JavaColumn`: records that Java holds, in and out of Python's hands."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from pickle import PickleBuffer
from typing import Any

import ormsgpack

from raystreaming.errors import TransferError, shown_record
from raystreaming.records import OpaqueColumn
from raystreaming_java.classes import job_classes
from raystreaming_java.failures import translated
from raystreaming_java.jvm import Bridge, bridge
from raystreaming_java.schema import JavaSchema
from raystreaming_java.settings import JavaSettings, settings_here

_PACK = (
    ormsgpack.OPT_NON_STR_KEYS
    | ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_UUID
)

_PACK_TYPED = _PACK & ~ormsgpack.OPT_PASSTHROUGH_DATACLASS

_SMALL = 4_096
"""Bytes up to which JPype copies an array faster than it wraps a buffer."""


class JavaColumn(OpaqueColumn):
    """A column of Java objects.

    Args:
        java: The Java column; None where it came from another worker and nobody has looked at it.
        size: Number of elements.
        settings: Those of the job.
        for_python: Whether nobody but Python will read it in other workers: they get a list then.
        data: What came from another worker.
        schema: What Python gets its elements as.
    """

    __slots__ = ("_data", "_for_python", "_java", "_schema", "_settings", "_size")

    def __init__(
        self,
        java: Any,
        size: int,
        settings: JavaSettings,
        for_python: bool,
        data: Any = None,
        schema: JavaSchema | None = None,
    ) -> None:
        self._java = java
        self._size = size
        self._settings = settings
        self._for_python = for_python
        self._data = data
        self._schema = schema

    def __len__(self) -> int:
        return self._size

    @property
    def java(self) -> Any:
        """The Java column."""
        if self._java is None:
            with job_classes(self._settings) as classes:
                java = bridge(self._settings)
                with translated(java):
                    self._java = java.column.fromBytes(*_staging.put(java, self._data), classes)
            self._data = None
        return self._java

    def slice(self, start: int, length: int) -> JavaColumn:
        length = max(0, min(length, self._size - start))
        return self._new(self.java.slice(start, length), length)

    def take(self, indices: Any) -> JavaColumn:
        if isinstance(indices, range):
            return self._new(self.java.takeEvery(indices.start, indices.step), len(indices))
        if isinstance(indices, Sequence):  # else it is what `split` returned
            indices = array("i", indices)
        return self._new(self.java.take(indices), len(indices))

    def to_pylist(self) -> list[Any]:
        return _rows(self._msgpack(), self._schema)

    def readable(self) -> list[Any]:
        try:
            return self.to_pylist()
        except TransferError:
            return [str(self.java.shown(i)) for i in range(self._size)]

    def _msgpack(self) -> memoryview:
        arguments = () if self._schema is None else (self._schema.packed,)
        with translated(bridge(self._settings)):
            return memoryview(self.java.toMsgpack(*arguments)).cast("B")

    def split(self, key_groups: int, owners: Sequence[int], parts: int) -> Sequence[Any]:
        with translated(bridge(self._settings)):
            split: Sequence[Any] = self.java.split(key_groups, _owners(tuple(owners)), parts)
            return split

    def _new(self, java: Any, size: int) -> JavaColumn:
        return JavaColumn(java, size, self._settings, self._for_python, schema=self._schema)

    def __reduce__(self) -> tuple[Any, ...]:
        """Become a list for Python, else Java's own bytes."""
        if self._for_python:
            return _rows, (PickleBuffer(self._msgpack()), self._schema)
        with translated(bridge(self._settings)):
            data = PickleBuffer(memoryview(self.java.toBytes()).cast("B"))
        return _column, (self._size, self._settings.job, data, self._schema)


def _rows(data: Any, schema: JavaSchema | None) -> list[Any]:
    rows: list[Any] = ormsgpack.unpackb(memoryview(data), option=ormsgpack.OPT_NON_STR_KEYS)
    return rows if schema is None else schema.objects(rows)


def _column(size: int, job: str, data: Any, schema: JavaSchema | None) -> JavaColumn:
    return JavaColumn(None, size, settings_here(job), False, data, schema)


def to_java(
    column: Any,
    java: Bridge,
    operator: str,
    schema: JavaSchema | None = None,
    classes: Any = None,
) -> Any:
    """Return a column of a batch as a Java column; None stays None.

    Args:
        column: The column.
        java: Our classes.
        operator: The operator that gets it, for messages.
        schema: What Java gets its elements as, if they come from Python.
        classes: The classes of the job, for the schema.

    Raises:
        TransferError: A value has no form that Java knows, or does not fit the schema; names it and the
            operator.
    """
    if column is None or isinstance(column, JavaColumn):
        return column and column.java
    values = column if isinstance(column, list) else list(column)
    option = _PACK if schema is None else _PACK_TYPED
    try:
        packed = ormsgpack.packb(values, default=_plain, option=option)
    except ormsgpack.MsgpackEncodeError as error:
        raise TransferError(_complaint(values, operator, error, option)) from error
    plain = java.column.fromMsgpack(*_staging.put(java, packed))
    if schema is None:
        return plain
    with translated(java):
        return plain.typed(schema.packed, classes, operator)


class _Staging(threading.local):
    """Memory of a thread that Java sees too: the fastest way in for more than a few bytes.

    One buffer is used again and again. A new one for each batch would be given back by a thread of the
    JVM, which takes Python's lock for it, and would do so while the interpreter ends.
    """

    _size = 0

    def put(self, java: Bridge, data: Any) -> tuple[Any, ...]:
        """Return bytes as the arguments of a Java method that takes an array, or a buffer and a length."""
        size = len(data)
        if size < _SMALL:
            return (bytes(data),)
        if size > self._size:
            self._size = 2 * size
            memory = bytearray(self._size)
            self._view = memoryview(memory)
            self._buffer = java.direct_buffer(memory)
        self._view[:size] = data
        return self._buffer, size


_staging = _Staging()


def _plain(value: Any) -> Any:
    """Return what a value is that is almost of a plain type."""
    if isinstance(value, tuple):  # a named one
        return list(value)
    if isinstance(value, Enum) and isinstance(value, int | float | str | bytes):
        return value.value
    if isinstance(value, bytearray | memoryview):  # which older versions of ormsgpack do not know
        return bytes(value)
    raise TypeError(f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins."))


def _complaint(values: Iterable[Any], operator: str, error: Exception, option: int) -> str:
    advice = (
        "What can: None, bool, int in [-2**63, 2**64), float, str, bytes; lists, tuples and dicts of these"
    )
    for value in values:
        try:
            ormsgpack.packb(value, default=_plain, option=option)
        except ormsgpack.MsgpackEncodeError as own:
            return (
                f"operator {operator!r}: a record cannot go from Python to Java: {own}. {advice}. "
                f"It is {shown_record(value)}"
            )
    return f"operator {operator!r}: records cannot go from Python to Java: {error}. {advice}"


@lru_cache(maxsize=64)
def _owners(owners: tuple[int, ...]) -> Any:
    import jpype

    ints: Any = jpype.JArray(jpype.JInt)
    return ints(owners)
