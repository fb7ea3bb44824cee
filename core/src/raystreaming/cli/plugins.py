"""``raystreaming plugins``: lists connectors, and plugins that do not load."""

from __future__ import annotations

import argparse
import warnings

from raystreaming.plugins.registry import Kind, registry

METHODS: dict[Kind, str] = {
    "source": "ctx.read_{}",
    "sink": "stream.write_{}",
    "operator": "stream.{}",
    "language": "stream.as_{}_stream",
}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser("plugins", help="list installed connectors")
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
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    for method, dist, summary in rows:
        print(f"{method:{widths[0]}}  {dist:{widths[1]}}  {summary}")
    conflicts = found.conflicts()
    for conflict in conflicts:
        print(f"\n{conflict}")
    for failure in found.failures:
        print(f"\n{failure.name} of {failure.dist} {failure.version} does not load:")
        print(failure.traceback())
    return 1 if found.failures or conflicts else 0
