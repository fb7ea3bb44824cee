"""sum: what is added up of the records of a key."""

from __future__ import annotations

from typing import Any

from raystreaming.operators.fields import OfField
from raystreaming.operators.keyed import KeyedRowOperator


class AddField(OfField):
    """Combines two records of a key: the first with the sum of both in one place.

    Args:
        field: A field of dicts, or an index into tuples.
        at: Where the program asked for it.
    """

    def __init__(self, field: str | int, at: str = "") -> None:
        super().__init__([field], f"sum({field!r})", at)
        self.field = field

    def __call__(self, old: Any, new: Any) -> Any:
        """Return the first record with the sum; neither changes."""
        field = self.field
        total = old[field] + new[field]
        if isinstance(old, dict):
            return {**old, field: total}
        changed: Any = list(old)
        changed[field] = total
        if hasattr(old, "_make"):  # a named tuple
            return old._make(changed)
        return changed if isinstance(old, list) else tuple(changed)


class SumOf(KeyedRowOperator):
    """Adds up what a function returns for the records of each key; yields the key with the sum."""

    def lines(self, n: str, tracking: bool) -> list[str]:
        """Look the key up, add, store."""
        return [
            f"x = f{n}(v)",
            f"k = lookup_key{n}(k)",
            f"if k in table{n}: x = table{n}[k] + x",
            f"else: check_new{n}(k)",
            f"table{n}[k] = x",
            "v = (k, x)",
            *(["changed(k)"] if tracking else []),
        ]
