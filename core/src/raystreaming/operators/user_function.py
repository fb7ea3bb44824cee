"""User functions: one per task, named in messages, and blamed with the record when they raise."""

from __future__ import annotations

import copy
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn

from raystreaming.errors import ConnectorError, OperatorError, short_repr

_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))

GENERATED = "<row loop>"
"""File name of generated code in tracebacks."""


def describe(fn: Callable[..., Any]) -> str:
    """Name a function for messages: with file and line where it has them."""
    while isinstance(fn, partial):
        fn = fn.func
    name: str = getattr(fn, "__qualname__", type(fn).__qualname__)
    code = getattr(fn, "__code__", None)
    return name if code is None else f"{name} ({code.co_filename}:{code.co_firstlineno})"


def per_task(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function for one task: objects with an ``open`` method are cloned, others shared."""
    return copy.deepcopy(fn) if hasattr(fn, "open") else fn


def open_function(fn: Callable[..., Any], ctx: Any) -> None:
    """Call ``fn.open(ctx)`` if the function is an object with `open`."""
    opener = getattr(fn, "open", None)
    if opener is not None:
        opener(ctx)


def close_function(fn: Callable[..., Any]) -> None:
    """Call ``fn.close()`` if the function is an object with `close`."""
    closer = getattr(fn, "close", None)
    if closer is not None:
        closer()


def blame(
    operator: str, fn: Callable[..., Any], values: list[Any], it: Iterator[Any], error: Exception
) -> NoReturn:
    """Raise the error of a user function that was called by C code over `it`, an iterator of `values`.

    What `it` has left tells which record failed, without running anything twice.
    """
    if isinstance(error, ConnectorError | OperatorError):
        raise error
    index = len(values) - it.__length_hint__() - 1  # type: ignore[attr-defined]
    raise failure(operator, fn, values[index], error) from error


def is_users(frame: traceback.FrameSummary) -> bool:
    """Return whether a frame is the user's code: neither ours nor generated."""
    path = frame.filename.replace("\\", "/")
    return path != GENERATED and "/raystreaming/" not in path


def failure(operator: str, fn: Callable[..., Any], record: Any, error: Exception) -> OperatorError:
    """Build the message for a user function that raised on `record`."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_users(f)]
    own = [f for f in frames if not f.filename.startswith(_LIBRARIES)] or frames
    where = f"{own[-1].filename}:{own[-1].lineno}" if own else describe(fn)
    return OperatorError(
        f"operator {operator!r}: {describe(fn)} raised {type(error).__name__}: {error}\n"
        f"  at {where}\n  record: {short_repr(record, 200)}"
    )
