"""Hive partition folders (``column=value``): one place that makes their names and reads them."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote

NULL = "__HIVE_DEFAULT_PARTITION__"
"""Stands for a missing value; every reader of Hive folders knows it."""

_LONGEST = 255
"""Longest name of a folder, in bytes, on the usual file systems."""


def folder_name(column: str, value: Any) -> str:
    """Return the name of the folder for `value`.

    Raises:
        ValueError: The value has no place in a folder's name; the message says why.
    """
    name = f"{quote(column, safe=' ')}={_text(value)}"
    if len(name) > _LONGEST:
        raise ValueError(f"makes a folder name of {len(name)} bytes, {_LONGEST} are possible")
    return name


def _text(value: Any) -> str:
    if value is None:
        return NULL
    if isinstance(value, str):
        if value == NULL:
            raise ValueError("is the word that stands for a missing value")
        try:
            return quote(value, safe=" ")
        except UnicodeEncodeError:
            raise ValueError("is not valid Unicode") from None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        return quote(value.isoformat(sep=" "), safe=" ")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))  # A column that has become float keeps the folders of its integers.
    if isinstance(value, int | float | decimal.Decimal | datetime.date | datetime.time):
        return quote(str(value), safe=" ")
    kind = type(value).__name__
    raise ValueError(f"is of type {kind}: text, numbers, booleans, dates and None are possible")


def parse_folders(relative: str) -> list[tuple[str, str | None]]:
    """Return ``(column, value)`` of each partition folder in a relative path of a file."""
    found: list[tuple[str, str | None]] = []
    for part in relative.split("/")[:-1]:
        column, equals, value = part.partition("=")
        if equals and column:
            text = unquote(value)
            found.append((unquote(column), None if text == NULL else text))
    return found


def is_integer_column(values: Iterable[str | None]) -> bool:
    """Return whether every value reads as a 64 bit integer and is written like one (not ``007``)."""
    texts = [v for v in values if v is not None]
    for text in texts:
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 20):
            return False
        if str(int(text)) != text or not -(2**63) <= int(text) < 2**63:
            return False
    return bool(texts)
