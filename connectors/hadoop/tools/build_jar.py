"""Builds the jar when the wheel is built, unless the one that is there is of these sources.

It needs the classes of Hadoop's client, which Maven gets, and those of raystreaming-java: their sources
beside this folder in a checkout, else the package, installed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

API = Path("..", "java", "streaming-api", "src", "main", "java")
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


class BuildJar(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the jar where the wheel, or an editable installation, finds it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files."""
        root = Path(self.root)
        jar = root / "src" / "raystreaming_hadoop" / "jars" / "raystreaming-hadoop.jar"
        stamp = root / "target" / "sources.sha256"
        sources = _fingerprint(root)
        if jar.is_file() and stamp.is_file() and stamp.read_text() == sources:
            return
        classes = root / "target" / "classes"
        shutil.rmtree(classes, ignore_errors=True)
        classes.mkdir(parents=True)
        _compile(root, classes)
        jar.parent.mkdir(exist_ok=True)
        _pack([classes, root / "java"], jar)
        stamp.write_text(sources)


def _fingerprint(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in (root / "java").rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _compile(root: Path, classes: Path) -> None:
    """Compile the sources; warnings are errors."""
    sources = sorted(map(str, (root / "java").rglob("*.java")))
    classpath = [_hadoop(root)]
    lints = "-Xlint:all,-serial,-processing,-classfile,-path"
    options = ["--release", "17", "-implicit:none", lints, "-Werror"]
    if (root / API).is_dir():
        options += ["--source-path", str(root / API)]
    else:
        from raystreaming_java.jvm import our_jars

        classpath += our_jars()
    path = ":".join(map(str, classpath))
    _run([_tool("javac", "openjdk-17-jdk-headless"), *options, "-cp", path, "-d", str(classes), *sources])


def _hadoop(root: Path) -> Path:
    """Return the jar of Hadoop's client, of the version that the package names."""
    text = (root / "src" / "raystreaming_hadoop" / "connectors.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^HADOOP = "(.+)"$', text, re.MULTILINE)
    jar = root / "target" / f"hadoop-client-api-{version}.jar"
    if not jar.is_file():
        artifact = f"org.apache.hadoop:hadoop-client-api:{version}"
        mvn = _tool("mvn", "maven")
        options = [f"-Dartifact={artifact}", f"-DoutputDirectory={jar.parent}"]
        _run([mvn, "--batch-mode", "--quiet", "--strict-checksums", COPY, *options])
    return jar


def _pack(folders: list[Path], jar: Path) -> None:
    """Put everything but sources into a jar; the same classes make the same bytes."""
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as out:
        for folder in folders:
            for file in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".java"):
                out.writestr(zipfile.ZipInfo(file.relative_to(folder).as_posix()), file.read_bytes())


def _tool(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(
            f"building raystreaming-hadoop needs `{name}`, which is not on the PATH: apt-get install "
            f"{package}. Its wheel needs no JDK: pip install raystreaming-hadoop"
        )
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        said = f"{done.stdout[-4000:]}{done.stderr[-4000:]}"
        raise RuntimeError(f"`{' '.join(command[:6])} ...` failed:\n{said}")
