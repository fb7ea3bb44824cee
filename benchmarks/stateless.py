"""map, filter, map with lambdas on integers, beside the hand-written loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import HERE, Contender, Options, Wrong, interleave, rate_table

TITLE = "Stateless functions"


def run(options: Options) -> list[str]:
    """Return the table."""
    count = options.size(5_000_000)
    kept = range(1, count + 1)
    wanted = {"count": sum(1 for n in kept if n % 3), "total": sum(n * 2 for n in kept if n % 3)}

    def verify(out: Path, said: dict[str, Any]) -> None:
        found = {name: said.get(name) for name in wanted}
        if found != wanted:
            raise Wrong(f"map, filter, map gave {found} instead of {wanted}")

    tuned, defaults = "loop, collector tuned", "loop, Python's default collector"
    loop, job = str(HERE / "loops/stateless.py"), str(HERE / "jobs/stateless.py")
    size = str(count)
    contenders = [
        Contender(tuned, [loop, size, "tuned"], verify, own_clock=True),
        Contender("raystreaming", [job, size], verify, tuned, own_clock=True),
        Contender(defaults, [loop, size, "defaults"], verify, tuned, own_clock=True),
    ]
    runs = interleave(contenders, options)
    return [
        f"map, filter, map with three lambdas on {count:,} integers, a function as the sink; the clock, "
        "packages loaded, runs from building the job to its end.",
        "",
        *rate_table(contenders, runs, count, "numbers"),
    ]
