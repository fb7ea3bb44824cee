"""The program of a command: a Python file, or an object of a module, e.g. ``pipelines.orders:ctx``."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import runpy
import sys
from types import ModuleType
from typing import Any

from raystreaming.api.context import StreamingContext
from raystreaming.api.job import Job
from raystreaming.errors import RayStreamingError, nearest, short_repr

_OBJECT = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")

_FILE_AND_OBJECT = re.compile(r"(?:\./)?(.*)\.py:(.*)")


def names_object(text: str) -> bool:
    """Return whether a text has the form ``module:object``."""
    return _OBJECT.fullmatch(text) is not None


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the program and its arguments to a command's parser; they come last."""
    parser.add_argument(
        "program",
        metavar="PROGRAM",
        help="a Python file, or module:object, where the object is a context or a function",
    )
    parser.add_argument("args", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def execute(program: str, args: list[str]) -> None:
    """Run a program to where it ends; a job that it has submitted may go on.

    Raises:
        RayStreamingError: There is no such program; says what to give.
    """
    sys.argv = [program, *args]
    if os.path.isfile(program):
        sys.path.insert(0, os.path.dirname(os.path.abspath(program)))
        runpy.run_path(program, run_name="__main__")
    elif file_of := _FILE_AND_OBJECT.fullmatch(program):
        module = file_of[1].replace(os.sep, ".")
        raise RayStreamingError(
            f"no program {program!r}: an object is one of a module, which is written without .py: "
            f"{module}:{file_of[2]}"
        )
    elif names_object(program):
        sys.path.insert(0, os.getcwd())
        _execute_object(program)
    else:
        raise RayStreamingError(
            f"no program {program!r}: give the path of a Python file, or module:object, e.g. jobs.orders:ctx"
        )


def _execute_object(program: str) -> None:
    module_name, _, path = program.partition(":")
    found: Any = _module(module_name)
    for name in path.split("."):
        if not hasattr(found, name):
            public = [n for n in dir(found) if not n.startswith("_")]
            raise RayStreamingError(
                f"no program {program!r}: {module_name} has no {path!r}{nearest(name, public)}"
            )
        found = getattr(found, name)
    if callable(found):
        found = found()
    if isinstance(found, StreamingContext):
        found.submit(program.replace(":", ".")).wait()
    elif not isinstance(found, Job | None):  # a job is waited for when the program ends
        raise RayStreamingError(
            f"{program!r} is {short_repr(found, 80)}: it must be a StreamingContext, or a function that runs "
            f"a job or returns a StreamingContext"
        )


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the program's own imports
        raise RayStreamingError(
            f"no module {name!r}: run the command in the folder where it lies, or install its package"
        ) from None
