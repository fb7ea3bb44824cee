"""Paths and URLs as users write them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from raystreaming.connector import Secret
from raystreaming.errors import nearest

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):(?:://|//|:.*://)")
_PASSWORD = re.compile(r"^[^/]*//[^/@]*:[^/@]*@")


def check_path(path: str | os.PathLike[str]) -> str | None:
    """Return what is wrong with `path` as an option, or None."""
    text = os.fspath(path)
    if not text:
        return "must not be empty"
    if "\0" in text:
        return "must not hold a NUL character"
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower() == "file" and not text[len("file://") :].startswith("/"):
        return "must be an absolute path after file://, as in file:///data/events"
    return None


def url_problems(path: str, storage_options: Mapping[str, Any]) -> Iterable[str]:
    """Yield what is wrong with a URL as an option, without showing it: it may hold a password."""
    if not is_remote(path):
        if storage_options:
            yield "option 'storage_options' is for URLs; a path on this machine's disks takes none"
        return
    if "::" in path:
        yield "option 'path' chains file systems with '::', which is not possible: name one place"
        return
    if _PASSWORD.match(path):
        yield "option 'path' holds a password, which would show: put it into storage_options"
    import fsspec

    scheme = path.partition("://")[0].lower()
    known = fsspec.available_protocols()
    if scheme not in known:
        yield f"option 'path' has the scheme {scheme!r}, which fsspec does not know{nearest(scheme, known)}"


def is_remote(path: str) -> bool:
    """Return whether a path is a URL of something else than this machine's disks."""
    scheme = _SCHEME.match(path)
    return scheme is not None and scheme[1].lower() != "file"


def absolute(path: str | os.PathLike[str]) -> str:
    """Return `path` (already checked) as absolute local path, or the URL as it is."""
    text = os.fspath(path)
    if is_remote(text):
        return text.rstrip("/") if not text.endswith("://") else text
    if _SCHEME.match(text):
        text = unquote(text[len("file://") :])
    return os.path.abspath(os.path.expanduser(text))


def revealed(options: Any) -> Any:
    """Return storage options with the values of secrets, for the file system's own eyes."""
    if isinstance(options, Secret):
        return options.reveal()
    if isinstance(options, Mapping):
        return {key: revealed(value) for key, value in options.items()}
    if isinstance(options, list | tuple):
        return [revealed(value) for value in options]
    return options
