"""The state of function classes, in checkpoints as that of the operator that has the function."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from raystreaming.connector.function import has_state
from raystreaming.errors import OperatorError
from raystreaming.operators.user_function import describe, open_function


def open_with_state(fn: Callable[..., Any], ctx: Any, state: bytes | None) -> None:
    """Open a function if it is an object with `open`, and give it its state back."""
    open_function(fn, ctx)
    if state is not None:
        loaded: Any = fn
        loaded.load_checkpoint(pickle.loads(state))


def saved_state(fn: Callable[..., Any], operator: str) -> bytes | None:
    """Return the state of a function that has one.

    Raises:
        OperatorError: It cannot be put into a checkpoint.
    """
    if not has_state(fn):
        return None
    function: Any = fn
    try:
        return pickle.dumps(function.save_checkpoint(), protocol=5)
    except Exception as error:
        raise OperatorError(
            f"operator {operator!r}: save_checkpoint() of {describe(fn)}: {type(error).__name__}: {error}. "
            f"Return what pickle takes, no functions, locks or open files"
        ) from error
