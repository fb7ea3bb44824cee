"""`Tagged`: a record for a side output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tagged:
    """A record that a function sends to a side output instead of its stream.

    Attributes:
        tag: Name of the side output.
        value: The record.
    """

    tag: str
    value: Any
