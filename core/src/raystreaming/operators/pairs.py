"""Functions of pairs of a key and a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Pair = tuple[Any, Any]


class PairReduce:
    """Combines pairs of one key by a function of their values."""

    def __init__(self, fn: Callable[[Any, Any], Any]) -> None:
        self.fn = fn

    def __call__(self, old: Pair, new: Pair) -> Pair:
        """Return the key with the new value."""
        return (old[0], self.fn(old[1], new[1]))
