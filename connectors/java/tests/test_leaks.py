"""Batches leave nothing behind, on either side: not in the heaps, not in the process, not in between."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from raystreaming_test_support.killing import run_to_end

PROGRAM = Path(__file__).with_name("leaking_java.py")
BATCHES = 10_000
ALLOWED = {"heap": 1_000_000, "process": 30_000_000, "handles": 20, "objects": 200, "blocks": 2_000}
"""What ten thousand batches may add: less than one of anything for a batch."""


@pytest.mark.parametrize("way", ["through operators", "between workers", "from a source to a sink"])
def test_ten_thousand_batches_leave_nothing_behind(classes, tmp_path, way):
    command = [sys.executable, str(PROGRAM), str(classes), way, str(BATCHES)]
    grown = json.loads(run_to_end(command, cwd=tmp_path, timeout=120).stdout)
    print(grown)
    assert {name: n for name, n in grown.items() if n > ALLOWED[name]} == {}
