"""``raystreaming run FILE``: runs a program, with settings put above its own."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from typing import Any

from raystreaming.api import interrupts, settings
from raystreaming.errors import RayStreamingError
from raystreaming.observe.notices import show_notices

_EPILOG = """
Ctrl-C takes a checkpoint and ends; the same command goes on from there. A second Ctrl-C ends at
once. Arguments after FILE are the program's own.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser("run", help="run a program", epilog=_EPILOG)
    parser.add_argument("--checkpoint-dir", metavar="DIR", help="where checkpoints are kept")
    parser.add_argument("--checkpoint-interval", metavar="TIME", help="e.g. 5s, 500ms")
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="forget the checkpoints of earlier runs; what they published stays",
    )
    parser.add_argument(
        "--drain", action="store_true", help="the first Ctrl-C ends the input: the job is finished"
    )
    parser.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="run on Ray: at the address, or at RAY_ADDRESS, or on this machine while the program runs",
    )
    parser.add_argument(
        "--detach", action="store_true", help="on Ray: the job goes on when this command has ended"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="on Ray: workers that share the tasks; by default one each"
    )
    parser.add_argument("file", metavar="FILE", help="the program")
    parser.add_argument("args", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(command=run)


def _ray(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of options that mean Ray."""
    chosen: dict[str, Any] = {}
    if options.ray is not None or options.detach or options.workers is not None:
        chosen["runtime"] = "ray"
    if options.ray:
        chosen["address"] = options.ray
    if options.detach:
        chosen["detach"] = True
    if options.workers is not None:
        chosen["workers"] = options.workers
    return chosen


def run(options: argparse.Namespace) -> int:
    """Execute the file as ``__main__``."""
    interrupts.install()
    if not os.path.isfile(options.file):
        raise RayStreamingError(f"no program {options.file!r}: give the path of a Python file")
    overrides: dict[str, Any] = {}
    if options.checkpoint_dir:
        overrides["checkpoint_dir"] = options.checkpoint_dir
    if options.checkpoint_interval:
        overrides["checkpoint_interval"] = options.checkpoint_interval
    if options.fresh:
        overrides["fresh"] = True
    if options.drain:
        overrides["drain"] = True
    overrides.update(_ray(options))
    settings.override(overrides)
    show_notices()
    sys.argv = [options.file, *options.args]
    sys.path.insert(0, os.path.dirname(os.path.abspath(options.file)))
    try:
        runpy.run_path(options.file, run_name="__main__")
    except KeyboardInterrupt:
        interrupts.remember()  # for a job that was submitted and not waited for
        raise
    return 0
