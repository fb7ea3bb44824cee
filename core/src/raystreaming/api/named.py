"""The methods that plugins add, as `help` and completion show them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from raystreaming.errors import short_repr


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
    method.__doc__ = described(cls)
    signature = inspect.signature(cls).replace(return_annotation=returns)
    method.__signature__ = signature  # type: ignore[attr-defined]
    return method


def described(cls: Callable[..., Any]) -> str:
    """Return what a connector's class says of itself, and its options."""
    return "\n\n".join(filter(None, [inspect.getdoc(cls), _options(cls)]))


def _options(cls: Any) -> str:
    """Return the options of a connector as a text."""
    if not dataclasses.is_dataclass(cls):
        return ""
    lines = ["Options:"]
    for field in dataclasses.fields(cls):
        doc = field.metadata.get("doc")
        if doc is not None and field.init:
            required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            given = "required" if required else f"default {_default(field)}"
            if field.metadata.get("deprecated"):
                given = f"deprecated: {field.metadata['deprecated']}"
            lines.append(f"    {field.name}: {f'{doc} ({given})' if doc else given}")
    return "\n".join(lines) if len(lines) > 1 else ""


def _default(field: dataclasses.Field[Any]) -> str:
    if field.metadata.get("secret") and field.default:
        return "not shown"
    if field.default_factory is not dataclasses.MISSING:
        return short_repr(field.default_factory(), 60)
    return short_repr(field.default, 60)
