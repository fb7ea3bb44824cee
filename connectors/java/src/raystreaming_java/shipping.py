"""The class path of a job on its way to workers, whose machines need not have the jars."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

from raystreaming.connector import JobFile


def as_files(paths: Iterable[str]) -> list[JobFile]:
    """Return jars, and folders of classes made into jars, as files that go with the job."""
    return [
        JobFile.of(_jar_of(path), ".jar") if path.is_dir() else JobFile(path) for path in map(Path, paths)
    ]


def _jar_of(folder: Path) -> bytes:
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as out:
        for file in sorted(p for p in folder.rglob("*") if p.is_file()):
            # No dates: the same classes are the same jar, which is then written once per machine.
            out.writestr(zipfile.ZipInfo(file.relative_to(folder).as_posix()), file.read_bytes())
    return jar.getvalue()
