"""Word count with lambdas, every update emitted, beside the hand-written loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import HERE, Contender, Options, Wrong, ask, beside_loop

TITLE = "Word count"


def run(options: Options) -> list[str]:
    """Return the table."""
    count = options.size(8_000_000) // 10 * 10
    wanted = ask("helpers/count_words.py", count)

    def verify(out: Path, said: dict[str, Any]) -> None:
        if said.get("counts") != wanted["counts"]:
            raise Wrong(f"the counts of columns are {said.get('counts')} instead of {wanted['counts']}")

    alone = "loop, pyarrow alone"
    columns = [
        Contender(name, [str(HERE / program), str(count), "{out}"], verify, loop, own_clock=True)
        for name, program, loop in (
            ("raystreaming, columns", "jobs/words_columns.py", alone),
            (alone, "loops/words_columns.py", "loop, collector tuned"),
        )
    ]
    return [
        f"flat_map, map, key_by, reduce with lambdas on {count:,} words in lines of ten, 5,000 different "
        "ones, which are in memory; every update goes to a function. The clock, packages loaded, runs from "
        "building the job to its end. raystreaming tunes the collector while a job runs. On columns: the "
        "lines are in a file, select, explode, key_by and agg work on Arrow batches, and only the final "
        "counts are emitted; its loop is that of pyarrow alone.",
        "",
        *beside_loop("words", count, "words", wanted, options, columns),
    ]
