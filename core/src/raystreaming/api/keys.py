"""Keys as a program names them: by a function, the name of a field, or an index."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, cast

from raystreaming.connector.operator import Operator
from raystreaming.connector.partition import PartitionFunction
from raystreaming.errors import GraphError
from raystreaming.graph import Choose, TaskSetup
from raystreaming.operators import rows
from raystreaming.operators.by_field import ByField
from raystreaming.operators.expressions import KeyByField


def key_operator(key: Any, columnar: bool) -> tuple[Callable[[TaskSetup], Operator], bool]:
    """Return how to make the operator that gives records their keys, and whether it takes Arrow.

    Args:
        key: What the program has given.
        columnar: Whether the operator before it may give Arrow.
    """
    if isinstance(key, str) and columnar:
        return lambda _: KeyByField(key), True
    getter = key_function("key_by", key)
    return lambda _: rows.KeyBy(getter), False


def key_function(method: str, key: Any) -> Callable[[Any], Any]:
    """Return the function of one record that gives its key.

    Raises:
        GraphError: It is nothing that names a key.
    """
    if callable(key):
        function: Callable[[Any], Any] = key
        return function
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise GraphError(
            f"{method}() takes a function, the name of a field or an index, got {key!r}: write e.g. "
            f"lambda r: r['user'], 'user', or 0"
        )
    return itemgetter(key)


def name_of(key: Any) -> str:
    """Return what results call the key."""
    return key if isinstance(key, str) else "key"


def partition_function(choose: Any) -> Choose | PartitionFunction:
    """Return what spreads records: the function itself, or equal values of a field to one task.

    Raises:
        GraphError: It is nothing that names a task.
    """
    if callable(choose):
        return cast("Choose", choose)
    return ByField(choose, key_function("partition_by", choose))
