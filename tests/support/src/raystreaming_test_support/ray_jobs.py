"""The jobs that are killed on Ray: `python -m raystreaming_test_support.ray_jobs words|kafka FOLDER`.

They are slow until they are released, so that a kill hits a running job whatever the machine does.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from raystreaming import StreamingContext
from raystreaming_test_support.events import expected_seqs
from raystreaming_test_support.outputs import assert_nothing_left, files, json_rows, parquet_seqs

SLOW = 0.002
"""Seconds for a record of a job that is not released: with 40,000 it outlasts what is done meanwhile."""

BALLAST = 200_000
"""Bytes that come along with a job: more than Ray keeps of an argument once the driver is gone."""


class RayJobFiles:
    """A job with its folder.

    Args:
        name: `words`, which counts words into files, or `kafka`, which filters events into Parquet.
        folder: Where it reads, writes and keeps its checkpoints.
        count: How many records it has.
        servers: Kafka's address.
        topic: The topic, full of events.
    """

    def __init__(self, name: str, folder: Path, count: int, servers: str = "", topic: str = "") -> None:
        self.name, self.folder, self.count = name, folder, count
        self.out = folder / "out"
        self.env = {"COUNT": str(count), "SERVERS": servers, "TOPIC": topic}
        folder.mkdir(parents=True, exist_ok=True)
        if name == "words":
            words = expected_words(count)
            lines = (" ".join(words[n : n + 10]) for n in range(0, count, 10))
            (folder / "in.txt").write_text("\n".join(lines) + "\n")

    @property
    def argv(self) -> list[str]:
        """The command that runs it; always the same."""
        return [sys.executable, "-m", "raystreaming_test_support.ray_jobs", self.name, str(self.folder)]

    def release(self) -> None:
        """Have it run to its end as fast as it can."""
        (self.folder / "released").touch()

    def published(self) -> int:
        """Return how many files it has published."""
        return len(files(self.out))

    def has_published(self, count: int) -> bool:
        """Return whether it has published so many files."""
        return self.published() >= count

    def check(self) -> None:
        """Compare what it has published with what must be there; nothing may be left behind."""
        if self.name == "kafka":
            assert parquet_seqs(self.out) == expected_seqs(self.count)
        else:
            counts: dict[str, list[int]] = defaultdict(list)
            for row in json_rows(self.out):
                counts[row["word"]].append(row["count"])
            wanted = Counter(expected_words(self.count))
            assert {w: sorted(c) for w, c in counts.items()} == {
                w: list(range(1, n + 1)) for w, n in wanted.items()
            }
        assert_nothing_left(self.out, self.folder / "state")


def expected_words(count: int) -> list[str]:
    """Return the words of the text, in their order."""
    return [f"word{n * n % 97}" for n in range(count)]


def pairs_of(line: str) -> list[tuple[str, int]]:
    """Split a line into words."""
    return [(word, 1) for word in line.split()]


def add(a: tuple[str, int], b: tuple[str, int]) -> tuple[str, int]:
    """Count."""
    return a[0], a[1] + b[1]


def build(
    name: str, folder: Path, servers: str = "", topic: str = "", placement: Any = None, **settings: Any
) -> StreamingContext:
    """Describe one of the jobs; `placement` is that of the workers of `words`."""
    released = folder / "released"
    ballast = b"-" * BALLAST

    def slow(record: Any) -> Any:
        if ballast and not released.exists():
            time.sleep(SLOW)
        return record

    ctx = StreamingContext(
        **{"runtime": "ray", "checkpoint_dir": folder / "state", "checkpoint_interval": "200ms", **settings}
    )
    if name == "words":
        (
            ctx.read_text_file(folder / "in.txt")
            .flat_map(pairs_of)
            .map(slow)  # in the source's task: records that waited elsewhere would hold up barriers
            .map(lambda p: p)
            .set_parallelism(2)
            .resources(placement=placement)
            .key_by(lambda p: p[0])
            .reduce(add)
            .set_parallelism(2)
            .map(lambda p: {"word": p[0], "count": p[1]})
            .write_files(folder / "out", format="jsonl")
        )
    else:
        (
            ctx.read_kafka(servers=servers, topics=[topic], stop="latest", format="json")
            .set_parallelism(2)
            .map(slow)
            .filter(lambda e: e["event_type"] != "view")
            .write_files(folder / "out", format="parquet")
            .set_parallelism(1)
        )
    return ctx


if __name__ == "__main__":
    job, place = sys.argv[1], Path(sys.argv[2])
    wishes: dict[str, Any] = {}
    if "DETACH" in os.environ:
        wishes["detach"] = True
    if "LEASE" in os.environ:
        wishes["lease"] = os.environ["LEASE"]
    build(job, place, os.environ["SERVERS"], os.environ["TOPIC"], **wishes).execute(job)
