"""What can be wrong with a text file."""

from __future__ import annotations

from collections.abc import Iterable

from raystreaming.connector.source import ReaderContext
from raystreaming.errors import Terminal


def unreadable(path: str, error: OSError) -> Terminal:
    """Return what to say of a file that cannot be read."""
    return Terminal(
        f"text file {path} cannot be read: {error.strerror or error}. Check the path and its permissions"
    )


def cut_short(operator: str, path: str, stop: int) -> Terminal:
    """Return what to say of a file that ends before where it was to be read up to."""
    return Terminal(
        f"source {operator!r}: {path} is shorter than it was: it ends before byte {stop}, up to which it was "
        f"to be read. Put it back, or start over with --fresh"
    )


def readable(ctx: ReaderContext, lines: Iterable[bytes], path: str, start: int) -> list[str]:
    """Return the lines that are UTF-8, the first of which is at byte `start`; the others are rejected."""
    texts: list[str] = []
    for line in lines:
        try:
            texts.append(line.decode().removesuffix("\n"))
        except UnicodeDecodeError as error:
            why = "it is not UTF-8 (iconv can convert the file)"
            ctx.reject(line, why, f"{path} at byte {start + error.start}")
        start += len(line)
    return texts
