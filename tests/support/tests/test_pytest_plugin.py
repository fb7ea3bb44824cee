"""The plugin costs nothing until a fixture is used, and lets programs get Ctrl-C."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from raystreaming_test_support.killing import run_to_end

UNUSED = """
import sys

def test_nothing_is_imported(pytestconfig):
    assert "raystreaming_test_support.pytest_plugin" in sys.modules
    assert pytestconfig.pluginmanager.has_plugin("raystreaming-test-support")
    assert "confluent_kafka" not in sys.modules
    assert "raystreaming_test_support.kafka_broker" not in sys.modules
"""


def test_loading_it_imports_no_kafka(tmp_path: Path) -> None:
    (tmp_path / "test_unused.py").write_text(UNUSED)
    run_to_end([sys.executable, "-m", "pytest", "-q", tmp_path], cwd=tmp_path)


STARTED_IN_THE_BACKGROUND = """
import signal, subprocess, sys

def test_what_it_starts_gets_sigint():
    program = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "True\\n"
"""


def test_programs_get_sigint_where_pytest_runs_in_the_background(tmp_path: Path) -> None:
    (tmp_path / "test_sigint.py").write_text(STARTED_IN_THE_BACKGROUND)
    command = f"trap '' INT; {shlex.quote(sys.executable)} -m pytest -q test_sigint.py"
    run_to_end(["bash", "-c", command], cwd=tmp_path)


LEAVES_A_THREAD = """
import threading

def test_that_fails():
    threading.Thread(target=threading.Event().wait).start()
    assert False, "on purpose"
"""


def test_a_failed_run_ends_whatever_it_has_left_running(tmp_path: Path) -> None:
    (tmp_path / "test_left.py").write_text(LEAVES_A_THREAD)
    command = [sys.executable, "-m", "pytest", "-q", "test_left.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert "1 failed" in done.stdout


def test_topic_names_are_unique(kafka_topic: Callable[..., str]) -> None:
    names = {kafka_topic("in"), kafka_topic("in"), kafka_topic()}
    assert len(names) == 3
    assert sum(name.startswith("in-") for name in names) == 2
