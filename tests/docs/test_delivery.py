"""docs/delivery.md: its example says what it says, and every test that it names is there."""

from __future__ import annotations

import os
import re
import sys
from itertools import groupby
from pathlib import Path

import pytest

from raystreaming_test_support.killing import run_to_end

ROOT = Path(__file__).resolve().parents[2]
CHECKOUT = Path(os.environ.get("CHECKOUT", ROOT))
TEXT = (ROOT / "docs" / "delivery.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))


def test_the_example(tmp_path):
    blocks = re.findall(r"^```\w+\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    program, said = blocks
    assert run_to_end([sys.executable, "-c", program], cwd=tmp_path, timeout=60).stdout == said


def test_every_row_names_a_test():
    tables = [
        list(table) for kind, table in groupby(TEXT.splitlines(), lambda line: line.startswith("|")) if kind
    ]
    rows = [row for _, _, *rows in tables for row in rows]  # behind a header and a rule
    assert [len(tables), len(rows)] == [3, 23]
    assert [row for row in rows if "::" not in row] == []


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_test_is_there(file, test):
    assert f"def {test}(" in (CHECKOUT / file).read_text()
