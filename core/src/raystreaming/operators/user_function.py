"""User functions: one per task, named in messages, and blamed with the record when they raise."""

from __future__ import annotations

import copy
import os
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, NoReturn

import raystreaming
from raystreaming.connector.rejecting import GO_ON
from raystreaming.errors import ConnectorError, Fault, OperatorError, add_note, hide_secrets, shown_record

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
    """Call ``fn.open(ctx)`` if the function is an object with `open`.

    Raises:
        OperatorError: It raised; names the operator.
    """
    opener = getattr(fn, "open", None)
    if opener is None:
        return
    try:
        opener(ctx)
    except ConnectorError as error:
        add_note(error, f"in operator {ctx.operator!r}")
        raise
    except Exception as error:
        fault = raised(error, fn)
        told = OperatorError(
            f"operator {ctx.operator!r}: open() of {describe(fn)} raised {hide_secrets(fault.error)}\n"
            f"  at {fault.at}"
        )
        told.fault = fault
        error.__traceback__ = without_our_frames(error.__traceback__)
        raise told from error


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
        add_note(error, f"in operator {operator!r}")
        raise error
    index = len(values) - it.__length_hint__() - 1  # type: ignore[attr-defined]
    raise failure(operator, fn, values[index], error) from error


_OURS = os.path.join(raystreaming.__path__[0], "")
_NAMED_BY_PROGRAMS = os.path.join(_OURS, "tests", "")


def is_users(frame: traceback.FrameSummary) -> bool:
    """Return whether a frame is the user's code: neither ours nor generated."""
    return _is_users_file(frame.filename)


def _is_users_file(path: str) -> bool:
    return path != GENERATED and (not path.startswith(_OURS) or path.startswith(_NAMED_BY_PROGRAMS))


def raised(error: Exception, fn: Callable[..., Any] | None) -> Fault:
    """Return what a function in Python raised, and where."""
    return Fault(f"{type(error).__name__}: {error}", where(error, fn))


def where(error: BaseException, fn: Callable[..., Any] | None = None) -> str:
    """Return file and line of the user's own code in which an error was raised, as far as there is any."""
    lines = [(t.tb_frame.f_code.co_filename, t.tb_lineno) for t in _users_part(error.__traceback__)]
    own = [line for line in lines if not line[0].startswith(_LIBRARIES)] or lines
    if own:
        return f"{own[-1][0]}:{own[-1][1]}"
    return "" if fn is None else describe(fn)


def _users_part(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        if _is_users_file(trace.tb_frame.f_code.co_filename):
            yield trace
        trace = trace.tb_next


def without_our_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback with the user's frames only; all of it if there are none."""
    kept: TracebackType | None = None
    for frame in reversed(list(_users_part(trace))):
        kept = TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return kept or trace


def failure(operator: str, fn: Callable[..., Any], record: Any, error: Exception) -> OperatorError:
    """Build the message for a user function that raised on `record`, and cut the traceback to its frames."""
    fault = raised(error, fn)
    told = OperatorError(
        f"operator {operator!r}: {describe(fn)} raised {type(error).__name__}: {hide_secrets(str(error))}\n"
        f"  at {fault.at}\n"
        f"  record: {shown_record(record)}\n"
        f"  mend the function, or {GO_ON}"
    )
    told.fault = fault
    error.__traceback__ = without_our_frames(error.__traceback__)
    return told
