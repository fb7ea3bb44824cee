"""Dead letters are written exactly once, whenever the job is killed."""

from __future__ import annotations

import signal

import pytest

from raystreaming_test_support.letters import Letters
from raystreaming_test_support.outputs import json_rows
from raystreaming_test_support.programs import Program, command, write_program

PROGRAM = """
    from raystreaming import StreamingContext, dead_letter, retry
    from raystreaming_files import FilesSink

    def check(row):
        if row["n"] % 10 == 5:
            raise ValueError("a five")
        return row

    ctx = StreamingContext(checkpoint_dir="state", checkpoint_interval="20ms")
    bad_lines = dead_letter(FilesSink("bad_lines", format="jsonl"))
    fives = retry(1, 0, then=dead_letter(FilesSink("fives", format="jsonl")))
    rows = ctx.read_files("in.jsonl", format="jsonl", on_error=bad_lines).map(check).on_error(fives)
    rows.write_files("out", format="jsonl")
    ctx.execute("job")
"""
LINES = 60_000


@pytest.mark.parametrize("step", ["manifest.before", "commit.sink"])
def test_killed_at_a_step_of_a_checkpoint_and_run_again(step, tmp_path):
    lines = [f'{{"n": {n}}}' if n % 100 else f"broken {n}" for n in range(LINES)]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n")
    run = command(write_program(tmp_path, PROGRAM))
    for n in (1, 2):  # a run that is through before its second checkpoint is not killed
        with Program(run, {"RAYSTREAMING_FAIL_AT": f"{step}:{n}"}, cwd=tmp_path) as program:
            assert program.end() == -signal.SIGKILL or n > 1, program.stderr
    with Program(run, {}, cwd=tmp_path) as program:
        assert program.end() == 0, program.stderr
    assert sorted(r["record"] for r in json_rows(tmp_path / "bad_lines")) == sorted(lines[::100])
    assert f"{tmp_path / 'in.jsonl'} at byte 0" in {r["at"] for r in json_rows(tmp_path / "bad_lines")}
    fives = [f'{{"n": {n}}}' for n in range(LINES) if n % 100 and n % 10 == 5]
    assert sorted(r["record"] for r in json_rows(tmp_path / "fives")) == sorted(fives)
    good = [n for n in range(LINES) if n % 100 and n % 10 != 5]
    assert sorted(r["n"] for r in json_rows(tmp_path / "out")) == good


def test_a_java_program_is_killed_at_steps_of_a_checkpoint_and_run_again(tmp_path):
    letters = Letters(tmp_path, count=12_000, batch=5)
    for step in ("manifest.before:3", "commit.sink:5"):
        with Program(letters.command(), {"RAYSTREAMING_FAIL_AT": step}, cwd=tmp_path) as program:
            assert program.end() == 1
            assert f"ended with status {128 + signal.SIGKILL} before it could say" in program.stderr
    letters.release()
    with Program(letters.command(), {}, cwd=tmp_path) as program:
        assert program.end() == 0, program.stderr
        assert "goes on from checkpoint" in program.stderr
    letters.check()
