"""What type checkers say about programs: every mistake in program.py, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import raystreaming

PROGRAM = Path(__file__).with_name("program.py")
WRONG = {n for n, line in enumerate(PROGRAM.read_text().splitlines(), 1) if line.endswith("  # wrong")}


def mypy(folder: Path, python: str = sys.executable) -> dict[int, str]:
    options = ["--strict", "--output", "json", "--config-file=", "--python-executable", python]
    command = [sys.executable, "-m", "mypy", *options, PROGRAM.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return {e["line"]: e["message"] for e in said if e["severity"] == "error"}


def pyright(folder: Path, python: str = sys.executable) -> dict[int, str]:
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", python]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    said = json.loads(done.stdout)["generalDiagnostics"]
    return {e["range"]["start"]["line"] + 1: e["message"] for e in said if e["severity"] == "error"}


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_every_mistake_is_found_and_nothing_else(checker, tmp_path: Path):
    (tmp_path / PROGRAM.name).write_text(PROGRAM.read_text())
    said = checker(tmp_path)
    assert len(WRONG) == 15
    assert {n: said[n] for n in said.keys() - WRONG} == {}, "right, and refused"
    assert WRONG - said.keys() == set(), "wrong, and not found"


ALONE = """
# pyright: basic
from raystreaming import StreamingContext

ctx = StreamingContext()
rows = ctx.read_kafka(nosuch=1)
rows.write_files(nosuch=1)
ctx.from_values(1).map(str).write_hadoop(nosuch=1)
ctx.nonsense()  # wrong
ctx.from_values(1).nonsense()  # wrong
""".lstrip()


@pytest.fixture(scope="module")
def core_alone(tmp_path_factory) -> str:
    """A Python that has the core and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    (package,) = raystreaming.__path__
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "raystreaming").symlink_to(package)
    return str(folder / "bin" / "python")


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_connectors_that_are_not_installed_are_any(checker, tmp_path: Path, core_alone: str):
    """What they take is not known, so nothing of it is refused (but in pyright's strict mode, as unknown)."""
    (tmp_path / PROGRAM.name).write_text(ALONE)
    assert checker(tmp_path, core_alone).keys() == {8, 9}
