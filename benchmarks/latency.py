"""Latency at a thousand records a second, beside peers and a loop that does nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from beside_peers import installed, left_out
from harness import HERE, Contender, Options, Run, Wrong, interleave, span

TITLE = "Latency"
KEYS = 100
PROGRAMS = {  # program, and what the table says of it
    "bytewax": ("peers/bytewax_latency.py", "recovery on"),
    "pathway": ("peers/pathway_latency.py", "no persistence"),
}


def run(options: Options) -> list[str]:
    """Return the table."""
    count = options.size(30_000, least=3_000)

    def verify(out: Path, said: dict[str, Any]) -> None:
        wanted = sorted([str(k), len(range(k, count, KEYS))] for k in range(KEYS))
        if said.get("records") != count or said.get("counts") != wanted:
            raise Wrong(f"latency: {said.get('records')} records instead of {count}, or wrong counts")

    def contender(name: str, program: str) -> Contender:
        return Contender(name, [str(HERE / program), str(count), "{out}/state"], verify)

    loop = contender("loop", "loops/latency.py")
    job = contender("raystreaming", "jobs/latency.py")
    peers = [
        contender(f"{name}, {PROGRAMS[peer][1]}", PROGRAMS[peer][0])
        for peer, name in installed().items()
        if peer in PROGRAMS
    ]
    contenders = [loop, job, *peers]
    runs = interleave(contenders, options)
    lines = [
        f"{count:,} records, one each millisecond, from a source in memory through map, key_by, reduce "
        f"({KEYS} keys) to a function; one task, a checkpoint each five seconds. From when a record is due, "
        "and from when the source has given it, to when the function has it. Milliseconds; the first two "
        "seconds are left out.",
        "",
        "| | due, median | due, p99 | given, median | given, p99 | given, p99.9 | CPU, s |",
        "|---|---|---|---|---|---|---|",
    ]
    for contender_ in contenders:
        mine = runs[contender_.name]
        cells = [
            *(_of(mine, name) for name in ("due_50", "due_99", "given_50", "given_99", "given_99.9")),
            span([r.cpu for r in mine], ".1f"),
        ]
        lines.append(f"| {contender_.name} | {' | '.join(cells)} |")
    lines.append("")
    for peer in peers:
        due, given = (_versus(runs[job.name], runs[peer.name], name) for name in ("due_99", "given_99"))
        lines.append(f"p99 divided by that of {peer.name}, of the same round: due {due}, given {given}.")
    return [*lines, *left_out({"quixstreams": "which reads from Kafka only"})]


def _versus(mine: Sequence[Run], theirs: Sequence[Run], name: str) -> str:
    return span([a.said[name] / b.said[name] for a, b in zip(mine, theirs, strict=True)], ".2f")


def _of(runs: Sequence[Run], name: str) -> str:
    return span([r.said[name] for r in runs], ".2f")
