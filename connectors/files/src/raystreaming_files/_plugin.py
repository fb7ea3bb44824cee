"""What the entry point ``files`` names. Imports nothing heavy: the targets are strings."""

from __future__ import annotations

from collections.abc import Iterable

from raystreaming.plugins import SinkSpec, SourceSpec, hookimpl


@hookimpl
def raystreaming_sources() -> Iterable[SourceSpec]:
    return [
        SourceSpec(
            name="files",
            target="raystreaming_files.source:FilesSource",
            summary="Parquet, JSON-lines, CSV, Arrow, Avro, text: files, folders, globs; disks or URLs.",
        )
    ]


@hookimpl
def raystreaming_sinks() -> Iterable[SinkSpec]:
    return [
        SinkSpec(
            name="files",
            target="raystreaming_files.sink:FilesSink",
            summary="Parquet, JSON-lines, CSV, Arrow, Avro, text files, exactly once; disks or URLs.",
        )
    ]
