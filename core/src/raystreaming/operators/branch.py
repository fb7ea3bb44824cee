"""Row operators of branches: look at records, and say where they go."""

from __future__ import annotations

from typing import Any

from raystreaming.operators.rows import RowOperator
from raystreaming.records import Tagged


class Inspect(RowOperator):
    """Calls a function with every record, and passes the record on."""

    def lines(self, n: str, tracking: bool) -> list[str]:
        return [f"f{n}(v)"]


class Tag(RowOperator):
    """Sends every record to the side output that a function names."""

    def lines(self, n: str, tracking: bool) -> list[str]:
        return [f"v = tagged{n}(f{n}(v), v)"]

    def names(self, n: str) -> dict[str, Any]:
        return {**super().names(n), f"tagged{n}": Tagged}
