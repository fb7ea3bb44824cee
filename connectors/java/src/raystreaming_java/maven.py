"""Jars by their Maven coordinates: found by the machine's Maven, once."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from raystreaming.errors import GraphError

COORDINATES = re.compile(r"[\w.-]+:[\w.-]+:[\w.-]+")
"""``group:artifact:version``."""

_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"

_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>raystreaming</groupId>
  <artifactId>java-packages</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>{}</dependencies>
</project>
"""


def resolved(packages: Sequence[str]) -> list[str]:
    """Return the jars of packages and of all that they need, in the order of a class path.

    Maven keeps the jars. Which they are is kept beside, and asked again only when one of them is gone.

    Raises:
        GraphError: There is no Maven, or it does not find them.
    """
    if not packages:
        return []
    told = _cache() / f"{hashlib.sha256(' '.join(packages).encode()).hexdigest()}.classpath"
    if told.exists():
        jars = _read(told)
        if all(map(os.path.exists, jars)):
            return jars
    _ask_maven(packages, told)
    return _read(told)


def _read(told: Path) -> list[str]:
    return [jar for jar in told.read_text(encoding="utf-8").strip().split(os.pathsep) if jar]


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root, "raystreaming", "java")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _ask_maven(packages: Sequence[str], told: Path) -> None:
    names = ", ".join(packages)
    mvn = shutil.which("mvn")
    if mvn is None:
        raise GraphError(
            f"java_packages ({names}) are found by Maven, and `mvn` is not on the PATH: apt-get install "
            f"maven, or brew install maven; or give jars in java_classpath=[...]"
        )
    with tempfile.TemporaryDirectory(dir=told.parent) as folder:
        pom, answer = Path(folder, "pom.xml"), Path(folder, "classpath")
        pom.write_text(_POM.format("".join(map(_dependency, packages))), encoding="utf-8")
        command = [mvn, "--batch-mode", "--file", str(pom), _GOAL]
        command += ["-DincludeScope=runtime", f"-Dmdep.outputFile={answer}"]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise GraphError(_complaint(packages, done.stdout))
        os.replace(answer, told)  # at once: another job may be doing the same


def _dependency(package: str) -> str:
    group, artifact, version = package.split(":")
    return (
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>"
    )


def _complaint(packages: Sequence[str], said: str) -> str:
    errors = [line.removeprefix("[ERROR] ") for line in said.splitlines() if line.startswith("[ERROR]")]
    why = next((line for line in errors if line.strip()), said.strip() or "it said nothing")
    absent = [name for name in packages if _jar_name(name) in why]
    what = f"finds no {', '.join(absent)}" if absent else f"cannot find {', '.join(packages)}"
    return (
        f"java_packages: Maven {what}. See whether group, artifact and version are right, and whether Maven "
        f"reaches its repositories. It said: {why[:500]}"
    )


def _jar_name(package: str) -> str:
    group, artifact, version = package.split(":")
    return f"{group}:{artifact}:jar:{version}"
