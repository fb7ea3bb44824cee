"""Names what this package adds; imports nothing else, so that looking plugins up stays cheap."""

from __future__ import annotations

from collections.abc import Iterable

from raystreaming.plugins import SinkSpec, SourceSpec, hookimpl


@hookimpl
def raystreaming_sources() -> Iterable[SourceSpec]:
    """Return the Kafka source."""
    yield SourceSpec(
        name="kafka",
        target="raystreaming_kafka.source:KafkaSource",
        summary="Reads the partitions of Kafka topics; each record once per checkpointed position.",
    )


@hookimpl
def raystreaming_sinks() -> Iterable[SinkSpec]:
    """Return the Kafka sink."""
    yield SinkSpec(
        name="kafka",
        target="raystreaming_kafka.sink:KafkaSink",
        summary="Writes records as messages of Kafka topics; at least once.",
    )
