"""Operators with state by key."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from raystreaming.connector.operator import Operator
from raystreaming.operators.rows import RowOperator
from raystreaming.state import GroupSnapshot, KeyedValues, lookup_key


class GroupState(Protocol):
    """State that a checkpoint holds by key group."""

    def snapshot(self) -> GroupSnapshot:
        """Serialise what changed since the last snapshot, or everything from time to time."""
        ...

    def restore(self, group: int, data: bytes) -> None:
        """Take back one group of a snapshot; called before the operator is opened."""
        ...


class KeyedOperator(Operator):
    """An operator whose state is kept by key group, so that it can move between tasks."""

    @property
    @abstractmethod
    def state(self) -> GroupState:
        """The state."""


class KeyedRowOperator(RowOperator, KeyedOperator):
    """A keyed operator that sees one record at a time."""

    def __init__(self, fn: Callable[..., Any], key_groups: int) -> None:
        super().__init__(fn)
        self._values = KeyedValues(key_groups)

    @property
    def state(self) -> KeyedValues:
        """The values by key."""
        return self._values

    def names(self, n: str) -> dict[str, Any]:
        """Return the function and the table."""
        return {
            f"f{n}": self.fn,
            f"table{n}": self.state.table,
            f"check_new{n}": self.state.check_new,
            f"lookup_key{n}": lookup_key,
        }

    @property
    def needs_keys(self) -> bool:
        """True."""
        return True

    @property
    def tracks_changes(self) -> bool:
        """Whether the state is so large that only what changed is worth a snapshot."""
        return self.state.tracking

    def note_changed(self, keys: list[Any]) -> None:
        """Remember which keys have changed."""
        self.state.changed.update(keys)


class Reduce(KeyedRowOperator):
    """Combines the records of each key; every input yields the updated value of its key."""

    def combined(self, fn: str, old: str) -> str:
        """Return the expression for the new value of a key."""
        return f"{fn}({old}, v)"

    def lines(self, n: str, tracking: bool) -> list[str]:
        """Look the key up, combine, store."""
        return [
            # One look for a known key, the common case; the function stays outside the try.
            f"try: old = table{n}[k]",
            f"except KeyError: check_new{n}(k)",
            "except TypeError:",
            f"    k = lookup_key{n}(k)",
            f"    if k in table{n}: v = {self.combined(f'f{n}', f'table{n}[k]')}",
            f"    else: check_new{n}(k)",
            f"else: v = {self.combined(f'f{n}', 'old')}",
            f"table{n}[k] = v",
            *(["changed(k)"] if tracking else []),
        ]


class PairReduce(Reduce):
    """Combines the second elements of pairs of a key, which is the first."""

    def combined(self, fn: str, old: str) -> str:
        """Return the expression for the new pair of a key."""
        return f"({old}[0], {fn}({old}[1], v[1]))"
