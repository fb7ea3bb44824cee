"""The jars are there, and who lacks a tool is told what to install."""

import shutil
from pathlib import Path

import pytest

from raystreaming_test_support.maven import ToolError, find_java, kafka_jars


@pytest.fixture
def bin_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give an empty cache, and a PATH of one empty folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("RAYSTREAMING_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


def write_command(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_all_jars_of_the_broker() -> None:
    names = {jar.name for jar in kafka_jars().iterdir()}
    assert {"kafka_2.13-4.3.1.jar", "kafka-clients-4.3.1.jar"} <= names
    assert any(name.startswith("log4j-slf4j-impl-") for name in names)
    assert all(name.endswith(".jar") for name in names)


def test_cached_jars_need_no_maven(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kafka_jars()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kafka_jars().is_dir()


def test_no_java(bin_folder: Path) -> None:
    with pytest.raises(ToolError) as caught:
        kafka_jars()
    assert "neither in JAVA_HOME nor on the PATH" in str(caught.value)
    assert "sudo apt-get install openjdk-17-jdk-headless maven" in str(caught.value)
    assert "brew install openjdk@17 maven" in str(caught.value)


@pytest.mark.parametrize("version", ["1.8.0_292", "11.0.22"])
def test_old_java(bin_folder: Path, version: str) -> None:
    write_command(bin_folder / "java", f"echo 'openjdk version \"{version}\"' >&2")
    with pytest.raises(ToolError, match=r"is Java (8|11)\. Install a newer one"):
        find_java()


@pytest.mark.parametrize("version", ["17", "17.0.15", "21.0.2", "25-ea"])
def test_new_java(bin_folder: Path, version: str) -> None:
    write_command(bin_folder / "java", f"echo 'openjdk version \"{version}\"' >&2")
    assert find_java().command == bin_folder / "java"


def test_java_that_is_only_a_stub(bin_folder: Path) -> None:
    complaint = "Unable to locate a Java Runtime."
    write_command(bin_folder / "java", f"echo '{complaint}' >&2; exit 1")
    with pytest.raises(ToolError, match=complaint):
        find_java()


def test_java_home_goes_before_the_path(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "jdk"
    (home / "bin").mkdir(parents=True)
    write_command(home / "bin/java", "echo 'openjdk version \"21.0.2\"' >&2")
    write_command(bin_folder / "java", "echo 'openjdk version \"11.0.2\"' >&2")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert find_java().command == home / "bin/java"


def test_no_maven(bin_folder: Path) -> None:
    write_command(bin_folder / "java", "echo 'openjdk version \"17.0.15\"' >&2")
    with pytest.raises(ToolError, match="`mvn` is not on the PATH") as caught:
        kafka_jars()
    assert "sudo apt-get install openjdk-17-jdk-headless maven" in str(caught.value)


def test_maven_that_fails(bin_folder: Path, tmp_path: Path) -> None:
    write_command(bin_folder / "java", "echo 'openjdk version \"17.0.15\"' >&2")
    write_command(bin_folder / "mvn", "echo 'Unknown host'; exit 1")
    with pytest.raises(ToolError, match="Unknown host") as caught:
        kafka_jars()
    assert "mvn dependency:get" in str(caught.value)
    assert not list(tmp_path.glob("cache/*/jars*/*"))


def test_this_machine_has_java() -> None:
    assert shutil.which(find_java().command)
