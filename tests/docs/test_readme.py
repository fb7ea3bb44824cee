"""Every code block of the README runs as it stands, in a folder of its own, as a program."""

from __future__ import annotations

import inspect
import os
import re
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from raystreaming.plugins import hookspecs
from raystreaming_test_support.events import expected_seqs, load_topic
from raystreaming_test_support.killing import Ended, run_to_end

ROOT = Path(__file__).resolve().parents[2]
CHECKOUT = Path(os.environ.get("CHECKOUT", ROOT))
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
RAYSTREAMING = Path(sys.executable).parent / "raystreaming"


def block(word: str) -> str:
    (found,) = [b for b in BLOCKS if word in b]
    return found


def run(code: str, folder: Path, *command: str) -> Ended:
    program = folder / "pipeline.py"
    program.write_text(code)
    return run_to_end([*(command or (sys.executable,)), str(program)], cwd=folder, timeout=120)


def test_no_block_is_left_out():
    assert len(BLOCKS) == 4


def test_kafka_to_parquet(kafka_broker, tmp_path):
    load_topic(kafka_broker.servers, "events", 5_000)
    code = block("read_kafka").replace("127.0.0.1:9092", kafka_broker.servers)
    for command in ((), (str(RAYSTREAMING), "run")):  # the second run finds nothing new
        run(code, tmp_path, *command)
        rows = ds.dataset(tmp_path / "out", format="parquet", partitioning="hive").to_table()
        assert sorted(rows["seq"].to_pylist()) == expected_seqs(5_000)


def test_word_count_runs_to_its_end_after_submit(tmp_path):
    (tmp_path / "words.txt").write_text("to be or\nnot to be ray\n")
    lines = run(block("word_count"), tmp_path).stdout.splitlines()
    assert lines == ["('to', 1)", "('be', 1)", "('or', 1)", "('not', 1)", "('to', 2)", "('be', 2)"]


def test_java_and_python_in_one_job(tmp_path):
    assert run(block("as_java_stream"), tmp_path).stdout.splitlines() == ["a", "c"]


def test_own_connector(tmp_path):
    run(block("Countdown"), tmp_path)


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"`((?:core|connectors|tests|docs|examples|benchmarks)/[\w/.]*)`", README)))
)
def test_every_path_named_exists(path):
    assert (CHECKOUT / path).exists()


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"^    python3 (\S+) (\w+)$", README, re.MULTILINE)))
)
def test_every_command_named_exists(command):
    script, name = command
    assert f'"{name}"' in (CHECKOUT / script).read_text() + (CHECKOUT / "tools/devtool.py").read_text()


def test_the_demo_installs_nothing_that_is_built_with_java():
    """`--servers HOST:PORT` is for machines without Java and Maven."""
    program = "import devtool; print(*(p.folder for p in devtool.of_the_demo()), sep='\\n')"
    told = run_to_end([sys.executable, "-c", program], cwd=CHECKOUT / "tools", timeout=60).stdout
    folders = [Path(line) for line in told.splitlines()]
    assert {folder.name for folder in folders} >= {"core", "kafka", "files"}
    assert [f.name for f in folders if ".hooks." in (f / "pyproject.toml").read_text()] == []


GUIDE = (ROOT / "docs" / "plugins.md").read_text()
WHOLE_PACKAGE = GUIDE[GUIDE.index("## A whole package") : GUIDE.index("## Sources and sinks")]
GUIDE_BLOCKS = re.findall(
    r"^```python\n(.*?)^```", GUIDE.replace(WHOLE_PACKAGE, ""), re.MULTILINE | re.DOTALL
)


def test_the_plugin_guide_has_a_plugin_sources_sinks_and_both_kinds_of_operators():
    assert len(GUIDE_BLOCKS) == 6


@pytest.mark.parametrize("code", GUIDE_BLOCKS, ids=range(len(GUIDE_BLOCKS)))
def test_the_plugin_guide_runs(code, tmp_path):
    run(code, tmp_path)


def test_the_plugin_guide_has_every_hook_as_it_is():
    hooks = {name: fn for name, fn in vars(hookspecs).items() if hasattr(fn, "raystreaming_spec")}
    told = set(re.findall(r"^\| `(raystreaming_\w+\(.*?)` \|", GUIDE, re.MULTILINE))
    assert told == {f"{name}{inspect.signature(fn)}".replace("'", "") for name, fn in hooks.items()}
