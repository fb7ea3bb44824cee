"""User functions: one per task, named in messages, and blamed with the record when they raise."""

from __future__ import annotations

import copy
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, NoReturn

import raystreaming
from raystreaming.connector.rejecting import GO_ON
from raystreaming.errors import (
    ConnectorError,
    Fault,
    OperatorError,
    add_note,
    hide_secrets,
    shown_error,
    shown_record,
)
from raystreaming.operators.fields import OfField, lacking, listed, names_in

_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_CYTHON = (".pyx", ".pxi", ".pxd")

GENERATED = "<row loop>"
"""File name of generated code in tracebacks."""


def describe(fn: Callable[..., Any]) -> str:
    """Name a function for messages: with file and line where it has them."""
    while isinstance(fn, partial):
        fn = fn.func
    if isinstance(fn, OfField):
        return fn.call
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


def raised(error: Exception, fn: Callable[..., Any] | None, written: str = "") -> Fault:
    """Return what a function in Python raised, and where; as of `where`."""
    return Fault(f"{type(error).__name__}: {error}", where(error, fn, written))


def where(error: BaseException, fn: Callable[..., Any] | None = None, written: str = "") -> str:
    """Return file and line of the user's own code in which an error was raised, as far as there is any.

    Args:
        error: The error.
        fn: The function that raised it.
        written: Where the program asked for what raised, if that was no code of its own.
    """
    lines = [(t.tb_frame.f_code.co_filename, t.tb_lineno) for t in _users_part(error.__traceback__)]
    own = [line for line in lines if _is_programs_file(line[0])]
    if own or (lines and not written):
        return "{}:{}".format(*(own or lines)[-1])
    if written or fn is None:
        return written
    return fn.at if isinstance(fn, OfField) else describe(fn)


def written_at() -> str:
    """Return file and line of the call of the program that led here; an empty string if there is none."""
    frame = sys._getframe(1)
    while not (_is_users_file(frame.f_code.co_filename) and _is_programs_file(frame.f_code.co_filename)):
        if frame.f_back is None:
            return ""
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _is_programs_file(path: str) -> bool:
    """Return whether a file is no library's."""
    return not path.startswith(_LIBRARIES) and not path.endswith(_CYTHON)


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
    error.__traceback__ = without_our_frames(error.__traceback__)
    if isinstance(fn, OfField):
        return field_failure(operator, fn.call, fn.fields, record, error, fault)
    said = f"{describe(fn)} raised {shown_error(error)}"
    return complaint(operator, said, fault, [f"record: {shown_record(record)}"], "mend the function")


def field_failure(
    operator: str, call: str, fields: Sequence[str | int], record: Any, error: Exception, fault: Fault
) -> OperatorError:
    """Build the message for a record that has not the fields which a call names, or has other values there.

    Args:
        operator: Id of the operator.
        call: What the program has written.
        fields: What it names.
        record: The record.
        error: What was raised.
        fault: The same, and where.
    """
    lacks = lacking(record, fields)
    said = f"{call}: {lacks}" if lacks else f"{call} raised {shown_error(error)}"
    mend = "name a field that all records have" if lacks else "change the records before"
    shown = [*listed("fields", names_in(record)), f"record: {shown_record(record)}"]
    return complaint(operator, said, fault, shown, mend)


def complaint(operator: str, said: str, fault: Fault, shown: Sequence[str], mend: str) -> OperatorError:
    """Build the message for what an operator cannot do.

    Args:
        operator: Its id.
        said: What failed, and why; without secrets.
        fault: What was raised, and where.
        shown: Lines that show what it was given.
        mend: What mends it.
    """
    at = [f"at {fault.at}"] if fault.at else []
    lines = [f"operator {operator!r}: {said}", *at, *shown, f"{mend}, or {GO_ON}"]
    told = OperatorError("\n  ".join(lines))
    told.fault = fault
    return told
