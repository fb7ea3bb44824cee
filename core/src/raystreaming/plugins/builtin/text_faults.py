"""What can be wrong with a text file."""

from __future__ import annotations

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


def not_text(operator: str, path: str, at: int) -> Terminal:
    """Return what to say of bytes that are no UTF-8."""
    return Terminal(
        f"source {operator!r}: {path} is not UTF-8 at byte {at}: convert it, e.g. with iconv, or read bytes "
        f"with read_files(format='text', on_error='skip')"
    )
