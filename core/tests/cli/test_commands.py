"""The commands, each as a process of its own: what they print, and the status they end with."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from raystreaming.cli.address import joined
from raystreaming.cli.main import _parser

WORDS = """
    import sys
    from raystreaming import StreamingContext

    words = StreamingContext(checkpoint_dir="state", checkpoint_interval="1h").set_parallelism(2)
    pairs = words.from_values("a", "b", "a").map(lambda w: (w, 1)).key_by(0).sum(1)
    pairs.sink(lambda pair: print(*pair, sys.argv[1:], flush=True))

    def main():
        return words

    def wrong():
        return pairs

    if __name__ == "__main__":
        job = words.execute("words")
        print(len(job.status().tasks), "tasks")
"""
COUNTED = ["a 1", "a 2", "b 1"]
MEND = (
    "is damaged: its content does not match its checksum. Restore the file from a copy, or start over "
    "with --fresh (fresh=True), which reads everything again"
)


class Commands:
    """Runs `raystreaming` in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *args: str, status: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "raystreaming", *args],
            cwd=self.folder,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, done
        return done


@pytest.fixture
def command(script) -> Commands:
    script.write(WORDS, "words.py")
    return Commands(script.folder)


def counted(out: str) -> list[str]:
    return sorted(line.partition(" [")[0] for line in out.splitlines() if "[" in line)


def test_a_file_with_arguments_of_its_own(command):
    out = command("run", "words.py", "--fresh", "x").stdout
    assert counted(out) == COUNTED
    assert "['--fresh', 'x']" in out


@pytest.mark.parametrize("program", ["words:words", "words:main"])
def test_an_object_of_a_module(command, program):
    out = command("run", program, "x")
    assert counted(out.stdout) == COUNTED
    assert f"job '{program.replace(':', '.')}' is finished: checkpoint 2" in out.stderr


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "word.py",
            "no program 'word.py': give the path of a Python file, or module:object, e.g. jobs.orders:ctx",
        ),
        (
            "wirds:main",
            "no module 'wirds': run the command in the folder where it lies, or install its package",
        ),
        (
            "jobs/words.py:main",
            "no program 'jobs/words.py:main': an object is one of a module, which is written without .py: "
            "jobs.words:main",
        ),
        (
            "words.py:main",
            "no program 'words.py:main': an object is one of a module, which is written without .py: "
            "words:main",
        ),
        ("words:word", "no program 'words:word': words has no 'word' (did you mean 'words'?)"),
        (
            "words:wrong",
            "'words:wrong' is <DataStream of sum>: it must be a StreamingContext, or a function that runs "
            "a job or returns a StreamingContext",
        ),
    ],
)
@pytest.mark.parametrize("what", ["run", "graph"])
def test_a_program_that_is_none(command, what, program, said):
    done = command(what, program, status=1)
    assert (done.stdout, done.stderr) == ("", f"error: {said}\n")


def test_the_command_line_is_stronger_than_the_program(command):
    assert "5 tasks" in command("run", "words.py").stdout
    assert "1 tasks" in command("run", "--set", "parallelism=1", "--checkpoint-dir", "x", "words.py").stdout
    # --set takes JSON or text, and any setting.
    there = (
        "--set",
        "checkpoint-dir=there",
        "--set",
        "checkpoint_interval=500ms",
        "--set",
        "retain_checkpoints=1",
    )
    command("run", *there, "words.py")
    assert [p.name for p in (command.folder / "there").glob("*/*.manifest")] == [
        "checkpoint-00000002.manifest"
    ]


def test_fresh_starts_over(command):
    assert counted(command("run", "words.py").stdout) == COUNTED
    assert counted(command("run", "words.py").stdout) == []
    assert counted(command("run", "--fresh", "words.py").stdout) == COUNTED


def test_all_wrong_settings_are_named(command):
    wrong = ("--set", "paralelism=4", "--set", "fresh=maybe", "--workers", "0", "--checkpoint-interval", "5x")
    done = command("run", *wrong, "words.py", status=1)
    assert done.stderr == (
        "error: raystreaming run: unknown setting 'paralelism' (did you mean 'parallelism'?); "
        "checkpoint_interval: '5x' is no duration: write e.g. '5s', '500ms' or '2m'; "
        "workers must be a whole number from 1, got 0; fresh must be True or False, got 'maybe'\n"
    )
    done = command("run", "--set", "parallelism", "words.py", status=1)
    assert done.stderr == (
        "error: raystreaming run: --set parallelism: write NAME=VALUE, e.g. --set parallelism=4\n"
    )


