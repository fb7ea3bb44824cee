"""``raystreaming describe CONNECTOR``: what a connector takes, and what there is for it to read."""

from __future__ import annotations

import argparse
import inspect
import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from raystreaming.cli.parsers import Commands, add_command
from raystreaming.cli.plugins import METHODS
from raystreaming.connector import Inspector, Options
from raystreaming.connector.option_table import OptionRow, option_rows
from raystreaming.errors import RayStreamingError, UnknownConnector
from raystreaming.plugins.registry import Registered, registry

_EPILOG = """
    With options, it looks at what is there to read. `raystreaming plugins` lists
    all connectors, `raystreaming describe CONNECTOR --help` the options.

    examples:
      raystreaming describe text_file
      raystreaming describe kafka --servers localhost:9092
"""
_WIDTH = 110


def add_to(commands: Commands) -> None:
    """Add the command to a parser."""
    parser = add_command(commands, "describe", "say what a connector takes, or what it can read", _EPILOG)
    parser.add_argument("connector", metavar="CONNECTOR", help="its name, as `raystreaming plugins` lists it")
    parser.add_argument("options", nargs=argparse.REMAINDER, metavar="...", help="of what to look at")
    parser.set_defaults(command=describe)


def describe(options: argparse.Namespace) -> int:
    """Print the connector's claims and options; with options of its inspector, what that finds."""
    if options.options:
        for line in _inspector(options.connector, options.options).inspect():
            print(line, flush=True)
        return 0
    for number, found in enumerate(_called(options.connector)):
        for line in _described(found, lead=number == 0):
            print(line)
    return 0


def _called(name: str) -> list[Registered]:
    """Return all that has a name: a source and a sink, for instance."""
    found: list[Registered] = []
    unknown: UnknownConnector | None = None
    for kind in METHODS:
        try:
            found.append(registry().find(kind, name))
        except UnknownConnector as error:
            unknown = unknown or error
    if not found and unknown is not None:
        raise unknown
    return found


# What a connector takes ------------------------------------------------------------------


def _described(found: Registered, *, lead: bool) -> Iterator[str]:
    if lead:
        yield f"{found.spec.name}, of {found.dist} {found.version}".rstrip()
    cls = found.load()
    yield ""
    yield f"{METHODS[found.kind].format(found.spec.name)}(...)"
    yield ""
    yield from _facts(cls)
    if issubclass(cls, Options):
        yield ""
        yield "    Options:"
        rows = option_rows(cls)
        for row in rows:
            yield from _option(row)
        if not rows:
            yield "      none"


def _facts(cls: type[Any]) -> Iterator[str]:
    """Yield what the class says of itself: by convention delivery, parallelism and what a restart repeats."""
    text, _, _ = (inspect.getdoc(cls) or "").partition("\nExample")
    for line in text.rstrip().splitlines():
        yield f"    {line}".rstrip().replace("``", "`")


def _option(row: OptionRow) -> Iterator[str]:
    yield f"      {row.name}: {row.type}, {row.given}{', secret' if row.secret else ''}"
    width = min(shutil.get_terminal_size((_WIDTH, 0)).columns, _WIDTH)
    yield from textwrap.wrap(row.doc, max(width, 40), initial_indent=" " * 10, subsequent_indent=" " * 10)


# What there is to read -------------------------------------------------------------------


def _inspector(name: str, arguments: Sequence[str]) -> Inspector:
    """Return the connector's inspector with the options of the command line."""
    cls: type[Inspector] | None = registry().source(name).inspector()
    if cls is None:
        raise RayStreamingError(
            f"connector {name!r} cannot look at what it reads: run `raystreaming describe {name}` without "
            "options, which lists what the connector takes"
        )
    return cls(**vars(_parser(name, cls).parse_args(arguments)))


def _parser(name: str, cls: type[Options]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"raystreaming describe {name}",
        description=f"Look at what {name} can read.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    for option, schema in cls.to_schema()["properties"].items():
        parser.add_argument(
            f"--{option.replace('_', '-')}",
            dest=option,
            help=schema["description"].replace("%", "%%"),
            **_taken(schema),
        )
    return parser


def _taken(schema: dict[str, Any]) -> dict[str, Any]:
    """Return how argparse is to take an option of a type; the options' own check follows."""
    kinds = {part.get("type") for part in schema.get("anyOf", [schema])} - {"null"}
    if "boolean" in kinds:
        return {"action": argparse.BooleanOptionalAction}
    if "object" in kinds and "string" not in kinds:
        return {"nargs": "+", "action": _Pairs, "metavar": "NAME=VALUE"}
    if "array" in kinds:
        return {"nargs": "+", "metavar": "NAME"}
    if kinds == {"integer"}:
        return {"type": int, "metavar": "N"}
    if kinds == {"number"}:
        return {"type": float, "metavar": "N"}
    return {"metavar": "TEXT"}


class _Pairs(argparse.Action):
    """Makes a dict of ``NAME=VALUE``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        _: str | None = None,
    ) -> None:
        pairs = [value.partition("=") for value in values]
        if not all(equals for _, equals, _ in pairs):
            parser.error(f"argument --{self.dest.replace('_', '-')}: write NAME=VALUE")
        setattr(namespace, self.dest, {name: value for name, _, value in pairs})
