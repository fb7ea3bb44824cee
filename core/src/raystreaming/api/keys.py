"""Keys as a program names them: by a function, the name of a field, or an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from raystreaming.connector.operator import Operator
from raystreaming.connector.partition import PartitionFunction
from raystreaming.errors import GraphError
from raystreaming.graph import Choose, TaskSetup
from raystreaming.operators import rows
from raystreaming.operators.by_field import ByField
from raystreaming.operators.expressions import KeyByField
from raystreaming.operators.fields import FieldGetter
from raystreaming.operators.user_function import written_at

if TYPE_CHECKING:
    from raystreaming.state import Field

Fields: TypeAlias = "str | int | Sequence[str | int]"
"""A field of dicts (a column) by name, or of tuples by index; or several."""


def key_operator(key: Any, columnar: bool) -> tuple[Callable[[TaskSetup], Operator], bool]:
    """Return how to make the operator that gives records their keys, and whether it takes Arrow.

    Args:
        key: What the program has given.
        columnar: Whether the operator before it may give Arrow.
    """
    getter = key_function("key_by", key, several=True)
    field = columns_of(key)
    if field is not None and columnar:
        at = written_at()
        return lambda _: KeyByField(field, getter, at), True
    return lambda _: rows.KeyBy(getter), False


def key_function(method: str, key: Any, several: bool = False) -> Callable[[Any], Any]:
    """Return the function of one record that gives its key.

    Args:
        method: Who asks.
        key: What the program has given.
        several: Whether it may be several fields.

    Raises:
        GraphError: It is nothing that names a key.
    """
    if callable(key):
        function: Callable[[Any], Any] = key
        return function
    if _is_field(key) or (several and isinstance(key, list | tuple) and key and all(map(_is_field, key))):
        return FieldGetter(key, method, written_at())
    lists = ", several of these in a list" if several else ""
    raise GraphError(
        f"{method}() takes a function, the name of a field or an index{lists}, got {key!r}: write e.g. "
        f"lambda r: r['user'], 'user', or 0"
    )


def _is_field(key: object) -> bool:
    return isinstance(key, str | int) and not isinstance(key, bool)


def columns_of(key: Any) -> Field | None:
    """Return the columns that a key is of; None where it is none of columns."""
    if isinstance(key, str):
        return key
    names = tuple(key) if isinstance(key, list | tuple) else ()
    return names if names and all(isinstance(name, str) for name in names) else None


def name_of(key: Any) -> Field:
    """Return what results call the key."""
    return columns_of(key) or "key"


def partition_function(choose: Any) -> Choose | PartitionFunction:
    """Return what spreads records: the function itself, or equal values of fields to one task.

    Raises:
        GraphError: It is nothing that names a task.
    """
    if callable(choose):
        return cast("Choose", choose)
    getter = key_function("partition_by", choose, several=True)
    assert isinstance(getter, FieldGetter), "it is no function"
    return ByField(getter, columns_of(choose))
