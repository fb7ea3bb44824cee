"""``--ray [ADDRESS]``: an option whose value may be left out before the name of a program."""

from __future__ import annotations

import re
from collections.abc import Sequence

from raystreaming.cli.program import names_object

_ADDRESS = re.compile(r"auto|local|(ray://)?[^\s/]+:\d+")


def joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``--ray`` and its address in one, so that no program is taken for one.

    ``run --ray job.py`` has no address, ``run --ray 10.0.0.5:6379 job.py`` has one. What comes after the
    program is the program's own.
    """
    done: list[str] = []
    rest = list(arguments)
    while rest and not (rest[0].endswith(".py") or names_object(rest[0])):
        argument = rest.pop(0)
        if argument == "--ray":
            argument = f"--ray={rest.pop(0)}" if rest and _ADDRESS.fullmatch(rest[0]) else "--ray="
        done.append(argument)
    return done + rest
