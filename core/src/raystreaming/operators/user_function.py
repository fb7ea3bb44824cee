"""Calling user functions over batches at C speed, and saying what happened when one raises."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from raystreaming.errors import ConnectorError, OperatorError


def describe(fn: Callable[..., Any]) -> str:
    """Name a function for messages: ``module:line`` for lambdas, the qualified name otherwise."""
    name: str = getattr(fn, "__qualname__", type(fn).__qualname__)
    code = getattr(fn, "__code__", None)
    if code is not None:
        return f"{name} ({code.co_filename}:{code.co_firstlineno})"
    return name


def per_task(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function for one task: objects with an ``open`` method are cloned, others shared."""
    return copy.deepcopy(fn) if hasattr(fn, "open") else fn


def call_each(operator: str, fn: Callable[[Any], Any], values: list[Any]) -> list[Any]:
    """Return ``[fn(v) for v in values]``.

    Raises:
        OperatorError: `fn` raised; names the record.
    """
    it = iter(values)
    try:
        return list(map(fn, it))
    except Exception as error:
        blame(operator, fn, values, it, error)


def blame(
    operator: str, fn: Callable[..., Any], values: list[Any], it: Iterator[Any], error: Exception
) -> NoReturn:
    """Raise the error of a user function with the operator, the user's line and the record.

    What `it`, the iterator over `values`, has left tells which record failed, without running
    anything twice.
    """
    if isinstance(error, ConnectorError | OperatorError):
        raise error
    index = len(values) - it.__length_hint__() - 1  # type: ignore[attr-defined]
    raise failure(operator, fn, values[index], error) from error


def failure(operator: str, fn: Callable[..., Any], record: Any, error: Exception) -> OperatorError:
    """Build the message for a user function that raised on `record`."""
    shown = repr(record)
    if len(shown) > 200:
        shown = shown[:197] + "..."
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "raystreaming/operators/" not in f.filename.replace("\\", "/")]
    where = f"{own[-1].filename}:{own[-1].lineno}" if own else describe(fn)
    return OperatorError(
        f"operator {operator!r}: {describe(fn)} raised {type(error).__name__}: {error}\n"
        f"  at {where}\n  record: {shown}"
    )
