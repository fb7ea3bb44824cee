"""Latency at a thousand records a second, beside Bytewax with recovery and a loop that does nothing else."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import HERE, Contender, Options, Run, Wrong, interleave, span

TITLE = "Latency"
KEYS = 100


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
    contenders = [loop, job]
    if importlib.util.find_spec("bytewax") is not None:
        contenders.append(contender("Bytewax, recovery on", "peers/bytewax_latency.py"))
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
    if len(contenders) == 2:
        return [*lines, "", "Bytewax is not installed; it has no package for this Python."]
    peer = runs[contenders[2].name]
    due, given = (_versus(runs[job.name], peer, name) for name in ("due_99", "given_99"))
    return [*lines, "", f"p99 divided by Bytewax's of the same round: due {due}, given {given}."]


def _versus(mine: Sequence[Run], theirs: Sequence[Run], name: str) -> str:
    return span([a.said[name] / b.said[name] for a, b in zip(mine, theirs, strict=True)], ".2f")


def _of(runs: Sequence[Run], name: str) -> str:
    return span([r.said[name] for r in runs], ".2f")
