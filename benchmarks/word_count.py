"""Word count with lambdas, every update emitted, beside the hand-written loop."""

from __future__ import annotations

from harness import Options, ask, beside_loop

TITLE = "Word count"


def run(options: Options) -> list[str]:
    """Return the table."""
    count = options.size(8_000_000) // 10 * 10
    wanted = ask("helpers/count_words.py", count)
    return [
        f"flat_map, map, key_by, reduce with lambdas on {count:,} words in lines of ten, 5,000 different "
        "ones, which are in memory; every update goes to a function. The clock, packages loaded, runs from "
        "building the job to its end. raystreaming tunes the collector while a job runs.",
        "",
        *beside_loop("words", count, "words", wanted, options),
    ]
