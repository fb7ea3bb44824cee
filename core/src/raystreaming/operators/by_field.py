"""Partitioning by the value of a field: equal values to one task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from raystreaming.connector.operator import OperatorContext
from raystreaming.connector.partition import OpenPartition, PartitionFunction
from raystreaming.operators.expressions import column, column_failure
from raystreaming.operators.fields import FieldGetter
from raystreaming.operators.user_function import blame
from raystreaming.records import Batch, is_columnar, rows_of
from raystreaming.state import DEFAULT_KEY_GROUPS, Field, FieldKeys, KeyOwners, lookup_keys, names_of


class ByField(PartitionFunction):
    """Sends equal values to one task.

    Args:
        get: Returns the value of a record.
        columns: The names of its columns in Arrow; None if it has none.
    """

    def __init__(self, get: FieldGetter, columns: Field | None) -> None:
        self.get = get
        self.columns = columns

    def problems(self, operator: str) -> Iterable[str]:
        """Return nothing: what fields there are is known when records come."""
        return ()

    def open(self, ctx: OperatorContext) -> OpenPartition:
        """Return the function of one task."""
        return _OpenByField(self, ctx.operator)


class _OpenByField(OpenPartition):
    may_ask_again = True

    def __init__(self, by: ByField, operator: str) -> None:
        self._by = by
        self._operator = operator
        self._owners: KeyOwners | None = None

    def split(self, batch: Batch, tasks: int) -> Sequence[Any]:
        if self._owners is None:
            self._owners = KeyOwners(DEFAULT_KEY_GROUPS, tasks)
        columns, values = self._by.columns, batch.values
        try:
            if columns is not None and is_columnar(values):
                its = [column(values, name) for name in names_of(columns)]
                return FieldKeys(columns, its).dealt(self._owners, tasks)
            return self._dealt(rows_of(values), self._owners, tasks)
        except (KeyError, TypeError, ValueError) as error:
            get = self._by.get
            raise column_failure(self._operator, get.call, get.at, values, error) from error

    def _dealt(self, values: list[Any], owners: KeyOwners, tasks: int) -> list[list[int]]:
        it = iter(values)
        try:
            found = list(map(self._by.get.get, it))
        except Exception as error:
            blame(self._operator, self._by.get, values, it, error)
        parts: list[list[int]] = [[] for _ in range(tasks)]
        for index, key in enumerate(lookup_keys(found)):
            parts[owners[key]].append(index)
        return parts

    def close(self) -> None:
        pass
