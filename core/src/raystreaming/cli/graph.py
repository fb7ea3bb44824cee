"""``raystreaming graph FILE``: draws the job of a program without running it."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from pathlib import Path

from raystreaming.api.drawing import Drawn, instead_of_running
from raystreaming.errors import RayStreamingError
from raystreaming.graph import LogicalGraph
from raystreaming.graph.draw import FORMATS, draw

_EPILOG = """
The program is executed up to where it submits its first job. Arguments after FILE are the program's own.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser("graph", help="draw the job of a program", epilog=_EPILOG)
    parser.add_argument("--format", choices=FORMATS, default="text", help="by default %(default)s")
    parser.add_argument("--physical", action="store_true", help="tasks and channels, not operators")
    parser.add_argument("--out", metavar="PATH", help="where to write it; by default standard output")
    parser.add_argument("file", metavar="FILE", help="the program")
    parser.add_argument("args", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(command=show)


def show(options: argparse.Namespace) -> int:
    """Execute the file as ``__main__`` and print the graph of its job."""
    if not os.path.isfile(options.file):
        raise RayStreamingError(f"no program {options.file!r}: give the path of a Python file")

    def take(graph: LogicalGraph) -> None:
        text = draw(graph, "physical" if options.physical else "logical", options.format)
        if options.out:
            Path(options.out).write_text(text + "\n", encoding="utf-8")
        else:
            print(text)

    sys.argv = [options.file, *options.args]
    sys.path.insert(0, os.path.dirname(os.path.abspath(options.file)))
    instead_of_running(take)
    try:
        runpy.run_path(options.file, run_name="__main__")
    except Drawn:
        return 0
    finally:
        instead_of_running(None)
    raise RayStreamingError(
        f"{options.file!r} submits no job: it needs ctx.submit(name) or ctx.execute(name)"
    )
