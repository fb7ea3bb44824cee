"""Our jars as artifacts for Maven: what a project needs is there, with its parents and dependencies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from raystreaming_java.jvm import our_jars
from raystreaming_java.local_repository import local_repository


def install(*arguments: str | Path, home: Path) -> list[str]:
    command = [sys.executable, "-m", "raystreaming_java", "install-maven", *map(str, arguments)]
    done = subprocess.run(command, env={"HOME": str(home)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def place(repository: Path, group: str, artifact: str, version: str) -> Path:
    return repository.joinpath(*group.split("."), artifact, version, f"{artifact}-{version}")


@pytest.mark.parametrize("named", [False, True])
def test_every_artifact_is_there_with_what_it_refers_to(tmp_path, named):
    target = tmp_path / "else where"
    shown = install(*(["--repository", target] if named else []), home=tmp_path)
    repository = target if named else tmp_path / ".m2" / "repository"
    assert [line.rsplit(":", 1)[0] for line in shown] == ["io.ray:streaming-api", "io.ray:streaming-runtime"]
    poms = list(repository.rglob("*.pom"))
    assert len(poms) == len(our_jars()) + 1, "a pom for each jar, and their parent"
    for coordinates, jar in zip(shown, our_jars(), strict=True):
        here = place(repository, *coordinates.split(":"))
        assert here.with_name(f"{here.name}.jar").read_bytes() == jar.read_bytes()
    for pom in poms:
        root = ElementTree.parse(pom).getroot()
        for other in [*root.findall("{*}parent"), *root.findall("{*}dependencies/{*}dependency")]:
            found = [other.findtext(f"{{*}}{name}") for name in ("groupId", "artifactId", "version")]
            version = shown[0].split(":")[-1] if found[2] == "${project.version}" else found[2]
            here = place(repository, found[0], found[1], version)
            assert here.with_name(f"{here.name}.pom").exists(), f"{pom.name} refers to {here.name}"


def test_the_folder_of_mavens_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_repository() == tmp_path / ".m2" / "repository"
    (tmp_path / ".m2").mkdir()
    settings = tmp_path / ".m2" / "settings.xml"
    settings.write_text('<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0"><offline/></settings>')
    assert local_repository() == tmp_path / ".m2" / "repository"
    settings.write_text("<settings><localRepository>${user.home}/jars</localRepository></settings>")
    assert local_repository() == tmp_path / "jars"
