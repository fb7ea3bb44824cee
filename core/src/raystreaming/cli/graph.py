"""``raystreaming graph PROGRAM``: draws the job of a program without running it."""

from __future__ import annotations

import argparse
from pathlib import Path

from raystreaming.api.drawing import Drawn, instead_of_running
from raystreaming.cli import program
from raystreaming.cli.parsers import Commands, add_command
from raystreaming.errors import RayStreamingError
from raystreaming.graph import LogicalGraph
from raystreaming.graph.draw import FORMATS, draw

_EPILOG = """
    The program is executed up to where it submits its first job. What comes
    after PROGRAM are its own arguments.

    examples:
      raystreaming graph job.py                        operators
      raystreaming graph --physical pipelines:orders   tasks and channels
      raystreaming graph --format svg --out job.svg job.py
"""


def add_to(commands: Commands) -> None:
    """Add the command to a parser."""
    parser = add_command(commands, "graph", "draw the job of a program", _EPILOG)
    parser.add_argument("--format", choices=FORMATS, default="text", help="by default %(default)s")
    parser.add_argument("--physical", action="store_true", help="tasks and channels, not operators")
    parser.add_argument("--out", metavar="PATH", help="where to write it; by default standard output")
    program.add_to(parser)
    parser.set_defaults(command=show)


def show(options: argparse.Namespace) -> int:
    """Execute the program and print the graph of its job."""

    def take(graph: LogicalGraph) -> None:
        text = draw(graph, "physical" if options.physical else "logical", options.format)
        if options.out:
            Path(options.out).write_text(text + "\n", encoding="utf-8")
        else:
            print(text)

    instead_of_running(take)
    try:
        program.execute(options.program, options.args)
    except Drawn:
        return 0
    finally:
        instead_of_running(None)
    raise RayStreamingError(
        f"{options.program!r} submits no job: it needs ctx.submit(name) or ctx.execute(name)"
    )
