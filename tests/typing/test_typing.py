"""What type checkers say about programs: every mistake in program.py, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("program.py")
WRONG = {n for n, line in enumerate(PROGRAM.read_text().splitlines(), 1) if line.endswith("  # wrong")}


def mypy(folder: Path) -> dict[int, str]:
    command = [sys.executable, "-m", "mypy", "--strict", "--output", "json", "--config-file=", PROGRAM.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return {e["line"]: e["message"] for e in said if e["severity"] == "error"}


def pyright(folder: Path) -> dict[int, str]:
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
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
