"""Arrow's types for annotations: pyarrow ships none, so for type checkers they are `Any`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    RecordBatch: TypeAlias = Any
    Schema: TypeAlias = Any
else:
    from pyarrow import RecordBatch, Schema

__all__ = ["RecordBatch", "Schema"]
