"""Whether a plugin was made for this core, by its ``Requires-Dist``, before anything of it is imported.

`packaging` would do it, and importing it takes longer than everything else that a plugin's loading does.
"""

from __future__ import annotations

import operator
import re
from importlib.metadata import Distribution, version

from raystreaming.errors import IncompatiblePlugin

CORE = "raystreaming"

_REQUIREMENT = re.compile(
    r"raystreaming\s*(?:\[[^]]*\])?\s*\(?(?P<versions>(?:[<>=!~][^;)]*)?)\)?\s*$", re.IGNORECASE
)
_CLAUSE = re.compile(r"\s*(?P<how>>=|<=|==|!=|~=|<|>)\s*(?P<release>\d+(?:\.\d+)*)(?P<any>\.\*)?\s*")
_HOW = {
    ">=": operator.ge,
    "<=": operator.le,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}


def check_version(dist: Distribution) -> None:
    """Refuse a distribution that was made for another version of the core.

    What is said otherwise than by plain numbers, or under conditions, is left to whoever installed it.

    Raises:
        IncompatiblePlugin: Names both versions, and what to install.
    """
    for requirement in dist.requires or ():
        found = _REQUIREMENT.match(requirement)
        if found is None:
            continue
        core = version(CORE)
        wanted = found["versions"].strip()
        if not all(_fits(core, clause) for clause in wanted.split(",")):
            raise IncompatiblePlugin(
                f"{dist.name} {dist.version} was made for {CORE}{wanted}, and {CORE} {core} is installed: "
                f"pip install '{CORE}{wanted}', or a version of {dist.name} for {core}: "
                f"pip install --upgrade {dist.name}"
            )


def _fits(installed: str, clause: str) -> bool:
    found = _CLAUSE.fullmatch(clause)
    if found is None:
        return True
    wanted, here = _release(found["release"]), _release(installed)
    if found["how"] == "~=":
        return here >= wanted and here[: len(wanted) - 1] == wanted[:-1]
    size = len(wanted) if found["any"] else max(len(wanted), len(here))
    return bool(_HOW[found["how"]](_padded(here, size), _padded(wanted, size)))


def _release(text: str) -> tuple[int, ...]:
    """Return the numbers of a version; what makes it a pre-release or a local one is left out."""
    numbers = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(map(int, numbers[0].split("."))) if numbers else ()


def _padded(release: tuple[int, ...], size: int) -> tuple[int, ...]:
    return (*release, *[0] * size)[:size]
