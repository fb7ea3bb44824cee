"""What can be wrong with a Ray cluster that jobs are to run on."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import ray

from raystreaming.plugins.hookspecs import Check
from raystreaming.runtime.ray import node_facts, nodes
from raystreaming.runtime.ray.cluster import node_address
from raystreaming.runtime.ray.network import SHOWN, apart
from raystreaming.runtime.ray.node_facts import NodeFacts

PATIENCE = 30.0
"""Seconds the nodes may take to answer."""


def cluster_checks(dists: Sequence[str], folder: str | None) -> list[Check]:
    """Ask all nodes of the cluster that this process has joined, and return what to check.

    Args:
        dists: Distributions that must be the same everywhere.
        folder: Where checkpoints are to be kept, if that is known.
    """
    addresses = nodes.alive()
    answers = nodes.answers(nodes.begin_asking(addresses, node_facts.describe, list(dists)), PATIENCE)
    here = node_facts.describe(dists)
    facts_of = {node: facts for node, facts in answers.items() if isinstance(facts, NodeFacts)}
    names = {node: f"{addresses[node]} ({node[:6]})" for node in addresses}
    checks = [
        Check(name=f"cluster: {len(addresses)} nodes, {_resources()}", run=lambda: _silent(answers, names)),
        Check(
            name="cluster: who may use it",
            run=lambda: _open_to_all({names[node]: facts for node, facts in facts_of.items()}),
        ),
    ]
    if len(facts_of) > 1:
        asked = {node: addresses[node] for node in facts_of}
        checks.append(Check(name="cluster: workers reach each other", run=lambda: apart(asked, names)))
    for node, facts in facts_of.items():
        mine = addresses[node] == node_address()
        checks += node_checks(f"node {names[node]}", facts, here, mine)
    if folder is not None:
        path = os.path.abspath(folder)
        checks.append(Check(name=f"checkpoint folder {path} on all nodes", run=lambda: _unshared(path)))
    return checks


def _resources() -> str:
    total: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return f"{total.get('CPU', 0):g} CPUs, {total.get('GPU', 0):g} GPUs"


def _silent(answers: dict[str, Any], names: dict[str, str]) -> Iterator[str]:
    for node, answer in answers.items():
        if isinstance(answer, Exception):
            first = str(answer).strip().splitlines()[0]
            yield f"node {names[node]} cannot run a task: {first}. See `ray status`"


def node_checks(name: str, facts: NodeFacts, here: NodeFacts, mine: bool) -> list[Check]:
    """Return what to check of one node.

    Args:
        name: What to call it.
        facts: What it says of itself.
        here: The same of this process.
        mine: Whether it is on this machine.
    """
    listening = "; ".join(f"{kind} {', '.join(where)}" for kind, where in facts.listening.items())
    checks = [
        Check(name=f"{name}: packages", run=lambda: _differences(facts, here)),
        Check(name=f"{name}: listens at {listening}", run=lambda: ()),
    ]
    if not mine:  # of this machine, the file has been checked
        checks.append(Check(name=f"{name}: token file", run=lambda: _open_token(facts)))
    return checks


def _differences(facts: NodeFacts, here: NodeFacts) -> Iterator[str]:
    if facts.python != here.python:
        yield f"Python {facts.python} there, {here.python} here: use the same, functions travel as bytecode"
    for dist, version in here.dists.items():
        if version is not None and facts.dists[dist] != version:
            there = f"{facts.dists[dist]} is" if facts.dists[dist] else "is not"
            yield f"{dist} {there} installed there, {version} here: pip install {dist}=={version}, there"


def _open_token(facts: NodeFacts) -> Iterator[str]:
    if facts.open_token is not None:
        yield f"{facts.open_token} can be read by other users there: chmod 600 {facts.open_token}, there"


_KNOCK = """
import sys
from raystreaming.runtime.ray.access import is_refused
print("closed" if is_refused(sys.argv[1]) else "open")
"""


def _open_to_all(facts: Mapping[str, NodeFacts]) -> Iterator[str]:
    """Try to get in without a token, as anybody who reaches the port could."""
    address: str = ray.get_runtime_context().gcs_address
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH_")}
    done = subprocess.run(
        [sys.executable, "-c", _KNOCK, address],
        env={**environment, "RAY_AUTH_MODE": "disabled"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    answer = done.stdout.strip()
    if answer == "open":
        yield (
            f"whoever reaches {address} over the network runs code on all nodes: no token is asked for"
            f"{listening_to_all(facts)}. Start the cluster with a token: `ray get-auth-token --generate`, "
            f"the file on all nodes, then RAY_AUTH_MODE=token before every `ray start` and program; or keep "
            f"its ports from other machines"
        )
    elif answer != "closed":
        yield f"whether {address} asks for a token could not be found out: {done.stderr.strip()[-200:]}"


def listening_to_all(facts: Mapping[str, NodeFacts]) -> str:
    """Return which processes of an open cluster listen on all addresses, in words."""
    by_node: list[str] = []
    for name, node in facts.items():
        found = {
            kind: [w for w in where if w.startswith(node_facts.ALL_ADDRESSES)]
            for kind, where in node.listening.items()
        }
        if open_ports := [f"{kind} {', '.join(where)}" for kind, where in found.items() if where]:
            by_node.append(f"on {name} {', '.join(open_ports)}")
    if not by_node:
        return ""
    more = f"; and on {len(by_node) - SHOWN} more nodes" if len(by_node) > SHOWN else ""
    return f", and these listen on all addresses: {'; '.join(by_node[:SHOWN])}{more}"


def _unshared(folder: str) -> Iterator[str]:
    """Write a file on one node and look for it on the others."""
    addresses = nodes.alive()
    first, *others = addresses
    path = os.path.join(folder, f"probe-{uuid.uuid4().hex}")
    try:
        written = _ask([first], node_facts.write, path)[first]
        if isinstance(written, Exception):
            yield f"it cannot be written on {addresses[first]}: {nodes.last_line(written)}: mend it there"
            return
        blind = [n for n, seen in _ask(others, node_facts.sees, path).items() if seen is not True]
        if blind:
            yield (
                f"what is written on {addresses[first]} is not seen on "
                f"{', '.join(f'{addresses[n]} ({n[:6]})' for n in blind)}: mount one shared folder (NFS, a "
                f"cluster file system) at this path on all nodes"
            )
    finally:
        _ask([first], node_facts.remove, path)


def _ask(which: Iterable[str], question: Callable[..., Any], path: str) -> dict[str, Any]:
    return nodes.answers(nodes.begin_asking(which, question, path), PATIENCE)