def test_statuses(command, script):
    script.write("import sys; sys.exit(3)", "three.py")
    script.write("raise ValueError('no')", "raises.py")
    command("run", "three.py", status=3)
    assert "ValueError: no" in command("run", "raises.py", status=1).stderr
    mistyped = command("run", "--frsh", "--nonsense", "words.py", status=2).stderr
    assert mistyped.startswith("usage: raystreaming run ")
    assert mistyped.endswith("error: unknown: --frsh (did you mean '--fresh'?), --nonsense\n")
    short = command("checkpoints", "show", "state", "--numbr", "7", status=2).stderr
    assert "error: unknown: --numbr (did you mean '--number'?), 7\n" in short
    assert "invalid choice: 'rnu' (did you mean 'run'?) (choose" in command("rnu", status=2).stderr


def test_a_pipe_of_the_program_that_breaks_is_told(command, script):
    script.write("raise BrokenPipeError('of mine')", "breaks.py")
    assert "BrokenPipeError: of mine" in command("run", "breaks.py", status=1).stderr


def test_who_reads_what_is_printed_may_end_before():
    argv = [sys.executable, "-m", "raystreaming", "describe", "text_file"]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


# Checkpoints -----------------------------------------------------------------------------


def test_checkpoints_are_listed_and_shown(command):
    command("run", "words.py")
    command("run", "words:words")
    listed = command("checkpoints", "list", "state").stdout
    shape = r"job +checkpoint +age +size +input\n"
    for job in ("words", "words.words"):
        shape += "".join(
            rf"{job} +{n} +\d+ s +[\d.]+ (bytes|kB) +{i}\n" for n, i in ((1, "goes on"), (2, "ended"))
        )
    assert re.fullmatch(shape, listed), listed
    lines = command("checkpoints", "list", "state", "words").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["words", "1"], ["words", "2"]]
    shown = command("checkpoints", "show", "state/words").stdout
    assert re.fullmatch(
        r"checkpoint 2 of job words: \d+ s old, [\d.]+ (bytes|kB), in \S*/state/words\n"
        r"all input was read: a next run goes on with what is new\n\n"
        r"from_values, 1 task\n    values: read to its end, 3\n\n"
        r"from_values\.sum, 2 tasks\n    state of keys: \d+ bytes in 2 key groups\n",
        shown,
    ), shown
    first = command("checkpoints", "show", "state", "words", "--number", "1").stdout
    assert first.endswith("from_values, 1 task\n    values: not begun, it has 3\n"), first


def test_damage_is_named_with_what_to_do(command):
    command("run", "words.py")
    state, manifest = command.folder / "state/words", "checkpoint-00000001.manifest"
    file = min(state.glob("state-*.bin"))
    (state / manifest).write_bytes(b"nothing")
    file.write_bytes(b"nothing")
    before = {path: path.read_bytes() for path in state.iterdir()}
    listed = command("checkpoints", "list", "state", status=1).stdout
    assert re.search(r"words +1 +\d+ s +- +damaged\n", listed)
    assert listed.endswith(f"\ncheckpoint file {state}/{manifest} {MEND}\n")
    shown = command("checkpoints", "show", "state", status=1).stdout
    assert shown.endswith(f"\ncheckpoint file {file} {MEND}\n")
    assert (
        f"error: checkpoint file {state}/{manifest} {MEND}\n"
        == command("checkpoints", "show", "state", "--number", "1", status=1).stderr
    )
    assert {path: path.read_bytes() for path in state.iterdir()} == before


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("list stat", "no checkpoints in stat: give the checkpoint_dir of a job that has run"),
        (
            "list state wrds",
            "no checkpoints of job 'wrds' in state (did you mean 'words'?): it has those of words",
        ),
        ("show state --number 7", "job 'words' has no checkpoint 7 in {state}/words: it has 1, 2"),
        ("list memory://x", "name the job too: raystreaming checkpoints list memory://x JOB"),
    ],
)
def test_checkpoints_that_are_not_there(command, args, said):
    command("run", "words.py")
    done = command("checkpoints", *args.split(), status=1)
    assert done.stderr == f"error: {said.format(state=command.folder / 'state')}\n"


# Help ----------------------------------------------------------------------------------


def parsers() -> dict[str, str]:
    """Return the help of every command by name."""
    (commands,) = (action.choices for action in _parser()._actions if action.choices)
    found = dict(commands)
    (actions,) = (action.choices for action in commands["checkpoints"]._actions if action.choices)
    return {name: p.format_help() for name, p in [*found.items(), *actions.items()]}


