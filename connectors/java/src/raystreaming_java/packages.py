"""Jars by their Maven coordinates, got by the machine's Maven and kept in a cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from raystreaming.errors import GraphError

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_COORDINATES = re.compile(r"[\w.-]+:[\w.-]+:[\w.-]+(:[\w.-]+)?")


def wrong_coordinates(packages: Iterable[str]) -> Iterable[str]:
    """Yield what is wrong with coordinates, as far as can be seen."""
    for package in packages:
        if not _COORDINATES.fullmatch(package):
            yield (
                f"java_packages: {package!r} is not of the form group:artifact:version, or "
                f"group:artifact:version:classifier"
            )


def jars_of(packages: Sequence[str]) -> list[str]:
    """Return the jars of packages, with all that they need; Maven is asked for them once.

    Raises:
        GraphError: There is no Maven, or it cannot get them.
    """
    if not packages:
        return []
    name = hashlib.sha256("\n".join(packages).encode()).hexdigest()[:24]
    folder = _cache() / name
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(folder.parent / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():  # another process may have been faster
                _get(packages, folder)
    return sorted(str(jar) for jar in folder.glob("*.jar"))


def _cache() -> Path:
    chosen = os.environ.get("RAYSTREAMING_CACHE")
    return (Path(chosen).absolute() if chosen else Path.home() / ".cache" / "raystreaming") / "java"


def _get(packages: Sequence[str], folder: Path) -> None:
    """Fill a folder, which appears when it is complete."""
    mvn = shutil.which("mvn")
    wished = ", ".join(packages)
    if mvn is None:
        raise GraphError(
            f"the jars of {wished} come by Maven, and `mvn` is not on the PATH: apt-get install maven, or "
            f"brew install maven. Or get the jars elsewhere, and name them in java_classpath"
        )
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        pom, jars = Path(work, "pom.xml"), Path(work, "jars")
        pom.write_text(_pom(packages), encoding="utf-8")
        jars.mkdir()
        command = [mvn, "--batch-mode", "--quiet", "--strict-checksums", "--file", str(pom), _COPY]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            said = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
            raise GraphError(
                f"Maven cannot get the jars of {wished}: {' '.join(said[:1]) or done.stderr[-500:]}. Mend "
                f"the coordinates, or see what it says to: mvn dependency:get -Dartifact={packages[0]}"
            )
        jars.rename(folder)


def _pom(packages: Iterable[str]) -> str:
    dependencies = ""
    for package in packages:
        parts = zip(("groupId", "artifactId", "version", "classifier"), package.split(":"), strict=False)
        tags = "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in parts)
        dependencies += f"<dependency>{tags}</dependency>"
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>raystreaming</groupId><artifactId>packages</artifactId><version>1</version>"
        f"<packaging>pom</packaging><dependencies>{dependencies}</dependencies></project>"
    )
