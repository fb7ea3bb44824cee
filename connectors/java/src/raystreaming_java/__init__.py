"""Java functions, sources and sinks in raystreaming jobs, in a JVM inside the worker."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from raystreaming_java.settings import JavaSettings

if TYPE_CHECKING:
    from raystreaming_java.sink import JavaSink
    from raystreaming_java.source import JavaSource

__all__ = ["JavaSettings", "JavaSink", "JavaSource"]

_LATER = {"JavaSink": "raystreaming_java.sink", "JavaSource": "raystreaming_java.source"}


def __getattr__(name: str) -> Any:
    """Import what plugins extend when it is used: what an entry point names must load nothing heavy."""
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
