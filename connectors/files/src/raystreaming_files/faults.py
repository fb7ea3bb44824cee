"""What an operating-system error means for a job, in words a user can act on."""

from __future__ import annotations

import errno
from typing import Any

from raystreaming.connector import ConnectorError, Retryable, Terminal

_PASSING = {errno.EAGAIN, errno.EINTR, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EBUSY, errno.ENFILE}
_FIXES = {
    errno.ENOSPC: "free space on that disk, or write to another one",
    errno.EDQUOT: "raise the quota, or write to another place",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f), or make files smaller with roll_bytes=",
    errno.EACCES: "let this user in, or choose another path",
    errno.EPERM: "let this user in, or choose another path",
    errno.EROFS: "choose a path on a disk that can be written to",
    errno.ENOENT: "check the path; it must be visible on every machine of the job",
    errno.ENOTDIR: "a part of that path is a file: choose another path, or move the file away",
    errno.EEXIST: "a file stands where a folder is needed: choose another path, or move the file away",
    errno.EISDIR: "a folder stands where a file is needed: choose another path",
    errno.ENAMETOOLONG: "use shorter partition values or a shorter path",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
}


def os_fault(what: str, path: str, where: str, error: OSError) -> ConnectorError:
    """Return the error to raise for `error`: what failed, where, why, and what to do.

    Args:
        what: What was being done, e.g. ``"write"``.
        path: The file or folder.
        where: Id of the operator, or of the sink's method.
        error: The cause; also to be chained.
    """
    number = error.errno or 0
    why = error.strerror or str(error)
    if number in _PASSING:
        return Retryable(f"cannot {what} {path!r} ({where}): {why}; this may pass, the job will try again")
    fix = _FIXES.get(number, "see the cause, and check the disk that holds this path")
    return Terminal(f"cannot {what} {path!r} ({where}): {why}; {fix}")


def shown_columns(schema: Any) -> str:
    """Return names and types of an Arrow schema for messages."""
    return ", ".join(f"{field.name}: {field.type}" for field in schema)
