"""The methods that plugins add, as `help` and completion show them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from raystreaming.connector import Options
from raystreaming.connector.option_table import OptionRow, option_rows


def named_method(
    name: str, cls: Callable[..., Any], call: Callable[[Any], Any], returns: type
) -> Callable[..., Any]:
    """Return a method that makes an object of a plugin's class and does something with it.

    Args:
        name: What it is called.
        cls: The class, whose signature and text it has.
        call: Takes the object.
        returns: What it returns.
    """

    def method(*args: Any, **options: Any) -> Any:
        return call(cls(*args, **options))

    method.__name__ = method.__qualname__ = name
    method.__module__ = cls.__module__
    method.__doc__ = "\n\n".join(filter(None, [inspect.getdoc(cls), _options(cls)]))
    signature = inspect.signature(cls).replace(return_annotation=returns)
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


def _options(cls: Callable[..., Any]) -> str:
    """Return the options of a connector as a text."""
    rows = option_rows(cls) if isinstance(cls, type) and issubclass(cls, Options) else []
    return "\n".join(["Options:", *map(_line, rows)]) if rows else ""


def _line(row: OptionRow) -> str:
    return f"    {row.name}: {f'{row.doc} ({row.given})' if row.doc else row.given}"