@pytest.mark.parametrize("name", sorted(parsers()))
def test_every_help_has_examples_that_can_be_typed(name):
    text = parsers()[name]
    examples = re.findall(r"^ {2}(?:\w+=\w+ |watch )?raystreaming (.*)$", text, re.MULTILINE)
    assert examples, text
    assert max(map(len, text.splitlines())) <= 80
    for example in examples:
        _parser().parse_args(joined(shlex.split(re.split(r"\s{2,}", example)[0])))


def test_statuses_are_in_the_help(command):
    told = re.findall(r"^ {2}(\d+) {2,}\S", command("--help").stdout, re.MULTILINE)
    assert told == ["0", "1", "2", "130"]


# Lines for programs ----------------------------------------------------------------------

TALKING = """
    import logging, sys, time, warnings
    from raystreaming import StreamingContext

    def slow(n):
        time.sleep(0.02)
        if n == 3:
            raise ValueError("password=hunter2 is wrong")
        if n == 5:
            logging.getLogger("acme").warning("token: %s", "api_key=hunter2")
        return n

    ctx = StreamingContext(checkpoint_dir="state")
    ctx.from_collection(range(int(sys.argv[1]))).map(slow).on_error("skip").start_new_chain().sink()
    ctx.execute("talks")
    warnings.warn("careful")
    raise RuntimeError("secret=hunter2")
"""
LONG, SHORT = "100", "6"
"""For progress to be said, and not."""


def json_lines(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """Return the lines of stderr by the beginning of their messages."""
    assert "hunter2" not in done.stderr + done.stdout
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert all({"time", "level", "job", "operator", "task", "message"} <= line.keys() for line in lines)
    return {re.split("[;|]", line["message"])[0].strip(): line for line in lines}


def test_json_lines_have_all_and_say_what_they_are_about(command, script):
    script.write(TALKING, "talks.py")
    args = ("run", "--log-format", "json", "talks.py", LONG)
    lines = json_lines(command(*args, status=1, RAYSTREAMING_PROGRESS="100ms"))
    skipped = lines["from_collection.map goes on without records that fail, and counts them"]
    named = [skipped[name] for name in ("level", "job", "operator", "task")]
    assert named == ["warning", "talks", "from_collection.map", 0]
    logged = lines["token: api_key=***"]
    assert (logged["job"], logged["operator"].split(" ")[0], logged["task"]) == (
        "talks",
        "from_collection.map",
        0,
    )
    progress = lines["talks: running"]
    assert progress["job"] == progress["metrics"]["job"] == "talks"
    assert any("UserWarning: careful" in message for message in lines)
    last = list(lines.values())[-1]
    assert (last["level"], last["message"]) == ("critical", "RuntimeError: secret=***")
    assert 'talks.py", line' in last["traceback"]


def test_json_lines_of_a_program_that_is_run_by_python(script):
    done = script.run(TALKING, SHORT, env={"RAYSTREAMING_LOG_FORMAT": "json"})
    assert done.returncode == 1
    lines = json_lines(done)
    assert (
        lines[
            "job 'talks' runs: from_collection.sink at-least-once: a restart repeats records since "
            "the last checkpoint"
        ]["job"]
        == "talks"
    )
    assert list(lines)[-1] == "RuntimeError: secret=***"


def test_errors_of_the_command_are_json_lines_too(command):
    done = command("run", "nothing.py", status=1, RAYSTREAMING_LOG_FORMAT="json")
    (line,) = map(json.loads, done.stderr.splitlines())
    assert line["level"] == "error"
    assert line["message"].startswith("error: no program 'nothing.py'")


def test_where_there_is_no_terminal_lines_are_logged_now_and_then(command, script):
    script.write(TALKING, "talks.py")
    err = command("run", "talks.py", LONG, status=1, RAYSTREAMING_PROGRESS="100ms").stderr
    assert re.search(
        r"^talks: running \| reads \S+( \w)? records/s \| lag \d+ \| checkpoint \d+ s ago", err, re.MULTILINE
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RAYSTREAMING_LOG_FORMAT", "jsn", "must be 'text' or 'json', got 'jsn' (did you mean 'json'?)"),
        ("RAYSTREAMING_PROGRESS", "5x", "'5x' is no duration: write e.g. '5s', '500ms' or '2m'"),
    ],
)
def test_variables_that_are_wrong(command, name, value, said):
    done = command("run", "words.py", status=1, **{name: value})
    assert (done.stdout, done.stderr) == ("", f"error: {name}: {said}\n")
