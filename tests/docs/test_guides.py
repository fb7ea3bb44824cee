"""Every block of the guides for beginners runs as it stands, and says what the block below it says."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from raystreaming_test_support.killing import run_to_end

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAID = {"text", "mermaid"}
KINDS = {"python", "sh", "json", *SAID}


def blocks(name: str) -> list[tuple[str, str]]:
    return BLOCK.findall((DOCS / name).read_text())


def test_blocks_are_of_a_kind_that_is_run():
    for name, least in (("getting-started.md", 6), ("concepts.md", 12), ("commands.md", 7)):
        kinds = [kind for kind, _ in blocks(name)]
        assert set(kinds) <= KINDS
        assert len(kinds) >= least


@pytest.mark.parametrize("name", ["getting-started.md", "concepts.md", "commands.md"])
def test_blocks_say_what_is_below_them(name, tmp_path):
    folder = os.path.dirname(sys.executable)
    env = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    found = blocks(name)
    for (kind, text), (next_kind, expected) in zip(found, [*found[1:], ("", "")], strict=True):
        if kind == "json":
            (tmp_path / "orders.jsonl").write_text(text)
        if kind not in ("python", "sh"):
            continue
        (tmp_path / "totals.py").write_text(text) if kind == "python" else None
        command = [sys.executable, "totals.py"] if kind == "python" else ["sh", "-ec", text]
        said = run_to_end(command, cwd=tmp_path, timeout=60, env=env).stdout
        if next_kind in SAID:
            assert sorted(said.splitlines()) == sorted(expected.splitlines()), text
