"""Local paths as users write them. Other file systems (fsspec) would come in here."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)::?//")


def check_path(path: str | os.PathLike[str]) -> str | None:
    """Return what is wrong with `path` as an option, or None."""
    text = os.fspath(path)
    if not text:
        return "must not be empty"
    if "\0" in text:
        return "must not hold a NUL character"
    scheme = _SCHEME.match(text)
    if scheme is None:
        return None
    if scheme[1].lower() != "file":
        return f"has the scheme {scheme[1]!r}: only local paths and file:// can be used in this version"
    if not text[len("file://") :].startswith("/"):
        return "must be an absolute path after file://, as in file:///data/events"
    return None


def local_path(path: str | os.PathLike[str]) -> str:
    """Return `path` (already checked) as absolute local path."""
    text = os.fspath(path)
    if _SCHEME.match(text):
        text = unquote(text[len("file://") :])
    return os.path.abspath(os.path.expanduser(text))
