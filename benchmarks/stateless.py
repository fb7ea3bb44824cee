"""map, filter, map with lambdas on integers, beside the hand-written loop."""

from __future__ import annotations

from harness import Options, beside_loop

TITLE = "Stateless functions"
APART = "raystreaming, each function a task"


def run(options: Options) -> list[str]:
    """Return the table."""
    count = options.size(5_000_000)
    kept = range(1, count + 1)
    wanted = {"count": sum(1 for n in kept if n % 3), "total": sum(n * 2 for n in kept if n % 3)}
    return [
        f"map, filter, map with three lambdas on {count:,} integers, a function as the sink; the clock, "
        "packages loaded, runs from building the job to its end. In the chain all is one loop; else each "
        "function is a task, and batches go from one to the next.",
        "",
        *beside_loop("stateless", count, "numbers", wanted, options, ways={APART: "apart"}),
    ]
