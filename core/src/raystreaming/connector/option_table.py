"""The options of a connector as rows, for `help`, the command line and the tables of the guides."""

from __future__ import annotations

import dataclasses
from typing import Any

from raystreaming.connector.options import Options, hints_of, type_name
from raystreaming.errors import short_repr


@dataclasses.dataclass(frozen=True)
class OptionRow:
    """What is to be known of one option.

    Attributes:
        name: Its name.
        type: What it takes.
        default: Its default as Python writes it, ``required``, ``none`` for an empty collection, or
            ``not shown``.
        doc: What it is.
        secret: Whether it is never shown.
        deprecated: What to write instead.
    """

    name: str
    type: str
    default: str
    doc: str
    secret: bool
    deprecated: str | None

    @property
    def given(self) -> str:
        """What it is if it is not given, in words."""
        if self.deprecated:
            return f"deprecated: {self.deprecated}"
        return self.default if self.default == "required" else f"default {self.default}"


def option_rows(cls: type[Options], *beside: type[Options]) -> list[OptionRow]:
    """Return the options of a class, in their order, without those of other classes."""
    this: Any = cls
    left_out = {field.name for other in beside for field in _fields(other)}
    hints = hints_of(this)
    return [
        OptionRow(
            field.name,
            type_name(hints.get(field.name, Any)),
            _default(field),
            field.metadata.get("doc", ""),
            bool(field.metadata.get("secret")),
            field.metadata.get("deprecated"),
        )
        for field in _fields(this)
        if field.init and field.name not in left_out
    ]


def _fields(cls: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
        if not default:
            return "none"
    elif field.default is dataclasses.MISSING:
        return "required"
    else:
        default = field.default
    return "not shown" if default and field.metadata.get("secret") else short_repr(default, 60)
