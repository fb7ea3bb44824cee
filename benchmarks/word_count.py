"""Word count with lambdas, every update emitted, beside the hand-written loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import HERE, Contender, Options, Wrong, ask, interleave, rate_table

TITLE = "Word count"


def run(options: Options) -> list[str]:
    """Return the table."""
    count = options.size(8_000_000) // 10 * 10
    wanted = ask("helpers/count_words.py", count)

    def verify(out: Path, said: dict[str, Any]) -> None:
        found = {name: said.get(name) for name in wanted}
        if found != wanted:
            raise Wrong(f"the word count gave {found} instead of {wanted}")

    tuned, defaults = "loop, collector tuned", "loop, Python's default collector"
    loop, job = str(HERE / "loops/words.py"), str(HERE / "jobs/words.py")
    size = str(count)
    contenders = [
        Contender(tuned, [loop, size, "tuned"], verify, own_clock=True),
        Contender("raystreaming", [job, size], verify, tuned, own_clock=True),
        Contender(defaults, [loop, size, "defaults"], verify, tuned, own_clock=True),
    ]
    runs = interleave(contenders, options)
    return [
        f"flat_map, map, key_by, reduce with lambdas on {count:,} words in lines of ten, 5,000 different "
        "ones, which are in memory; every update goes to a function. The clock, packages loaded, runs from "
        "building the job to its end. raystreaming tunes the collector while a job runs.",
        "",
        *rate_table(contenders, runs, count, "words"),
    ]
