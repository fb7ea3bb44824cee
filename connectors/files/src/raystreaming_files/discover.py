"""Find the files that a path, a folder or a glob stands for."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass

from raystreaming.connector import Terminal
from raystreaming_files.faults import os_fault


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read.

    Attributes:
        path: Absolute path.
        relative: Path below the folder that was asked for, with ``/`` (its Hive folders).
        size: Size in bytes when it was found.
    """

    path: str
    relative: str
    size: int


def find_files(path: str, where: str = "files source") -> list[Found]:
    """Return the files of `path`, sorted by path.

    A folder is searched to any depth. Entries that begin with ``.`` or ``_`` are left out (apart
    from partition folders such as ``_day=1``): that is where writers keep what is unfinished.

    Raises:
        Terminal: There is no such path, or it cannot be read.
    """
    try:
        if os.path.isdir(path):
            found = list(_walk(path, path, set()))
        elif os.path.lexists(path):
            found = [_found(path, os.path.basename(path))]
        elif glob.has_magic(path):
            found = list(_matches(path))
            if not found:
                raise Terminal(
                    f"no file matches {path!r} ({where}): the pattern was tried on this machine; "
                    "check the path, and quote the pattern if a shell could expand it"
                )
        else:
            raise FileNotFoundError(2, "no such file or folder", path)
    except OSError as error:
        raise os_fault("read", str(error.filename or path), where, error) from error
    return sorted({f.path: f for f in found}.values(), key=lambda f: f.path)


def hidden(name: str) -> bool:
    """Return whether an entry of a folder is not for readers."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _identity(folder: str) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _found(path: str, relative: str) -> Found:
    return Found(path, relative.replace(os.sep, "/"), os.stat(path).st_size)


def _walk(folder: str, base: str, above: set[tuple[int, int]]) -> Iterator[Found]:
    here = _identity(folder)
    if here in above:  # A link back to a folder that holds it.
        return
    with os.scandir(folder) as entries:
        names = sorted((e for e in entries if not hidden(e.name)), key=lambda e: e.name)
    for entry in names:
        if entry.is_dir():
            yield from _walk(entry.path, base, above | {here})
        elif entry.is_file():
            yield _found(entry.path, os.path.relpath(entry.path, base))


def _matches(pattern: str) -> Iterator[Found]:
    base = pattern
    while glob.has_magic(base):
        base = os.path.dirname(base)
    for path in glob.iglob(pattern, recursive=True):
        path = os.path.abspath(path)
        relative = os.path.relpath(path, base)
        if any(hidden(part) for part in relative.split(os.sep)):
            continue
        if os.path.isdir(path):
            if "**" not in pattern:  # Else the files in it match by themselves.
                yield from _walk(path, base, {_identity(base)})
        elif os.path.isfile(path):
            yield _found(path, relative)
