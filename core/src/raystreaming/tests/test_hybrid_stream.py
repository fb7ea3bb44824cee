"""The Python functions of the first cross-language program. Every Java program can name them."""

from __future__ import annotations

from typing import Any


def map_func1(value: Any) -> str:
    """Return the record as text."""
    return str(value)


def filter_func1(value: str) -> bool:
    """Keep records without the letter b."""
    return "b" not in value
