"""As a new user: an environment with nothing but the wheels, a bare Java runtime, a Maven project elsewhere.

The session `new_user` says in RAYSTREAMING_WHEELS where the wheels are.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from raystreaming_test_support.killing import run_to_end

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "java.md").read_text()


def block(language: str, containing: str) -> str:
    """The one block of the guide in a language that has some text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Path:
    """A virtual environment with the wheels of the core and of Java, and what these require."""
    folder = tmp_path_factory.mktemp("new") / "venv"
    run_to_end([sys.executable, "-m", "venv", folder], timeout=300)
    wheels = os.environ["RAYSTREAMING_WHEELS"].split(os.pathsep)
    run_to_end([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *wheels], timeout=300)
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory) -> Path:
    """A Java runtime: no compiler, and no more modules than a headless one has."""
    jlink = shutil.which("jlink")
    assert jlink, "the tests need a JDK: apt-get install openjdk-17-jdk-headless"
    folder = tmp_path_factory.mktemp("runtime") / "jre"
    run_to_end([jlink, "--add-modules", "java.se,jdk.unsupported", "--output", folder], timeout=300)
    assert not (folder / "bin" / "javac").exists()
    return folder


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A local repository of its own, with what the user's has of Maven's plugins."""
    folder = tmp_path_factory.mktemp("m2") / "repository"
    usual = Path.home() / ".m2" / "repository"
    if usual.is_dir():
        shutil.copytree(usual, folder, ignore=shutil.ignore_patterns("ray", "*.tmp", "*.part"))
    return folder


def path(*folders: Path) -> dict[str, str]:
    """An environment where programs are found in these folders first, and JAVA_HOME says nothing."""
    return {"PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]), "JAVA_HOME": ""}


@pytest.fixture(scope="module")
def project(tmp_path_factory, environment, repository) -> Path:
    """The Maven project of the guide, compiled."""
    folder = tmp_path_factory.mktemp("scores")
    sources = folder / "src" / "main" / "java"
    sources.mkdir(parents=True)
    (folder / "pom.xml").write_text(block("xml", "<project"))
    (folder / "model.py").write_text(block("python", "def score"))
    (sources / "Scores.java").write_text(block("java", "class Scores"))
    install, *_ = block("sh", "install-maven").splitlines()
    run_to_end(
        ["bash", "-ec", f"{install} --repository {repository}"], env=path(environment / "bin"), cwd=folder
    )
    return folder


def test_a_maven_project_with_the_commands_of_the_guide(project, environment, repository):
    _, *commands = block("sh", "install-maven").splitlines()
    text = "\n".join(commands).replace("mvn ", f"mvn -Dmaven.repo.local={repository} ")
    shown = run_to_end(["bash", "-ec", text], env=path(environment / "bin"), cwd=project, timeout=400).stdout
    assert [line for line in shown.splitlines() if line.startswith("score")] == [
        "score 0.2",
        "score 0.4",
        "score 0.6",
    ]


def test_what_maven_has_built_runs_with_a_bare_runtime(project, environment, runtime, repository):
    package = ["mvn", "--quiet", f"-Dmaven.repo.local={repository}", "package"]
    run_to_end(package, cwd=project, timeout=400)
    (jar,) = (project / "target").glob("*.jar")
    jars = [jar, *(repository / "io" / "ray").rglob("*.jar")]
    command = ["java", "-cp", os.pathsep.join(map(str, jars)), "Scores"]
    shutil.rmtree(project / "scores-state", ignore_errors=True)
    ended = run_to_end(command, cwd=project, env=path(environment / "bin", runtime / "bin"))
    assert ended.stdout.splitlines() == ["score 0.2", "score 0.4", "score 0.6"]


PROGRAM = """
from raystreaming import StreamingContext
ctx = StreamingContext()
words = ctx.from_values("a", "b", "c").as_java_stream()
words.filter("io.ray.streaming.runtime.demo.HybridStreamTest$Filter1").as_python_stream().print()
ctx.execute("words")
import jpype
print(jpype.JClass("java.lang.System").getProperty("java.home"))
"""


def test_a_python_job_with_the_wheels_and_a_bare_runtime(environment, runtime, tmp_path):
    (tmp_path / "job.py").write_text(PROGRAM)
    env = path(environment / "bin", runtime / "bin")
    *words, home = run_to_end(["python", "job.py"], cwd=tmp_path, env=env).stdout.splitlines()
    assert words == ["a", "c"]
    assert home == str(runtime)
