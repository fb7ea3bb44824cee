"""``raystreaming``: reads the command line and hands over to a command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from raystreaming import __version__
from raystreaming.api.job import report
from raystreaming.cli import describe, doctor, graph, jobs, plugins, run
from raystreaming.cli.address import joined
from raystreaming.errors import RayStreamingError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 if it went well, 1 if it failed, 2 if the command line was wrong.
    """
    try:
        options = _parser().parse_args(joined(sys.argv[1:] if argv is None else argv))
        code: int = options.command(options)
    except RayStreamingError as error:
        print(f"error: {report(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="raystreaming", description="Stream processing in plain Python, exactly once."
    )
    parser.add_argument("--version", action="version", version=f"raystreaming {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (run, graph, jobs, plugins, describe, doctor):
        command.add_to(commands)
    return parser
