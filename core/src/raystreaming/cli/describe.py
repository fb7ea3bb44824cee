"""``raystreaming describe NAME``: what a connector does and how it is told to."""

from __future__ import annotations

import argparse
import warnings

from raystreaming.api.named import described
from raystreaming.cli.parsers import Commands, add_command
from raystreaming.cli.plugins import METHODS
from raystreaming.errors import UnknownConnector, nearest
from raystreaming.plugins.registry import FIRST_PARTY, registry

_EPILOG = """
    NAME is what comes behind read_ or write_, or an operator. `raystreaming
    plugins` lists all.

    examples:
      raystreaming describe kafka
      raystreaming describe text_file
"""


def add_to(commands: Commands) -> None:
    """Add the command to a parser."""
    parser = add_command(commands, "describe", "show what a connector does, and its options", _EPILOG)
    parser.add_argument("name", metavar="NAME", help="the connector")
    parser.set_defaults(command=show)


def show(options: argparse.Namespace) -> int:
    """Print the texts and options of all that has the name."""
    found = registry()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of others: a failure of this one is raised below
        kinds = [kind for kind in METHODS if options.name in found.names(kind)]
        if not kinds:
            raise _unknown(options.name)
        connectors = [found.find(kind, options.name) for kind in kinds]
    texts: list[str] = []
    for connector in connectors:
        method = METHODS[connector.kind].format(options.name)
        dist = f"{connector.dist} {connector.version}".strip()
        texts.append(f"{connector.kind} {method}(...), of {dist}\n\n{described(connector.load())}")
    print("\n\n".join(texts))
    return 0


def _unknown(name: str) -> Exception:
    """Return what to say of a name that no plugin has which loads."""
    found = registry()
    if name in FIRST_PARTY or name in {failure.name for failure in found.failures}:
        try:
            found.find("source", name)
        except Exception as error:  # it says why, and what to do
            return error
    known = sorted({n for kind in METHODS for n in found.names(kind)})
    return UnknownConnector(
        f"no installed plugin has a connector {name!r}{nearest(name, known)}; installed: {', '.join(known)}"
    )
