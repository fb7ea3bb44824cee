"""docs/java-plugins.md as an author follows it: the package is built, installed, used from both languages."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from pathlib import Path

import pytest

from raystreaming_test_support.java import compile_java, java_command
from raystreaming_test_support.killing import run_to_end

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "java-plugins.md").read_text()
FILES = dict(re.findall(r"(?:is|this) `([\w./-]+)`:\n\n```\w+\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The folder of the package, its wheel built."""
    folder = tmp_path_factory.mktemp("package")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (commands,) = blocks("sh")
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    run_to_end(["bash", "-ec", commands], cwd=folder, env=environment, timeout=100)
    return folder


@pytest.fixture(scope="module")
def installed(package, tmp_path_factory) -> dict[str, str]:
    """The environment of programs that have it installed."""
    site = tmp_path_factory.mktemp("site")
    (wheel,) = (package / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return {"PYTHONPATH": str(site)}


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1").write_text("One\nTwo\n")
    (tmp_path / "in" / "2").write_text("Three\n")
    return tmp_path


def written(folder: Path) -> list[str]:
    files = [f for f in (folder / "out").iterdir() if f.is_file()]
    return sorted(line for f in files for line in f.read_text().splitlines())


def test_every_file_that_the_guide_lists_is_there(package):
    listed = re.findall(r"^    ([\w./-]+)(?: +#.*)?$", GUIDE, re.MULTILINE)
    assert len(listed) == 8
    assert [name for name in listed if not (package / name).is_file()] == []


def test_from_python(installed, folder):
    *_, program = blocks("python")
    run_to_end([sys.executable, "-c", program], cwd=folder, env=installed)
    assert written(folder) == ["ONE", "THREE", "TWO"]


def test_from_java(package, installed, folder):
    *_, program = blocks("java")
    (folder / "Copy.java").write_text(program)
    jar = package / "src" / "raystreaming_acme" / "jars" / "acme.jar"
    compile_java(folder, folder / "Copy.java", beside=[jar])
    run_to_end(java_command(folder, "Copy", beside=[jar]), cwd=folder, env=installed)
    assert written(folder) == ["one", "three", "two"]


def test_it_is_typed_and_shown(installed):
    code = """
from raystreaming import StreamingContext
from raystreaming_acme import FolderSource
ctx = StreamingContext()
assert {"read_acme", "source"} <= set(dir(ctx))
assert "write_acme" in dir(ctx.source(FolderSource("in")))
try:
    ctx.read_acme(pth="in")
except Exception as error:
    print(error)
ctx = StreamingContext()
ctx.read_acme("nowhere").print()
print(ctx.explain().count("at-least-once"))
try:
    ctx.execute("gone")
except Exception as error:
    print(type(error).__name__, error)
"""
    said = run_to_end([sys.executable, "-c", code], env=installed).stdout.splitlines()
    assert said[0] == "FolderSource: unknown option 'pth' (did you mean 'path'?); missing option 'path'"
    assert said[1] == "1", "of print"
    assert (
        said[2] == "Terminal operator 'read_acme': com.acme.FolderSource.splits: there is no folder nowhere"
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"com.acme.FolderSource": "com.acme.Nothing"},
            "there is no class com.acme.Nothing",
        ),
        (
            {"com.acme.FolderSource": "com.acme.FolderSink"},
            "from_java() needs a SourceFunction or a Source, and class com.acme.FolderSink is none",
        ),
        (
            {"path: str": "pfad: str = option(default='x', doc='Wrong.')\n    path: str"},
            "acme: unknown option pfad; there are [path]",
        ),
    ],
)
def test_what_is_wrong_is_said_at_submit(installed, folder, change, text):
    site = folder / "site"
    code = FILES["src/raystreaming_acme/__init__.py"]
    for old, new in change.items():
        assert old in code
        code = code.replace(old, new, 1)
    site.mkdir()
    (site / "wrong.py").write_text(code)
    program = (
        "from raystreaming import StreamingContext; import wrong; ctx = StreamingContext()\n"
        "ctx.source(wrong.FolderSource('in')).print()\n"
        "try:\n    ctx.submit('wrong')\nexcept Exception as error:\n    print(type(error).__name__, error)"
    )
    path = os.pathsep.join([str(site), installed["PYTHONPATH"]])
    said = run_to_end([sys.executable, "-c", program], cwd=folder, env={"PYTHONPATH": path}).stdout
    assert said.startswith("GraphError this job cannot run: operator 'FolderSource': ")
    assert text in said


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!http)([^)#]+)", GUIDE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
