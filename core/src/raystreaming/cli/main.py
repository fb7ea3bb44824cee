"""``raystreaming``: reads the command line and hands over to a command."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from textwrap import dedent

from raystreaming import __version__
from raystreaming.api.job import report
from raystreaming.cli import checkpoints, describe, doctor, graph, jobs, plugins, run
from raystreaming.cli.address import joined
from raystreaming.cli.parsers import Parser, parsed
from raystreaming.errors import RayStreamingError
from raystreaming.observe.notices import say

_EPILOG = """
    `raystreaming COMMAND --help` has examples.

    exit status:
      0    it went well; also: the job was stopped, and can go on
      1    it failed: the message says what, where, why, and what to do
      2    the command line is wrong
      130  interrupted (Ctrl-C) where there was no job to stop, or at once
    A program of `run` that ends with a status of its own ends with that.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 if it went well, 1 if it failed, 2 if the command line was wrong.
    """
    try:
        options = parsed(_parser(), joined(sys.argv[1:] if argv is None else argv))
        code: int = options.command(options)
        if not sys.stdout.closed:
            sys.stdout.flush()
    except RayStreamingError as error:
        say(f"error: {report(error)}")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        if not _nobody_reads():  # it is of something else that a program has opened
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is flushed at exit
        return 1
    return code


def _nobody_reads() -> bool:
    """Return whether who read what is printed has ended, as `head` does."""
    if sys.stdout.closed:
        return False
    state = select.poll()
    state.register(sys.stdout, 0)  # errors are told whatever one asks for
    return bool(state.poll(0))


def _parser() -> Parser:
    parser = Parser(
        prog="raystreaming",
        description="Stream processing in plain Python, exactly once.",
        epilog=dedent(_EPILOG).strip(),
    )
    parser.add_argument("--version", action="version", version=f"raystreaming {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (run, graph, checkpoints, jobs, plugins, describe, doctor):
        command.add_to(commands)
    return parser
