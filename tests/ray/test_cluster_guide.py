"""Every command and code block of docs/cluster.md, and of README on clusters, as a new user runs them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from raystreaming_test_support.kafka_broker import free_port
from raystreaming_test_support.ray_cluster import STARTS, eventually

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
GUIDE = re.findall(r"^```(sh|python)\n(.*?)^```", (ROOT / "docs" / "cluster.md").read_text(), re.M | re.S)
README = (ROOT / "README.md").read_text()


class Machine:
    """A user's shell in a folder and a home of its own; what it starts in the background ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ray = Path(tempfile.mkdtemp(prefix="rg-"))  # short, for the paths of sockets
        home = folder / "home"
        home.mkdir()
        self.port = free_port()
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        self.env |= {"HOME": str(home), "RAY_TMPDIR": str(self.ray), "PATH": f"{BIN}:{os.environ['PATH']}"}
        self._nodes: list[subprocess.Popen[bytes]] = []

    def run(self, commands: str) -> str:
        """Run commands; `ray start` stays in the foreground of a process of its own."""
        commands = commands.replace("6379", str(self.port))
        environment = "\n".join(line for line in commands.splitlines() if line.startswith("export "))
        output = ""
        for line in commands.splitlines():
            if line.startswith("ray start"):
                self._start(f"{environment}\nexec {line.split('#')[0]} --block")
            elif not line.startswith("export "):
                done = subprocess.run(
                    ["bash", "-c", f"{environment}\n{line}"],
                    cwd=self.folder,
                    env=self.env,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=150,
                    check=False,
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
                output += done.stdout
        return output

    def _start(self, command: str) -> None:
        """Start a node; again where Ray has given it up, as on a busy machine."""
        logs = [self.folder / f"node-{len(self._nodes) + n}.log" for n in range(STARTS)]
        if not any(self._comes_up(command, log) for log in logs):
            raise AssertionError(logs[-1].read_text())

    def _comes_up(self, command: str, log: Path) -> bool:
        with log.open("wb") as file:
            node = subprocess.Popen(
                ["bash", "-c", command], cwd=self.folder, env=self.env, stdout=file, stderr=file
            )
        self._nodes.append(node)
        up = "Ray runtime started"
        eventually(lambda: up in log.read_text() or node.poll() is not None, f"a node: {command}")
        return up in log.read_text()

    def worker_output(self) -> str:
        """What workers have printed: Ray forwards it to the program some time later, if that still runs."""
        return "".join(file.read_text() for file in self.ray.glob("ray/session_2*/logs/worker-*.out"))

    def end(self) -> None:
        for node in reversed(self._nodes):
            node.send_signal(signal.SIGTERM)
            node.wait(timeout=60)
        shutil.rmtree(self.ray, ignore_errors=True)


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.end()


@pytest.mark.slow
def test_the_guide(machine):
    kinds = [kind for kind, _ in GUIDE]
    assert kinds == ["sh", "sh", "sh", "python", "sh", "python"], "a block is left out here"
    token, head, node, program, session, explained = (text for _, text in GUIDE)
    machine.run(token)
    assert (machine.folder / "home" / ".ray" / "auth_token").stat().st_mode & 0o777 == 0o600
    machine.run(head)
    machine.run(node)
    (machine.folder / "evens.py").write_text(program)
    output = machine.run(session)
    assert "ok       cluster: 2 nodes, 2 CPUs" in output
    assert "problem" not in output
    assert re.search(r"^evens +running +3 ", output, re.M)
    assert re.search(r"^from_collection -> from_collection.map +1 ", output, re.M)
    assert "job 'evens' is stopped: checkpoint " in output
    files = [p for p in (machine.folder / "out").rglob("*.jsonl") if not p.name.startswith((".", "_"))]
    rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert sorted(rows) == list(range(0, 2000, 2))
    (machine.folder / "explained.py").write_text(explained)
    assert "on Ray: 2 workers, and 1 spare" in machine.run("python explained.py")


def test_the_section_of_the_readme(machine):
    (commands,) = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
    (program,) = [b for b in re.findall(r"^```python\n(.*?)^```", README, re.M | re.S) if "word_count" in b]
    (machine.folder / "word_count.py").write_text(program)
    (machine.folder / "words.txt").write_text("to be or\nnot to be ray\n")
    machine.run(commands)
    printed = re.findall(r"\('\w+', \d\)", machine.worker_output())
    assert sorted(printed) == ["('be', 1)", "('be', 2)", "('not', 1)", "('or', 1)", "('to', 1)", "('to', 2)"]
