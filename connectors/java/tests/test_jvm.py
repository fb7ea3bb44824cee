"""Which Java is started: that of JAVA_HOME, then `java` on the PATH."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from raystreaming_java.jvm import JavaMissing, find_library
from raystreaming_test_support.killing import run_to_end

JOBS = Path(__file__).with_name("jobs_that_are_over.py")


def a_java(folder: Path, library: str = "lib/server/libjvm.so") -> Path:
    """Make what looks like a Java; return its library."""
    for name in (library, "bin/java"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch(mode=0o755)
    return folder / library


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without Java: nothing where JPype looks for it, and nothing on the PATH."""
    monkeypatch.setattr("jpype.getDefaultJVMPath", no_default)
    monkeypatch.setattr("raystreaming_java.jvm._LIBRARY", "libjvm.so")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path


def no_default():
    import jpype

    raise jpype.JVMNotFoundException("none")


def test_java_home_comes_first(machine, monkeypatch):
    mine, other = a_java(machine / "mine"), a_java(machine / "other")
    monkeypatch.setenv("PATH", str(other.parents[2] / "bin"))
    assert find_library() == str(other)
    monkeypatch.setenv("JAVA_HOME", str(machine / "mine"))
    assert find_library() == str(mine)


@pytest.mark.parametrize("home", [None, "/nowhere", "", "empty"])
def test_java_on_the_path_is_found_whatever_java_home_is(machine, monkeypatch, home):
    if home == "empty":
        (machine / "empty").mkdir()
        home = str(machine / "empty")
    if home is not None:
        monkeypatch.setenv("JAVA_HOME", home)
    library = a_java(machine / "opt" / "java")
    (machine / "bin" / "java").symlink_to(machine / "opt" / "java" / "bin" / "java")
    assert find_library() == str(library)


def test_an_old_java_is_found_so_that_it_can_be_named(machine, monkeypatch):
    library = a_java(machine / "old", "jre/lib/amd64/server/libjvm.so")
    monkeypatch.setenv("JAVA_HOME", str(machine / "old"))
    assert find_library() == str(library)


def test_none_says_where_it_was_looked_for_and_what_to_install(machine, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(
        JavaMissing, match=r"none on \S+ \(there is none in JAVA_HOME=/nowhere\): install one"
    ):
        find_library()


def test_threads_of_jobs_that_are_over_are_forgotten_and_a_thread_dump_is_safe(tmp_path):
    told = json.loads(run_to_end([sys.executable, str(JOBS), "8", "dump"], cwd=tmp_path).stdout)
    assert told["more"] <= 3, told
    assert told["dumps"] == 20


@pytest.mark.parametrize("how", ["at once", "after submit", "while threads end"])
def test_a_process_ends_well_whatever_its_threads_do(tmp_path, how):
    for _ in range(2):
        ended = run_to_end([sys.executable, str(JOBS), "1", how], cwd=tmp_path)
        assert (ended.stdout, ended.stderr) == ("over\n", "")
