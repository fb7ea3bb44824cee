"""docs/java.md as a new user follows it, what other documents show of Java, and the examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming_test_support.killing import run_to_end

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "java.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
ENVIRONMENT = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


def shell(commands: str, folder: Path) -> list[str]:
    return run_to_end(["bash", "-ec", commands], cwd=folder, env=ENVIRONMENT).stdout.splitlines()


def python(code: str, folder: Path) -> list[str]:
    (folder / "job.py").write_text(code)
    return run_to_end([sys.executable, "job.py"], cwd=folder).stdout.splitlines()


@pytest.fixture(scope="module")
def acme(tmp_path_factory) -> Path:
    """A folder with the acme.jar of the guide, of both of its classes."""
    folder = tmp_path_factory.mktemp("acme")
    jar, *_ = blocks("docs/java.md", "sh")
    names = []
    for source in blocks("docs/java.md", "java"):
        if source.startswith("package com.acme;"):
            (name,) = re.findall(r"^public (?:class|record) (\w+)", source, re.MULTILINE)
            (folder / f"{name}.java").write_text(source)
            names.append(f"{name}.java")
    assert sorted(names) == ["Between.java", "Calibrate.java", "Count.java", "Text.java"]
    shell(jar.replace("Text.java", " ".join(names)), folder)
    return folder


def test_the_guide_with_a_jar(acme):
    longest, between, count, _, readings, _ = blocks("docs/java.md", "python")
    assert python(longest, acme) == ["THE", "CAT", "SAW", "CATTLE", "TRACK"]
    assert python(between, acme) == ["2", "3"]
    assert python(readings, acme) == ["Reading(sensor='a', value=15.0)"]
    assert python(count, acme) == ["0", "250", "500", "750"]
    assert python(count, acme) == []


def test_the_guide_with_a_model(tmp_path):
    _, _, _, model, _, _ = blocks("docs/java.md", "python")
    _, _, _, scores, *_ = blocks("docs/java.md", "java")
    _, commands, _, _ = blocks("docs/java.md", "sh")
    (tmp_path / "model.py").write_text(model)
    (tmp_path / "Scores.java").write_text(scores)
    assert shell(commands, tmp_path) == ["score 0.2", "score 0.4", "score 0.6"]


def test_the_testkit_of_the_guide(acme):
    *_, test = blocks("docs/java.md", "java")
    *_, commands = blocks("docs/java.md", "sh")
    (acme / "LongestTest.java").write_text(test)
    assert shell(commands, acme) == ["[cat, a, cattle]", "[cattle]"]


def test_the_errors_of_the_guide(acme):
    *_, wrong = blocks("docs/java.md", "python")
    (shown,) = blocks("docs/java.md", "text")
    done = subprocess.run([sys.executable, "-c", wrong], cwd=acme, capture_output=True, text=True)
    assert done.returncode != 0
    assert [line for line in shown.splitlines() if line not in done.stderr] == []


@pytest.mark.parametrize("document", ["docs/java.md", "connectors/java/README.md"])
def test_every_link_leads_somewhere(document):
    path = ROOT / document
    links = re.findall(r"\]\((?!http)([^)#]+)", path.read_text())
    assert links
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_guide_has_no_other_blocks():
    """The Maven project is run by tests/new_user, and the settings for Ray by tests/ray."""
    assert {kind for kind, _ in BLOCKS} == {"java", "python", "sh", "text", "xml"}


ROWS = re.findall(r"^\| `(.+)` \| `(\S+)` \| `(.+)` \|$", GUIDE, re.MULTILINE)
TYPE_NAME = """
public class TypeName implements io.ray.streaming.api.function.impl.MapFunction<Object, Object> {
  public Object map(Object value) {
    return java.util.Arrays.asList(value == null ? "null" : value.getClass().getSimpleName(), value);
  }
}
"""


def test_the_table_of_types(tmp_path, compile_java):
    assert len(ROWS) == 9
    compile_java(tmp_path, TypeName=TYPE_NAME)
    ctx = StreamingContext(java_classpath=[tmp_path])
    given = [eval(value) for value, _, _ in ROWS]
    ctx.from_collection(given).as_java_stream().map("TypeName").as_python_stream().collect()
    told = [[java, back] for _, java, back in ROWS]
    assert [[java, repr(back)] for java, back in ctx.execute("types").result()] == told


def test_the_readme_of_the_package(acme, run_java, tmp_path):
    (words,) = blocks("connectors/java/README.md", "python")
    assert python(words, acme) == ["NOT"]
    (scores,) = blocks("connectors/java/README.md", "java")
    write_model(tmp_path)
    assert run_java(scores) == ["2", "2", "2"]


def test_the_java_program_of_the_readme(run_java, tmp_path):
    (scores,) = blocks("README.md", "java")
    write_model(tmp_path)
    assert run_java(scores) == ["2", "2", "2"]


def write_model(folder: Path) -> None:
    (folder / "acme").mkdir()
    (folder / "acme" / "model.py").write_text("score = len\n")


def test_the_examples(run_java):
    done = run_to_end([sys.executable, ROOT / "examples" / "hybrid.py"])
    assert done.stdout.splitlines() == ["result a", "result c"]
    words = run_java((ROOT / "examples" / "WordCount.java").read_text(), name="WordCount")
    assert words == ["sink result=hello=1", "sink result=hello=2", "sink result=java=1"]
    hybrid = run_java((ROOT / "examples" / "HybridStream.java").read_text(), name="HybridStream")
    assert hybrid == ["HybridStream sink=aa", "HybridStream sink=cc"]
