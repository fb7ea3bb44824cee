"""Words for messages: near names, and values that are short and keep secrets to themselves."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any


def nearest(wrong: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for a near miss, else an empty string."""
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


_SURE = (
    "(?:passw(?:or)?d|passphrase|secret(?!ar)|api[_-]?key|access[_-]?key|private[_-]?key|credential"
    "|authorization)"
)
_NAME = rf"(?:{_SURE}|token(?!s|iz))"
# A name, and its value: quoted, or up to what ends a value in JSON, URLs and settings. A parser's "unexpected
# token: x" is no secret. Nothing but a name begins a match: texts may be long.
_REST = r"[\w-]{0,40}"
_ASSIGNED = (
    rf"""({_NAME}{_REST}(?:\\?["']\s*:|\s*=)\s*|{_SURE}{_REST}\s*:\s*)"""
    r"""(\\?"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|(?:bearer |basic )?[^\s,;&)}\]]+)"""
)
_IN_URL = r"(\w://)[^\s/@:]*:[^\s/@]+@"
_LONGEST = 100_000


def hide_secrets(text: str) -> str:
    """Return a text with ``***`` for the values of what is called password, token and the like."""
    text = re.sub(_ASSIGNED, r"\1***", text, flags=re.IGNORECASE)  # compiled when something has failed
    return re.sub(_IN_URL, r"\1***@", text)


def shown_error(error: BaseException) -> str:
    """Return the kind of an error and what it says, without secrets."""
    return f"{type(error).__name__}: {hide_secrets(str(error))}"


class _ShortRepr(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = 20
        self.maxstring = self.maxother = self.maxlong = 120


class _RecordRepr(_ShortRepr):
    """Hides secrets before it cuts: half of a name would not be recognised."""

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(hide_secrets(x[:_LONGEST]), level)

    def repr_bytes(self, x: bytes, level: int) -> str:
        hidden = hide_secrets(x[:_LONGEST].decode("latin-1")).encode("latin-1")
        return self.repr_instance(hidden, level)

    def repr_dict(self, x: Mapping[Any, Any], level: int) -> str:
        head = {k: _Hidden() if is_secret(k) else v for k, v in islice(x.items(), self.maxdict + 1)}
        return super().repr_dict(head, level)

    def repr_instance(self, x: Any, level: int) -> str:
        if isinstance(x, bytes | _Hidden):
            return super().repr_instance(x, level)
        return hide_secrets(super().repr_instance(x, level))


class _Hidden:
    def __repr__(self) -> str:
        return "'***'"


def is_secret(name: object) -> bool:
    """Return whether a name is one of what is not to be shown."""
    return isinstance(name, str) and re.search(_NAME, name, re.IGNORECASE) is not None


_short = _ShortRepr()
_record = _RecordRepr()


def short_repr(value: Any, length: int) -> str:
    """Return ``repr(value)`` cut to `length` characters, without rendering all of a huge value."""
    return _cut(_short.repr(value), length)


def shown_record(record: Any, length: int = 200) -> str:
    """Return a record for messages: as `short_repr` does, with ``***`` for what may be a secret."""
    return _cut(_record.repr(record), length)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
