"""``raystreaming run``: runs a program, with settings put above its own."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from raystreaming.api import interrupts, settings
from raystreaming.cli import program
from raystreaming.cli.parsers import Commands, add_command
from raystreaming.errors import OptionError
from raystreaming.observe.notices import show_notices
from raystreaming.observe.wanted import FORMATS, LOG_FORMAT

_EPILOG = """
    Options come before PROGRAM; what comes after it are its own arguments.
    They are stronger than what the program gives its StreamingContext. --set
    takes any setting of a context, the value as JSON or as plain text.

    Ctrl-C takes a checkpoint and ends; the same command goes on from there. A
    second Ctrl-C ends at once. module:object is a StreamingContext, whose job
    gets that name with a dot for the colon, or a function that runs a job or
    returns a context.

    examples:
      raystreaming run job.py
      raystreaming run --checkpoint-dir state job.py     survives the process
      raystreaming run --fresh job.py --input words.txt  from the beginning
      raystreaming run --set parallelism=4 pipelines:orders
      raystreaming run --ray 10.0.0.5:6379 --detach job.py
"""


def add_to(commands: Commands) -> None:
    """Add the command to a parser."""
    parser = add_command(commands, "run", "run a program", _EPILOG)
    parser.add_argument("--checkpoint-dir", metavar="DIR", help="where checkpoints are kept")
    parser.add_argument("--checkpoint-interval", metavar="TIME", help="e.g. 5s, 500ms")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="any setting; may be given again"
    )
    parser.add_argument(
        "--fresh",
        action="store_const",
        const=True,
        help="forget the checkpoints of earlier runs; what they published stays",
    )
    parser.add_argument(
        "--drain",
        action="store_const",
        const=True,
        help="the first Ctrl-C ends the input: it finishes",
    )
    parser.add_argument(
        "--log-format", choices=FORMATS, help=f"json: one object a line on stderr; also {LOG_FORMAT}=json"
    )
    parser.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="run on Ray: at the address, or at RAY_ADDRESS, or on this machine while the program runs",
    )
    parser.add_argument(
        "--detach",
        action="store_const",
        const=True,
        help="on Ray: the job goes on by itself",
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="on Ray: workers that share the tasks; by default one each"
    )
    program.add_to(parser)
    parser.set_defaults(command=run)


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that the command line has.

    Raises:
        OptionError: Lists every one that is unknown or wrong.
    """
    names = ("checkpoint_dir", "checkpoint_interval", "fresh", "drain", "detach", "workers")
    of_their_own = {name: getattr(options, name) for name in names}
    chosen = dict(_parsed(text) for text in options.set)
    chosen |= {name: value for name, value in of_their_own.items() if value is not None}
    if options.ray is not None or chosen.get("detach") or "workers" in chosen:
        chosen.setdefault("runtime", "ray")
    if options.ray:
        chosen["address"] = options.ray
    try:
        settings.make(chosen)
    except OptionError as error:
        raise OptionError("raystreaming run", error.problems) from None
    return chosen


def _parsed(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise OptionError("raystreaming run", [f"--set {text}: write NAME=VALUE, e.g. --set parallelism=4"])
    try:
        return name.replace("-", "_"), json.loads(value)
    except ValueError:
        return name.replace("-", "_"), value


def run(options: argparse.Namespace) -> int:
    """Execute the program."""
    interrupts.install()
    settings.override(_given(options))
    if options.log_format is not None:
        os.environ[LOG_FORMAT] = options.log_format  # which what it starts has, too
    show_notices()
    try:
        program.execute(options.program, options.args)
    except KeyboardInterrupt:
        interrupts.remember()  # for a job that was submitted and not waited for
        raise
    return 0
