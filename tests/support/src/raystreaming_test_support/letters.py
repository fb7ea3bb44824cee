"""A Java program whose dead letters go to sinks of two phases, to be killed; it is `Letters.java`."""

from __future__ import annotations

import re
from pathlib import Path

from raystreaming_test_support.java import compile_java, java_command
from raystreaming_test_support.outputs import assert_nothing_left, json_rows, line_rows

JOB = "letters"
MODEL = """
from pathlib import Path

from raystreaming_files import FilesSink

fives = FilesSink(Path(__file__).parent / "fives", format="jsonl")

def no_five(n):
    if n % 10 == 5:
        raise ValueError("no fives")
    return n
"""


class Letters:
    """The program with its folder, where it has to run.

    Of its numbers, Java refuses those that end with 7 and Python those that end with 5. It is slow until it
    is released.

    Args:
        folder: Where it reads and writes.
        count: Its numbers are below this.
        batch: How many each of its two splits gives every five milliseconds.
    """

    def __init__(self, folder: Path, count: int, batch: int) -> None:
        self.folder, self._count, self._batch = folder, count, batch
        (folder / "classes").mkdir()
        compile_java(folder / "classes", Path(__file__).with_name("Letters.java"))
        (folder / "letters_model.py").write_text(MODEL)

    def command(self, **settings: object) -> list[str]:
        """Return what runs it."""
        more = [part for setting in settings.items() for part in setting]
        return java_command(self.folder / "classes", "Letters", self.folder, self._count, self._batch, *more)

    def release(self) -> None:
        """Have it run to its end as fast as it can."""
        (self.folder / "released").touch()

    def letters(self) -> tuple[list[int], list[int]]:
        """Return what Java and what Python has refused, as far as it is published."""
        sevens = [re.search(r"attempts=2, record=(\d+)}$", row) for row in line_rows(self.folder / "sevens")]
        fives = [int(row["record"]) for row in json_rows(self.folder / "fives")]
        return sorted(int(found[1]) for found in sevens if found), sorted(fives)

    def check(self) -> None:
        """Compare what it has written with what a run without failure writes; nothing else is left."""
        numbers = [n for n in range(self._count) if n % 4 < 2]
        refused = tuple([n for n in numbers if n % 10 == digit] for digit in (7, 5))
        assert self.letters() == refused
        good = sorted(map(int, line_rows(self.folder / "good")))
        assert good == [n for n in numbers if n % 10 not in (5, 7)]
        for staged in ("sevens", "good"):
            assert list((self.folder / staged / ".staged").iterdir()) == [], f"staged leftovers of {staged}"
        assert_nothing_left(self.folder / "fives", self.folder / "state")
