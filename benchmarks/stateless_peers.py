"""map, filter, map with lambdas on integers, beside the peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from beside_peers import installed, left_out, peer_table
from harness import HERE, Contender, Options, Wrong

TITLE = "Stateless functions, beside peers"
JOB = "raystreaming"
PROGRAMS = {"bytewax": "peers/bytewax_stateless.py", "pathway": "peers/pathway_stateless.py"}


def run(options: Options) -> list[str]:
    """Return the table."""
    count = options.size(1_000_000)
    numbers = range(1, count + 1)
    wanted = {"count": sum(1 for n in numbers if n % 3), "total": sum(n * 2 for n in numbers if n % 3)}

    def verify(out: Path, said: dict[str, Any]) -> None:
        if {name: said.get(name) for name in wanted} != wanted:
            raise Wrong(f"got {said} instead of {wanted}")

    def contender(name: str, program: str, job: str | None = None) -> Contender:
        return Contender(name, [str(HERE / program), str(count)], verify, job, own_clock=True)

    contenders = [contender(JOB, "jobs/stateless.py")]
    contenders += [contender(name, PROGRAMS[p], JOB) for p, name in installed().items() if p in PROGRAMS]
    return [
        f"map, filter, map with three lambdas on {count:,} integers in memory, a function as the sink, one "
        "worker; the clock, packages loaded, runs from building the job to its end.",
        "",
        *peer_table(contenders, count, "numbers", options),
        *left_out({"quixstreams": "which reads from Kafka only"}),
    ]
