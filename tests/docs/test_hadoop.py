"""docs/hadoop.md: its programs run as they stand, and its tables are those of the options."""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

from raystreaming_hadoop import HadoopSink, HadoopSource
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.option_tables import option_table, with_option_tables

PATH = Path(__file__).resolve().parents[2] / "docs" / "hadoop.md"
GUIDE = PATH.read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def run(code, folder):
    (folder / "job.py").write_text(code)
    return run_to_end([sys.executable, "job.py"], cwd=folder).stdout.splitlines()


def test_text(tmp_path):
    text, _ = BLOCKS
    (tmp_path / "logs").mkdir()
    for n in range(2):
        with gzip.open(tmp_path / "logs" / f"{n}.gz", "wt") as file:
            file.write(f"{n} ERROR\n{n} fine\n")
        run(text, tmp_path)
        parts = (tmp_path / "errors").glob("part-*.gz")
        lines = [line for part in parts for line in gzip.decompress(part.read_bytes()).decode().splitlines()]
        assert sorted(lines) == [f"{m} ERROR" for m in range(n + 1)]


def test_sequence_files(tmp_path):
    _, pairs = BLOCKS
    assert run(pairs, tmp_path) == ["[['ann', 12], ['bob', 7]]"]


def with_tables(guide):
    return with_option_tables(
        guide,
        ("`HadoopSource` and `read_hadoop` take:", option_table(HadoopSource)),
        ("`HadoopSink` and `write_hadoop` take:", option_table(HadoopSink)),
    )


def test_the_tables_are_those_of_the_options():
    """Should this fail: `python tests/docs/test_hadoop.py` writes them anew."""
    assert with_tables(GUIDE) == GUIDE


if __name__ == "__main__":
    PATH.write_text(with_tables(GUIDE))
