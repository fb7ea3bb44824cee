"""Kafka for raystreaming: `KafkaSource`, `KafkaSink` and `SchemaRegistry`.

Importing the package loads nothing: plugins are looked up in every process, pyarrow only where it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raystreaming_kafka.registry import SchemaRegistry
    from raystreaming_kafka.sink import KafkaSink
    from raystreaming_kafka.source import KafkaSource

__all__ = ["KafkaSink", "KafkaSource", "SchemaRegistry"]


_MODULES = {"KafkaSink": "sink", "KafkaSource": "source", "SchemaRegistry": "registry"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"raystreaming_kafka.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
