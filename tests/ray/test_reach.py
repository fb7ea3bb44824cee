"""Where workers listen for each other, and whether they get there: real networks, open and closed."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

pytestmark = pytest.mark.ray


@pytest.fixture
def door():
    from raystreaming.runtime.ray.reach import Doorkeeper

    return Doorkeeper().listen("127.0.0.1")


def why_closed(door):
    from raystreaming.runtime.ray.reach import knock

    return knock({"a": door}).get("a")


def serve(stack: ExitStack, *said: bytes) -> int:
    """Answer a connection with these words, and leave it open; return the port."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

    def answer() -> None:
        guest, _ = listener.accept()
        stack.enter_context(guest)
        for word in said:
            guest.sendall(word)

    threading.Thread(target=answer, daemon=True).start()
    return listener.getsockname()[1]


@contextmanager
def taken_port() -> Iterator[int]:
    """A port where nobody listens, and nobody else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_an_open_door_stays_open_for_all(door):
    assert [why_closed(door) for _ in range(3)] == [None] * 3
    assert re.fullmatch(r"\d+-\d+", door.ports) or not sys.platform.startswith("linux")


def test_a_refused_connection_is_told(door):
    with taken_port() as port:
        assert why_closed(replace(door, port=port)) == "Connection refused"


def test_a_listener_that_does_not_answer_is_told(door, monkeypatch):
    """So does a proxy, or a service mesh, that takes every connection."""
    monkeypatch.setattr("raystreaming.runtime.ray.reach.KNOCK_PATIENCE", 0.3)
    with ExitStack() as stack:
        assert why_closed(replace(door, port=serve(stack))) == "timed out"


def test_somebody_else_at_the_address_is_told(door):
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=lambda: other.accept()[0].close(), daemon=True).start()
        assert why_closed(replace(door, port=other.getsockname()[1])) == "somebody else answers there"
    assert why_closed(replace(door, word=b"another word")) == "somebody else answers there"


def test_an_address_that_is_not_the_machines_cannot_be_listened_at():
    from raystreaming.runtime.ray.reach import Doorkeeper

    with pytest.raises(OSError, match="assign requested address"):
        Doorkeeper().listen("192.0.2.77")


def test_problems_name_who_cannot_reach_whom_and_what_to_open(door):
    from raystreaming.runtime.ray.network import unreached
    from raystreaming.runtime.ray.reach import knock

    with taken_port() as port:
        closed = replace(door, port=port, ports="1-9")
        doors = {"a": door, "b": closed}
        found = {node: knock(doors) for node in "abcdefg"}
    names = {node: f"node-{node}" for node in "abcdefg"}
    assert list(unreached(doors, {"a": found["a"], "c": {}}, names)) == [
        f"workers on node-a cannot reach those on node-b: 127.0.0.1:{closed.port}: Connection refused. "
        "Open the range of ephemeral ports (1-9, TCP) between nodes: workers listen at their node's address, "
        "on ports that the system gives them"
    ]
    (many,) = unreached(doors, found, names)
    assert many.startswith("workers on node-a, node-b, node-c, node-d, node-e and 2 more nodes cannot reach")
    assert list(unreached({"a": door}, {"a": knock({"a": door})}, names)) == []


# A cluster with a network of its own, which is a real one ------------------------------------

OWN_NETWORK = ("unshare", "--user", "--map-root-user", "--net")

TWO_ADDRESSES = """
set -e
ip link set lo up
ip address add 10.9.9.1/32 dev lo
ip address add 10.9.9.2/32 dev lo
ip rule add pref 200 lookup local
ip rule del pref 0
echo 40000 60999 > /proc/sys/net/ipv4/ip_local_port_range
exec "$@"
"""

FORBID = "to 10.9.9.2 ipproto tcp sport 40000-60999 dport 40000-60999 unreachable"
"""As a firewall does that lets Ray's own ports through, and no others."""

TWO_NODES = """
from raystreaming_test_support.ray_cluster import RayCluster

def node(host, port):
    return {
        "num_cpus": 1,
        "node_ip_address": host,
        "node_manager_port": port,
        "object_manager_port": port + 1,
        "metrics_export_port": port + 2,
        "runtime_env_agent_port": port + 3,
        "dashboard_agent_listen_port": port + 4,
        "min_worker_port": port + 100,
        "max_worker_port": port + 199,
    }

two_nodes = RayCluster(node("10.9.9.1", 20000), node("10.9.9.2", 21000))
"""

DOCTOR_TWICE = """
import subprocess, sys

doctor, *forbid = sys.argv[1:]
with two_nodes:
    subprocess.run([doctor, "doctor"])
    subprocess.run(forbid, check=True)
    subprocess.run([doctor, "doctor"])
"""


def has_own_network() -> bool:
    try:
        done = subprocess.run([*OWN_NETWORK, "ip", "rule"], capture_output=True, timeout=60, check=False)
    except OSError:
        return False
    return done.returncode == 0


@pytest.fixture
def in_two_nodes(tmp_path):
    """A function that runs a program, to which `two_nodes` is a cluster in a network of its own."""

    def run(program: str, *args: str) -> tuple[list[str], str]:
        (tmp_path / "network.sh").write_text(TWO_ADDRESSES)
        (tmp_path / "program.py").write_text(TWO_NODES + program)
        done = subprocess.run(
            [*OWN_NETWORK, "sh", "network.sh", sys.executable, "program.py", *args],
            env={**os.environ, "HOME": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        return done.stdout.splitlines(), done.stdout + done.stderr

    return run


own_network = pytest.mark.skipif(
    not has_own_network(), reason="needs Linux, unshare, ip, and leave to use namespaces"
)


@own_network
@pytest.mark.slow
def test_a_firewall_that_lets_only_rays_ports_through_is_found(in_two_nodes):
    doctor = Path(sys.executable).with_name("raystreaming")
    lines, everything = in_two_nodes(DOCTOR_TWICE, str(doctor), *f"ip rule add pref 100 {FORBID}".split())
    told = [line for line in lines if "workers reach each other" in line]
    assert len(told) == 2, everything
    assert told[0] == "ok       cluster: workers reach each other"
    assert re.fullmatch(
        r"problem  cluster: workers reach each other: workers on .*10\.9\.9\.1 \(\w+\).* cannot reach "
        r"those on 10\.9\.9\.2 \(\w+\): 10\.9\.9\.2:\d+: Network is unreachable\. Open the range of "
        r"ephemeral ports \(40000-60999, TCP\) between nodes: .*",
        told[1],
    )


JOB_ON_BOTH = """
import json, time
from pathlib import Path
from raystreaming import StreamingContext

go = Path("go").absolute()

def wait(n):
    while not go.exists():
        time.sleep(0.01)
    return n % 7, n

with two_nodes as cluster, cluster.driver():
    ctx = StreamingContext(runtime="ray", spares=0, workers=2)
    pairs = ctx.from_collection(range(1000)).map(wait).set_parallelism(2).resources(placement="spread")
    pairs.key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1])).set_parallelism(2).collect()
    job = ctx.submit("both")
    print(json.dumps(cluster.listeners("both")))
    go.touch()
    print(len(job.result()))
"""


@own_network
@pytest.mark.slow
def test_workers_on_two_machines_listen_at_the_addresses_of_their_nodes(in_two_nodes):
    lines, everything = in_two_nodes(JOB_ON_BOTH)
    assert [json.loads(line) for line in lines] == [
        {"10.9.9.1": ["10.9.9.1"], "10.9.9.2": ["10.9.9.2"]},
        1000,
    ], everything
