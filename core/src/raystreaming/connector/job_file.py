"""`JobFile`: a file of a program that its job's workers need."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

from raystreaming.errors import RayStreamingError


class JobFile:
    """A file that goes with a job to its workers, whose machines need not have it.

    It travels with whatever holds it, an option of a source, say. A machine that gets it keeps it under
    its content: once, for all workers and jobs.

    Args:
        path: Where it is on this machine.

    Attributes:
        path: Where it is on this machine.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    @staticmethod
    def of(data: bytes, suffix: str = "") -> JobFile:
        """Return a file of some content, written unless this machine has it."""
        path = kept_at(hashlib.sha256(data).hexdigest(), suffix)
        if not path.exists():
            with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
                file.write(data)
            os.replace(file.name, path)  # at once: another worker may be doing the same
        return JobFile(path)

    def __reduce__(self) -> tuple[Any, ...]:
        """Take the content along; Ray's runtime has a better way."""
        return JobFile.of, (self.path.read_bytes(), self.path.suffix)


def kept_at(sha256: str, suffix: str) -> Path:
    """Return where this machine keeps a file that came with a job.

    Raises:
        RayStreamingError: Others may change what is there.
    """
    folder = Path(tempfile.gettempdir(), f"raystreaming-files-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RayStreamingError(
            f"files that came with a job cannot be put into {folder}, as others may change what is there: "
            f"remove it, or set TMPDIR to a folder of your own"
        )
    return folder / f"{sha256}{suffix}"
