"""Text and sequence files of every file system that Hadoop's client reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raystreaming_hadoop.connectors import HadoopSink, HadoopSource

__all__ = ["HadoopSink", "HadoopSource"]


def __getattr__(name: str) -> Any:
    """Import the connectors when they are used: the entry point's module must load nothing heavy."""
    if name in __all__:
        from raystreaming_hadoop import connectors

        return getattr(connectors, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
