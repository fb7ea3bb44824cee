"""Word count beside the peers: every update with lambdas, and final counts of a text file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from beside_peers import installed, left_out, peer_table
from harness import HERE, Contender, Options, Wrong, ask

TITLE = "Word count, beside peers"
BY_ROW, ON_COLUMNS = "raystreaming, every update", "raystreaming on columns, final counts"
PROGRAMS = {  # what it emits; program, what it is compared with
    "bytewax": {
        "every update": ("peers/bytewax_words.py", BY_ROW),
        "final counts": ("peers/bytewax_word_totals.py", ON_COLUMNS),
    },
    "pathway": {"final counts": ("peers/pathway_word_totals.py", ON_COLUMNS)},
}


def run(options: Options) -> list[str]:
    """Return the table."""
    count = options.size(1_000_000) // 10 * 10
    wanted = ask("helpers/count_words.py", count)

    def every(out: Path, said: dict[str, Any]) -> None:
        if {name: said.get(name) for name in wanted} != wanted:
            raise Wrong(f"updates and counts are not {wanted} but {said}")

    def final(out: Path, said: dict[str, Any]) -> None:
        if said.get("counts") != wanted["counts"]:
            raise Wrong(f"counts are not {wanted['counts']} but {said}")

    def contender(name: str, program: str, job: str | None = None) -> Contender:
        all_updates = BY_ROW in (name, job)
        argv = [str(HERE / program), str(count), *([] if all_updates else ["{out}"])]
        return Contender(name, argv, every if all_updates else final, job, own_clock=True)

    contenders = [contender(BY_ROW, "jobs/words.py"), contender(ON_COLUMNS, "jobs/words_columns.py")]
    for peer, name in installed().items():
        for emits, (program, job) in PROGRAMS.get(peer, {}).items():
            contenders.append(contender(f"{name}, {emits}", program, job))
    return [
        f"{count:,} words in lines of ten, 5,000 different ones, one worker. Every update: lines in memory, "
        "the same lambdas, each update to a function. Final counts: a text file, what each does it best "
        "with. The clock, packages loaded, runs from building the job to its end. Pathway emits changes by "
        "minibatch, so it has final counts only.",
        "",
        *peer_table(contenders, count, "words", options),
        *left_out({"quixstreams": "which reads from Kafka only"}),
    ]
