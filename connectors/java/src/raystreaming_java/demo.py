"""The Python functions of the first cross-language example: every Java program can name them."""

from __future__ import annotations

from typing import Any


def map_func1(value: Any) -> str:
    """Return the record as text."""
    return str(value)


def filter_func1(value: str) -> bool:
    """Keep records without the letter b."""
    return "b" not in value


KNOWN_AS = ("raystreaming.tests.test_hybrid_stream", "ray.streaming.tests.test_hybrid_stream")
"""What programs written for Ray Streaming call this module."""
