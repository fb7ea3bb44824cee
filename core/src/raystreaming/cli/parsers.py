"""Parsers of commands: help with examples, as they are typed."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from textwrap import dedent
from typing import Any, NoReturn, TypeAlias

from raystreaming.errors import nearest

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"

_WRONG_CHOICE = re.compile(r"invalid choice: '([^']*)'(?= \(choose from (.*)\))")


class Parser(argparse.ArgumentParser):
    """Shows its epilog as it is written, and says which choice is near a wrong one."""

    def __init__(self, **options: Any) -> None:
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(formatter_class=form, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """End with status 2."""
        super().error(_WRONG_CHOICE.sub(_with_the_nearest, message))


def _with_the_nearest(wrong: re.Match[str]) -> str:
    return wrong[0] + nearest(wrong[1], re.findall(r"[\w-]+", wrong[2]))


def add_command(commands: Commands, name: str, what: str, epilog: str) -> Parser:
    """Add a command.

    Args:
        commands: Where to.
        name: What it is called.
        what: What it does, in a line.
        epilog: Examples, and what else is to be known; as it is to be shown.
    """
    parser = commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=dedent(epilog).strip(),
    )
    parser.set_defaults(parser=parser)
    return parser


def parsed(parser: Parser, arguments: Sequence[str]) -> argparse.Namespace:
    """Return what a command line says; end with status 2, and what was meant, where it is wrong."""
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        its: Parser = options.parser
        known = [text for action in its._actions for text in action.option_strings]
        its.error("unknown: " + ", ".join(f"{text}{nearest(text, known)}" for text in unknown))
    return options


def print_table(rows: Sequence[Sequence[Any]]) -> None:
    """Print rows with their columns below each other."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
