"""Which peers are installed, and the table of a job beside them. Standard library only, as harness.py."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from contextlib import suppress

from harness import Contender, Options, interleave, ratios, span

PEERS = {"bytewax": "Bytewax", "pathway": "Pathway", "quixstreams": "Quix Streams"}
"""Names of the distributions, and what they are called."""


def installed() -> dict[str, str]:
    """Return the peers that are installed: distribution, and name with version."""
    found = {}
    for distribution, name in PEERS.items():
        with suppress(importlib.metadata.PackageNotFoundError):
            found[distribution] = f"{name} {importlib.metadata.version(distribution)}"
    return found


def left_out(cannot: Mapping[str, str]) -> list[str]:
    """Return a line for each peer that is not in a table.

    Args:
        cannot: Why a peer cannot do this job, by distribution.
    """
    there = installed()
    lines = [f"Left out: {PEERS[name]}, {why}." for name, why in cannot.items()]
    lines += [
        f"Left out: {title}, which is not installed."
        for name, title in PEERS.items()
        if name not in there and name not in cannot
    ]
    return ["", *lines] if lines else []


def peer_table(contenders: Sequence[Contender], count: int, unit: str, options: Options) -> list[str]:
    """Run jobs and peers in turn and return the table.

    Args:
        contenders: Jobs, and peers, whose `loop` is the name of the job that they are compared with.
        count: How many records they take.
        unit: What these are.
        options: What the command line says.
    """
    runs = interleave(contenders, options)
    lines = [
        f"| | seconds | {unit}/s | raystreaming is so many times as fast | peak memory, MB | CPU, s |",
        "|---|---|---|---|---|---|",
    ]
    for contender in contenders:
        mine = runs[contender.name]
        seconds, cpu = [r.seconds for r in mine], [r.cpu for r in mine]
        rates = span([count / s for s in seconds], ",.0f")
        versus = span(ratios(runs[contender.loop], mine), ".1f") if contender.loop else ""
        lines.append(
            f"| {contender.name} | {span(seconds, '.2f')} | {rates} | {versus} | "
            f"{max(r.peak for r in mine):.0f} | {span(cpu, '.1f')} |"
        )
    return lines
