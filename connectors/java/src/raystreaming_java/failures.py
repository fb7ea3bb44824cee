"""What Java raises, as errors of raystreaming."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from raystreaming.errors import (
    Fault,
    GraphError,
    OperatorError,
    Retryable,
    Terminal,
    TransferError,
    hide_secrets,
)
from raystreaming_java.jvm import Bridge


class JavaError(Exception):
    """The stack trace of a Java exception, as text: it outlives the JVM and travels between processes."""


@contextmanager
def translated(java: Bridge) -> Generator[None, None, None]:
    """Raise what Java raises in the body as an error that names the operator; the body may call Java.

    Raises:
        OperatorError: A function raised; with its class, message, own frames and the record.
        Retryable: It was a ``RetryableException``.
        Terminal: It was a ``TerminalException``.
        TransferError: A value cannot leave Java.
        GraphError: A function cannot be used.
    """
    java.note_this_thread()
    try:
        yield
    except java.exception as error:
        raise translate(java, error) from _trace(java, error)


def translate(java: Bridge, error: Any) -> Exception:
    """Return the error that a Java exception is to users."""
    text = hide_secrets(str(error.message()))
    if isinstance(error, java.failure):
        if error.retryable() or error.terminal():
            return (Retryable if error.retryable() else Terminal)(text)
        raised = OperatorError(text)
        raised.fault = Fault(str(error.why()), str(error.at()))
        return raised
    if isinstance(error, java.cannot_cross):
        return TransferError(text)
    if isinstance(error, java.functions.Unusable):
        return GraphError(text)
    return OperatorError(f"Java raised {hide_secrets(str(error))}")


def _trace(java: Bridge, error: Any) -> JavaError:
    if isinstance(error, java.failure):
        return JavaError(str(error.trace()))
    return JavaError(str(error.stacktrace()))
