"""Operators with state by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raystreaming.operators.rows import RowOperator
from raystreaming.state import KeyedValues, lookup_key


class KeyedOperator(RowOperator):
    """A row operator whose state is kept by key group, so that it can move between tasks."""

    def __init__(self, fn: Callable[..., Any], key_groups: int) -> None:
        super().__init__(fn)
        self.state = KeyedValues(key_groups)

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


class Reduce(KeyedOperator):
    """Combines the records of each key; every input yields the updated value of its key."""

    def lines(self, n: str, tracking: bool) -> list[str]:
        """Look the key up, combine, store."""
        return [
            # One look for a known key, the common case; the function stays outside the try.
            f"try: old = table{n}[k]",
            f"except KeyError: check_new{n}(k)",
            "except TypeError:",
            f"    k = lookup_key{n}(k)",
            f"    if k in table{n}: v = f{n}(table{n}[k], v)",
            f"    else: check_new{n}(k)",
            f"else: v = f{n}(old, v)",
            f"table{n}[k] = v",
            *(["changed(k)"] if tracking else []),
        ]

    def names(self, n: str) -> dict[str, Any]:
        """Return the function and the table."""
        return {
            f"f{n}": self.fn,
            f"table{n}": self.state.table,
            f"check_new{n}": self.state.check_new,
            f"lookup_key{n}": lookup_key,
        }
