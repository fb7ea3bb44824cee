"""`raystreaming doctor` as a process of its own, on this installation and against real clusters."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from raystreaming import __version__

pytestmark = pytest.mark.ray
RAYSTREAMING = Path(sys.executable).with_name("raystreaming")


@pytest.fixture
def doctor(tmp_path):
    """Return a function that runs the doctor with a home of its own; it returns lines."""

    def run(*args: str, status: int, **env: str) -> list[str]:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        done = subprocess.run(
            [RAYSTREAMING, "doctor", *args],
            env={**os.environ, "HOME": str(home), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        assert all(line.startswith(("ok  ", "problem  ", "mended  ")) for line in done.stdout.splitlines())
        return done.stdout.splitlines()

    return run


def test_a_sound_cluster_passes_and_its_ports_are_told(doctor, ray_cluster, tmp_path):
    lines = doctor("--checkpoint-dir", str(tmp_path / "state"), status=0, **ray_cluster.env)
    assert lines[0].startswith(f"ok       raystreaming {__version__}, Python 3.")
    assert re.fullmatch("ok       plugins: .*raystreaming-files, .*raystreaming-kafka.*", lines[1])
    assert "ok       cluster: 2 nodes, 3 CPUs, 0 GPUs" in lines
    assert "ok       cluster: who may use it" in lines
    assert "ok       cluster: workers reach each other" in lines
    assert sum(line.startswith("ok       node ") and line.endswith(": packages") for line in lines) == 2
    listening = [line for line in lines if ": listens at " in line]
    assert len(listening) == 2
    assert all("raylet *:" in line for line in listening)
    assert sum(f"gcs_server *:{ray_cluster.address.split(':')[1]}" in line for line in listening) >= 1
    assert lines[-1] == f"ok       checkpoint folder {tmp_path / 'state'} on all nodes"
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.slow
def test_a_token_that_others_can_read_is_a_problem_and_can_be_mended(doctor, ray_cluster, tmp_path):
    token = tmp_path / "token"
    token.write_text("a" * 64)
    token.chmod(0o644)
    values = {**ray_cluster.env, "RAY_AUTH_TOKEN_PATH": str(token)}
    found = [line for line in doctor(status=1, **values) if line.startswith("problem")]
    assert len(found) == 1
    assert f"{token} has mode 0644" in found[0]
    assert f"chmod 600 {token}, or raystreaming doctor --fix" in found[0]
    assert f"mended   {token}: only its owner may read it now" in doctor("--fix", status=0, **values)
    assert token.stat().st_mode & 0o777 == 0o600
    doctor(status=0, **values)


def test_a_wrong_token_is_told(doctor, ray_cluster):
    """Only the question that takes milliseconds knows of it: Ray tries for long, and finds no cluster."""
    lines = doctor(status=1, **{**ray_cluster.env, "RAY_AUTH_TOKEN": "b" * 64})
    assert lines[-1].startswith("problem  cluster: the Ray cluster at ")
    assert "asks for a token that this process does not have" in lines[-1]


OPEN = """
import sys
from raystreaming_test_support.ray_cluster import RayCluster
with RayCluster({"num_cpus": 1}, closed=False) as cluster:
    print(cluster.address, flush=True)
    sys.stdin.read()
"""


def test_a_cluster_without_a_token_is_open_to_all(doctor):
    env = {"RAY_AUTH_MODE": "disabled", "RAY_ADDRESS": ""}
    with subprocess.Popen(
        [sys.executable, "-c", OPEN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as cluster:
        address = cluster.stdout.readline().strip()
        found = [line for line in doctor("--ray", address, status=1, **env) if line.startswith("problem")]
    assert len(found) == 1
    assert found[0].startswith(
        f"problem  cluster: who may use it: whoever reaches {address} over the network"
    )
    assert "RAY_AUTH_MODE=token" in found[0]
    assert "no token is asked for, and these listen on all addresses: on " in found[0]
    assert re.search(rf"raylet \*:\d+, \*:\d+, .*gcs_server \*:{address.split(':')[1]}\b", found[0])


def test_no_cluster_is_no_problem(doctor, tmp_path):
    lines = doctor(status=1, RAY_ADDRESS="127.0.0.1:1")
    assert lines[-1].startswith("problem  cluster: no Ray cluster at '127.0.0.1:1'")


def test_a_node_that_differs_is_told_with_what_to_install(ray_cluster):  # Ray's first import is its own
    from raystreaming.runtime.ray.doctor import node_checks
    from raystreaming.runtime.ray.node_facts import NodeFacts

    here = NodeFacts("3.11.7", {"ray": "2.60.0", "raystreaming": "0.1.0", "acme": "2.0"}, {}, None)
    there = NodeFacts(
        "3.12.1", {"ray": "2.60.0", "raystreaming": None, "acme": "1.0"}, {}, "/root/.ray/token"
    )
    checks = node_checks("node a", there, here, mine=False)
    assert {check.name: list(check.run()) for check in checks} == {
        "node a: packages": [
            "Python 3.12.1 there, 3.11.7 here: use the same, functions travel as bytecode",
            "raystreaming is not installed there, 0.1.0 here: pip install raystreaming==0.1.0, there",
            "acme 1.0 is installed there, 2.0 here: pip install acme==2.0, there",
        ],
        "node a: listens at ": [],
        "node a: token file": [
            "/root/.ray/token can be read by other users there: chmod 600 /root/.ray/token, there"
        ],
    }
    assert all(not list(check.run()) for check in node_checks("node b", here, here, mine=False))


def test_of_many_nodes_that_listen_on_all_addresses_some_are_named():
    from raystreaming.runtime.ray.doctor import listening_to_all
    from raystreaming.runtime.ray.node_facts import NodeFacts

    closed = NodeFacts("3", {}, {"raylet": ["127.0.0.1:1"], "worker": ["10.0.0.1:2"]}, None)
    mixed = NodeFacts("3", {}, {"raylet": ["*:1", "127.0.0.1:3", "*:4"], "agent": ["10.0.0.1:2"]}, None)
    assert listening_to_all({"a": closed}) == ""
    said = listening_to_all({"a": closed, "b": mixed, "c": mixed})
    assert said == ", and these listen on all addresses: on b raylet *:1, *:4; on c raylet *:1, *:4"
    many = listening_to_all({str(n): mixed for n in range(8)})
    assert many.endswith("; on 4 raylet *:1, *:4; and on 3 more nodes")


BROKEN_CHECKS = """
from raystreaming.plugins import Check, hookimpl

@hookimpl
def raystreaming_checks():
    yield Check(name="acme: licence", run=lambda: ["it has expired: acme renew"])
    yield Check(name="acme: server", run=lambda: 1 / 0)
    yield Check(name="acme: disk", run=lambda: [])
"""


def test_checks_of_plugins_are_run_each_for_itself(doctor, tmp_path):
    site = tmp_path / "site"
    info = site / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "acme_plugin.py").write_text(BROKEN_CHECKS)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[raystreaming.plugins]\nacme = acme_plugin\n")
    lines = doctor(status=1, RAY_ADDRESS="127.0.0.1:1", PYTHONPATH=str(site))
    assert "problem  acme: licence: it has expired: acme renew" in lines
    assert "problem  acme: server: the check itself failed: ZeroDivisionError: division by zero" in lines
    assert "ok       acme: disk" in lines
