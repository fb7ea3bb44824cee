"""``raystreaming plugins``: lists connectors, and plugins that do not load."""

from __future__ import annotations

import argparse
import warnings

from raystreaming.cli.parsers import Commands, add_command, print_table
from raystreaming.plugins.registry import Kind, registry

_EPILOG = """
    Plugins that do not load, and names that two of them claim, are shown with
    what to do; the exit status is 1 then. `raystreaming describe NAME` tells
    more of one.

    examples:
      raystreaming plugins
      RAYSTREAMING_PLUGINS=kafka raystreaming plugins   as if no other were there
"""

METHODS: dict[Kind, str] = {
    "source": "ctx.read_{}",
    "sink": "stream.write_{}",
    "operator": "stream.{}",
    "language": "stream.as_{}_stream",
}


def add_to(commands: Commands) -> None:
    """Add the command to a parser."""
    parser = add_command(commands, "plugins", "list installed connectors", _EPILOG)
    parser.set_defaults(command=show)


def show(options: argparse.Namespace) -> int:
    """Print a line per connector, the names that are blocked, and tracebacks of what does not load."""
    found = registry()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # failures are shown in full below
        connectors = found.all()
    rows = [
        (METHODS[c.kind].format(c.spec.name), f"{c.dist} {c.version}".strip(), c.spec.summary)
        for c in connectors
    ]
    print_table(rows)
    conflicts = found.conflicts()
    for conflict in conflicts:
        print(f"\n{conflict}")
    for failure in found.failures:
        print(f"\n{failure.name} of {failure.dist} {failure.version} does not load:")
        print(failure.traceback())
    return 1 if found.failures or conflicts else 0
