"""The line on a terminal: a real one (a pty), whose screen is read as people would."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

JOB = """
    import sys, time
    from raystreaming import StreamingContext

    def slow(n):
        time.sleep(0.01)
        return n

    ctx = StreamingContext(checkpoint_dir="state")
    ctx.from_collection(range(300)).map(slow).sink({sink})
    ctx.execute("shown")
    print("done")
"""


def on_terminal(script, text: str, stdout: int | None = None, **env: str) -> tuple[str, str]:
    """Run a program with stderr, and stdout unless told otherwise, on a terminal; return what came there."""
    path = script.write(text)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, str(path)],
        cwd=script.folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "140", **env},
        stdin=subprocess.DEVNULL,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        raw = b""
        try:
            while data := os.read(ours, 4096):
                raw += data
        except OSError:  # the other side is closed
            pass
        rest = process.stdout.read().decode() if process.stdout else ""
    os.close(ours)
    assert process.returncode == 0, raw.decode()
    return raw.decode(), rest


def screen(raw: str) -> list[str]:
    """Return the lines that are seen at the end."""
    lines, column = [""], 0
    for part in re.findall(r"\x1b\[K|[\r\n]|[^\x1b\r\n]+", raw):
        if part == "\x1b[K":
            lines[-1] = lines[-1][:column]
        elif part == "\r":
            column = 0
        elif part == "\n":
            lines.append("")
        else:
            lines[-1] = lines[-1][:column] + part + lines[-1][column + len(part) :]
            column += len(part)
    return [line for line in lines if line]


def test_the_line_is_shown_and_leaves_nothing(script):
    raw, out = on_terminal(script, JOB.format(sink="lambda n: None"), stdout=subprocess.PIPE)
    assert out == "done\n"
    shown = re.findall(r"\r\x1b\[K(shown: running \| reads [^\r]*)\r", raw)
    assert shown
    assert re.fullmatch(
        r"shown: running \| reads \S+ records/s \| lag \d+ \| checkpoint \d+ s ago "
        r"\| from_collection\.\.from_collection\.sink is \d+% busy",
        shown[-1],
    )
    assert [line.split(":")[0] for line in screen(raw)] == ["job 'shown' runs", "job 'shown' is finished"]


def test_what_is_printed_is_as_without_it(script):
    # The line is drawn between whole lines only: in the last second there are no others.
    sink = "lambda n: print('value', n, end=' ' if n % 10 == 1 and n < 200 else None)"
    raw, _ = on_terminal(script, JOB.format(sink=sink))
    assert "shown: running" in raw
    text = "".join(f"value {n}{' ' if n % 10 == 1 and n < 200 else chr(10)}" for n in range(300))
    assert [line for line in screen(raw) if line.startswith("value")] == text.splitlines()
    assert screen(raw)[-1] == "done"


def test_a_narrow_terminal_has_as_much_as_it_has_room_for(script):
    raw, _ = on_terminal(script, JOB.format(sink="lambda n: None"), COLUMNS="30")
    assert {len(line) for line in re.findall(r"\r\x1b\[K(shown[^\r]*)\r", raw)} == {29}


@pytest.mark.parametrize("off", [{"RAYSTREAMING_PROGRESS": "0"}, {"TERM": "dumb"}])
def test_it_can_be_turned_off(script, off):
    raw, _ = on_terminal(script, JOB.format(sink="lambda n: None"), **off)
    assert "\x1b" not in raw
    assert "running |" not in raw


def test_where_stderr_is_no_terminal_there_is_no_line(script):
    done = script.run(JOB.format(sink="lambda n: None"))
    assert "running |" not in done.stderr
    assert "\r" not in done.stderr + done.stdout
