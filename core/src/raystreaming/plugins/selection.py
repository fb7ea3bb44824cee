"""Which plugins are loaded at all, and which of two wins: what the environment says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from raystreaming.errors import PluginError, nearest

ONLY = "RAYSTREAMING_PLUGINS"
PREFER = "RAYSTREAMING_PREFER"
STRICT = "RAYSTREAMING_STRICT_PLUGINS"


def is_strict() -> bool:
    """Return whether a plugin that cannot be loaded is an error."""
    return os.environ.get(STRICT) == "1"


def chosen(installed: Iterable[str]) -> set[str]:
    """Return the names of plugins that may be loaded: those of ``RAYSTREAMING_PLUGINS``, or all.

    Raises:
        PluginError: The variable names what is not installed.
    """
    names = set(installed)
    only = os.environ.get(ONLY)
    if only is None:
        return names
    wanted = {name.strip() for name in only.split(",")} - {""}
    if missing := sorted(wanted - names):
        named = ", ".join(f"{name!r}{nearest(name, names)}" for name in missing)
        raise PluginError(
            f"{ONLY} names {named}, which is not installed: correct it, or unset it; "
            f"installed: {', '.join(sorted(names)) or 'none'}"
        )
    return wanted


def is_left_out(name: str) -> bool:
    """Return whether ``RAYSTREAMING_PLUGINS`` keeps a plugin from being loaded."""
    only = os.environ.get(ONLY)
    return only is not None and name not in {part.strip() for part in only.split(",")}


def prefers(name: str) -> bool:
    """Return whether ``RAYSTREAMING_PREFER`` gives a name to somebody."""
    return any(of == name for of, _ in _wishes())


def preferred(name: str, dists: Iterable[str]) -> str | None:
    """Return which distribution ``RAYSTREAMING_PREFER`` gives a name that several claim, if it says so.

    Raises:
        PluginError: The variable cannot be read, or gives the name to none of them.
    """
    claims = {_normal(dist): dist for dist in dists}
    for of, dist in _wishes():
        if of != name:
            continue
        if _normal(dist) not in claims:
            raise PluginError(
                f"{PREFER} gives {name!r} to {dist}, which does not provide it"
                f"{nearest(dist, claims.values())}: {' and '.join(sorted(claims.values()))} do"
            )
        return claims[_normal(dist)]
    return None


def _wishes() -> Iterator[tuple[str, str]]:
    """Yield names and to which distribution ``RAYSTREAMING_PREFER`` gives them."""
    for part in filter(None, (p.strip() for p in os.environ.get(PREFER, "").split(","))):
        of, equals, dist = (p.strip() for p in part.partition("="))
        if not (of and equals and dist):
            raise PluginError(f"{PREFER} has {part!r}: write name=distribution, separated by commas")
        yield of, dist


def _normal(dist: str) -> str:
    return dist.lower().replace("_", "-").replace(".", "-")
