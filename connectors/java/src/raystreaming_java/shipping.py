"""The class path of a job on its way to workers, whose machines need not have the jars."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from raystreaming.errors import RayStreamingError


def packed(paths: Iterable[str]) -> list[bytes]:
    """Return jars, and folders of classes made into jars, as bytes."""
    return [_jar_of(path) if path.is_dir() else path.read_bytes() for path in map(Path, paths)]


def _jar_of(folder: Path) -> bytes:
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as out:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            # No dates: the same classes are the same jar, which is then written once per machine.
            out.writestr(zipfile.ZipInfo(file.relative_to(folder).as_posix()), file.read_bytes())
    return jar.getvalue()


def unpacked(jars: Iterable[bytes]) -> list[str]:
    """Return the paths of jars on this machine, where they are written unless they are there already."""
    return [_written(jar) for jar in jars]


def _written(jar: bytes) -> str:
    path = _folder() / f"{hashlib.sha256(jar).hexdigest()}.jar"
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(jar)
        os.replace(file.name, path)  # at once: another worker may be doing the same
    return str(path)


def _folder() -> Path:
    """Return the folder for jars, which nobody else may write to: what is in it is run."""
    folder = Path(tempfile.gettempdir(), f"raystreaming-java-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RayStreamingError(
            f"the job's jars cannot be put into {folder}, as others may change what is there: remove it, or "
            f"set TMPDIR to a folder of your own"
        )
    return folder
