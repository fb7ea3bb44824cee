"""Our jars for Maven and Gradle: as artifacts in the local repository of this user."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

from raystreaming_java.jvm import our_jars

GROUP = "io.ray"


def install(repository: Path | None = None) -> list[str]:
    """Put our artifacts into a Maven repository.

    Args:
        repository: Its folder; by default the user's local one.

    Returns:
        The coordinates of the jars.
    """
    target = local_repository() if repository is None else repository
    jars = our_jars()
    for file in [*jars, *jars[0].parent.glob("*.pom")]:
        artifact, version = _parts(file)
        folder = target.joinpath(*GROUP.split("."), artifact, version)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{file.name}"
        shutil.copyfile(file, unfinished)
        os.replace(unfinished, folder / file.name)
    return [":".join((GROUP, *_parts(jar))) for jar in jars]


def local_repository() -> Path:
    """Return the local repository that Maven's settings of this user name, else its usual place."""
    home = Path.home() / ".m2"
    settings = home / "settings.xml"
    if settings.is_file():
        named = ElementTree.parse(settings).getroot().findtext("{*}localRepository", "").strip()
        if named:
            return Path(named.replace("${user.home}", str(Path.home())))
    return home / "repository"


def _parts(file: Path) -> tuple[str, str]:
    """Return the artifact and the version that the name of a file has."""
    found = re.fullmatch(r"(.+?)-(\d.*)", file.stem)
    assert found is not None, f"{file.name} has no version"
    return found[1], found[2]
