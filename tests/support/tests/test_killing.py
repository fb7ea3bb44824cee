"""Programs end as asked, and nothing of them stays."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from raystreaming_test_support.killing import ProgramError, run_and_kill, run_to_end

PYTHON = [sys.executable, "-c"]
# Longer than pytest lets a test go on: who waits for its end fails.
SLEEP = "import time; time.sleep(600)"

# Starts a child that holds on to its output, then does {then}.
WITH_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
{then}
"""


def gone(pid: int) -> bool:
    """Whether a process is gone soon, or ended and only not yet collected by its parent."""
    for _ in range(3000):
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                time.sleep(0.02)
                continue
        return True
    return False


def test_a_success() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    ended = run_to_end([*PYTHON, code])
    assert (ended.returncode, ended.killed) == (0, False)
    assert (ended.stdout, ended.stderr) == ("out\n", "err\n")


def test_a_failure_shows_the_end_of_the_output() -> None:
    with pytest.raises(ProgramError, match="exited with 1") as caught:
        run_to_end([*PYTHON, "print('last words'); raise RuntimeError('too bad')"])
    assert "last words" in str(caught.value)
    assert "RuntimeError: too bad" in str(caught.value)


def test_one_that_hangs_is_killed_and_told() -> None:
    hangs = ["sh", "-c", "echo begun; sleep 600"]  # a shell is there sooner than Python
    with pytest.raises(ProgramError, match=r"did not end within 3 s") as caught:
        run_to_end(hangs, timeout=3)
    assert "begun" in str(caught.value)


def test_a_child_that_holds_the_output_open_is_not_waited_for() -> None:
    ended = run_to_end([*PYTHON, WITH_CHILD.format(then="")])
    assert gone(int(ended.stdout))


def test_environment_and_folder(tmp_path: Path) -> None:
    code = "import os; print(os.environ['ADDED'], 'PATH' in os.environ, os.getcwd())"
    ended = run_to_end([*PYTHON, code], env={"ADDED": "yes"}, cwd=tmp_path)
    assert ended.stdout == f"yes True {tmp_path}\n"


def test_kill_after_some_time() -> None:
    ended = run_and_kill([*PYTHON, SLEEP], after_seconds=0.5)
    assert (ended.returncode, ended.killed) == (-signal.SIGKILL, True)
    assert ended.seconds >= 0.5


def test_kill_at_a_random_moment() -> None:
    ended = run_and_kill([*PYTHON, SLEEP], after_seconds=(0.1, 0.4))
    assert ended.killed
    assert ended.seconds >= 0.1


def test_kill_when_something_has_happened(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"from pathlib import Path; Path({str(mark)!r}).touch(); {SLEEP}"
    ended = run_and_kill([*PYTHON, code], when=mark.exists)
    assert ended.killed


def test_the_whole_group_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = WITH_CHILD.format(then=f"open({str(mark)!r}, 'w').close(); time.sleep(600)")
    ended = run_and_kill([*PYTHON, code], when=mark.exists)
    assert ended.killed
    assert gone(int(ended.stdout))


def test_one_that_finishes_before_the_kill() -> None:
    ended = run_and_kill([*PYTHON, "print('done')"], after_seconds=120)
    assert (ended.returncode, ended.killed, ended.stdout) == (0, False, "done\n")
    ended = run_and_kill([*PYTHON, "raise SystemExit(3)"], when=lambda: False)
    assert (ended.returncode, ended.killed) == (3, False)


def test_a_moment_that_never_comes() -> None:
    with pytest.raises(ProgramError, match=r"no moment to kill it in 0\.5 s"):
        run_and_kill([*PYTHON, SLEEP], when=lambda: False, timeout=0.5)


def test_a_signal_that_the_program_answers(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"""
import signal, sys, time
from pathlib import Path
signal.signal(signal.SIGTERM, lambda *_: sys.exit("bye"))
Path({str(mark)!r}).touch()
time.sleep(600)
"""
    ended = run_and_kill([*PYTHON, code], when=mark.exists, sig=signal.SIGTERM)
    assert (ended.returncode, ended.killed, ended.stderr) == (1, True, "bye\n")


def test_a_signal_that_the_program_ignores(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"""
import signal, time
from pathlib import Path
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("last words", flush=True)
Path({str(mark)!r}).touch()
time.sleep(600)
"""
    with pytest.raises(ProgramError, match=r"did not end 0\.5 s after SIGTERM") as caught:
        run_and_kill([*PYTHON, code], when=mark.exists, sig=signal.SIGTERM, grace=0.5)
    assert "last words" in str(caught.value)


def test_an_error_in_when_leaves_no_process(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    code = f"import os; print(os.getpid(), file=open({str(noted)!r}, 'w'), flush=True); {SLEEP}"

    def fail() -> bool:
        if noted.exists() and noted.read_text().endswith("\n"):
            raise LookupError("no such file")
        return False

    with pytest.raises(LookupError):
        run_and_kill([*PYTHON, code], when=fail)
    assert gone(int(noted.read_text()))


def test_one_moment_must_be_given() -> None:
    with pytest.raises(ValueError, match="either"):
        run_and_kill([*PYTHON, SLEEP])
    with pytest.raises(ValueError, match="either"):
        run_and_kill([*PYTHON, SLEEP], after_seconds=1, when=lambda: True)
