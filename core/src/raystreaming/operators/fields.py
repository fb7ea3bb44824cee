"""Functions of ours that stand for fields: what the program has written, and what a record lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from raystreaming.errors import nearest

_SHOWN = 20


class OfField:
    """A function that is asked for by the name of a field.

    Args:
        fields: Names of fields of dicts, or indices into tuples.
        call: What the program has written, e.g. ``key_by('user')``.
        at: File and line of that.
    """

    __call__: Callable[..., Any]

    def __init__(self, fields: Sequence[str | int], call: str, at: str) -> None:
        self.fields = fields
        self.call = call
        self.at = at


class FieldGetter(OfField):
    """Returns the value of a field, or those of several as a tuple.

    Attributes:
        get: Does the same; in C, where Python would cost as much as all else about a record.
    """

    def __init__(self, field: str | int | Sequence[str | int], method: str, at: str) -> None:
        fields = [field] if isinstance(field, str | int) else list(field)
        super().__init__(fields, f"{method}({field!r})", at)
        alone = len(fields) == 1 and not isinstance(field, str | int)
        self.get: Callable[[Any], Any] = self._only if alone else itemgetter(*fields)

    def _only(self, record: Any) -> tuple[Any]:
        return (record[self.fields[0]],)

    def __call__(self, record: Any) -> Any:
        """Return the value, or the values."""
        return self.get(record)


def fastest(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function without what it has for messages."""
    return fn.get if isinstance(fn, FieldGetter) else fn


def lacking(record: Any, fields: Sequence[str | int]) -> str:
    """Return which field a record has not, in words; an empty string if it has them all."""
    for field in fields:
        try:
            record[field]
        except KeyError:
            names = names_in(record)
            near = nearest(field, names) if isinstance(field, str) else ""
            return f"there is no field {field!r}{near}"
        except IndexError:
            return f"there is no index {field}: there are {len(record)} values"
        except TypeError:
            return f"a record of type {type(record).__name__} has no field {field!r}"
    return ""


def names_in(record: Any) -> list[str]:
    """Return the names of a record's fields, as far as it has such."""
    return list(map(str, record)) if isinstance(record, Mapping) else []


def listed(what: str, names: Sequence[str]) -> list[str]:
    """Return the line of a message that lists names, if there are any."""
    more = ", ..." if len(names) > _SHOWN else ""
    return [f"{what}: {', '.join(names[:_SHOWN])}{more}"] if names else []
