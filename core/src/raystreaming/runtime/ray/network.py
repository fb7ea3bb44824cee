"""Whether workers on each node of a cluster can reach those on all the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import ray

from raystreaming.runtime.ray import nodes, reach
from raystreaming.runtime.ray.cluster import listening_hosts
from raystreaming.runtime.ray.reach import Door

PATIENCE = 30.0
"""Seconds the nodes may take to listen, and to try."""

SHOWN = 5
"""Nodes that one problem names at most."""


def apart(addresses: Mapping[str, str], names: Mapping[str, str]) -> Iterator[str]:
    """Have all nodes listen as workers do, and each try all the others.

    Args:
        addresses: The address of each node by its id.
        names: What to call them.
    """
    hosts = listening_hosts(addresses)
    keepers = nodes.begin_acting(addresses, reach.Doorkeeper)
    try:
        listening = nodes.answers({n: k.listen.remote(hosts[n]) for n, k in keepers.items()}, PATIENCE)
        doors = {node: door for node, door in listening.items() if not isinstance(door, Exception)}
        found = nodes.answers(nodes.begin_asking(addresses, reach.knock, doors), PATIENCE)
    finally:
        for keeper in keepers.values():
            ray.kill(keeper)
    for node, error in listening.items():
        if node not in doors:
            yield (
                f"workers cannot listen on node {names[node]}: {nodes.last_line(error)}. Start Ray there "
                f"with --node-ip-address=ADDRESS, one of that machine's own that the other nodes reach"
            )
    for node, error in found.items():
        if isinstance(error, Exception):
            yield f"node {names[node]} could not try the others: {nodes.last_line(error)}. See `ray status`"
    closed = {node: tried for node, tried in found.items() if not isinstance(tried, Exception)}
    yield from unreached(doors, closed, names)


def unreached(
    doors: Mapping[str, Door], closed: Mapping[str, Mapping[str, str]], names: Mapping[str, str]
) -> Iterator[str]:
    """Say which nodes cannot reach which, and what mends it.

    Args:
        doors: Where nodes listen, by their ids.
        closed: Per node that has tried them all, those that stayed closed, and why.
        names: What to call the nodes.
    """
    for node, door in doors.items():
        whys = {other: found[node] for other, found in closed.items() if node in found}
        if not whys:
            continue
        who = ", ".join(names[other] for other in list(whys)[:SHOWN])
        if len(whys) > SHOWN:
            who += f" and {len(whys) - SHOWN} more nodes"
        yield (
            f"workers on {who} cannot reach those on {names[node]}: {door.host}:{door.port}: "
            f"{', '.join(sorted(set(whys.values())))}. Open the range of ephemeral ports "
            f"({door.ports or 'that of its system'}, TCP) between nodes: workers listen at their node's "
            f"address, on ports that the system gives them"
        )
