"""What the entry point ``hadoop`` names. Imports nothing heavy: the targets are strings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from raystreaming.plugins import SinkSpec, SourceSpec, hookimpl


@hookimpl
def raystreaming_sources() -> Iterable[SourceSpec]:
    return [
        SourceSpec(
            name="hadoop",
            target="raystreaming_hadoop.connectors:HadoopSource",
            summary="Text and sequence files through Hadoop's client: local, HDFS, S3, Azure, Google.",
        )
    ]


@hookimpl
def raystreaming_sinks() -> Iterable[SinkSpec]:
    return [
        SinkSpec(
            name="hadoop",
            target="raystreaming_hadoop.connectors:HadoopSink",
            summary="Text and sequence files through Hadoop's client, exactly once.",
        )
    ]


@hookimpl
def raystreaming_java_jars() -> Iterable[Path]:
    return [Path(__file__).parent / "jars" / "raystreaming-hadoop.jar"]
