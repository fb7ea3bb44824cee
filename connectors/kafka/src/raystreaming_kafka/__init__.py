"""Kafka for raystreaming: `KafkaSource` and `KafkaSink`.

Importing the package loads nothing: plugins are looked up in every process, pyarrow only where it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raystreaming_kafka.sink import KafkaSink
    from raystreaming_kafka.source import KafkaSource

__all__ = ["KafkaSink", "KafkaSource"]


def __getattr__(name: str) -> Any:
    if name == "KafkaSink":
        from raystreaming_kafka.sink import KafkaSink

        return KafkaSink
    if name == "KafkaSource":
        from raystreaming_kafka.source import KafkaSource

        return KafkaSource
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
