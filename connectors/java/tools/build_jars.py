"""Builds the jars with Maven when the wheel is built, unless those that are there are of these sources."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULES = {"streaming-api": "", "streaming-runtime": "", "streaming-testkit": "testkit"}
"""The modules, and the folder of each in that of the jars: workers load what is at its top."""


class BuildJars(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the jars where the wheel, or an editable installation, finds them."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files."""
        root = Path(self.root)
        jars = root / "src" / "raystreaming_java" / "jars"
        stamp = root / "target" / "sources.sha256"
        sources = _fingerprint(root)
        if (
            stamp.is_file()
            and stamp.read_text() == sources
            and len(list(jars.rglob("*.jar"))) == len(MODULES)
        ):
            return
        _package(root)
        shutil.rmtree(jars, ignore_errors=True)
        for module, folder in MODULES.items():
            (built,) = (root / module / "target").glob(f"{module}-*.jar")
            (jars / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(built, jars / folder)
            if not folder:
                shutil.copy(root / module / "pom.xml", jars / f"{built.stem}.pom")
        shutil.copy(root / "pom.xml", jars / f"streaming-parent-{_version(root)}.pom")
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(sources)


def _fingerprint(root: Path) -> str:
    """Return a hash of everything that the jars are made from."""
    digest = hashlib.sha256()
    paths = [root / "pom.xml", *(p for m in MODULES for p in (root / m).rglob("*") if p.is_file())]
    for path in sorted(p for p in paths if "target" not in p.relative_to(root).parts):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _version(root: Path) -> str:
    """Return the version of all modules."""
    version = ElementTree.parse(root / "pom.xml").getroot().findtext("{*}version")
    assert version is not None, "pom.xml has a version"
    return version


def _package(root: Path) -> None:
    mvn = shutil.which("mvn")
    if mvn is None:
        raise RuntimeError(
            "building raystreaming-java needs Maven and a JDK from 17 on, and `mvn` is not on the PATH: "
            "apt-get install maven openjdk-17-jdk-headless, or brew install maven openjdk@17. "
            "Its wheel needs neither: pip install raystreaming-java"
        )
    # `clean`: classes whose sources are gone would stay in the jars.
    command = [mvn, "--batch-mode", "--quiet", "-Dmaven.test.skip=true", "clean", "package"]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"`{' '.join(command)}` failed in {root}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}"
        )
