"""The connectors of the core, registered like any other plugin's."""

from __future__ import annotations

from collections.abc import Iterable

from raystreaming.plugins.hookspecs import SinkSpec, SourceSpec, hookimpl

_HERE = "raystreaming.plugins.builtin"


@hookimpl
def raystreaming_sources() -> Iterable[SourceSpec]:
    """Return the sources of the core."""
    yield SourceSpec(
        name="collection", target=f"{_HERE}.collection:CollectionSource", summary="Values in memory."
    )
    yield SourceSpec(
        name="text_file", target=f"{_HERE}.text_file:TextFileSource", summary="Lines of one text file."
    )


@hookimpl
def raystreaming_sinks() -> Iterable[SinkSpec]:
    """Return the sinks of the core."""
    yield SinkSpec(name="function", target=f"{_HERE}.function:FunctionSink", summary="A function per record.")
    yield SinkSpec(name="print", target=f"{_HERE}.print:PrintSink", summary="One line per record on stdout.")
    yield SinkSpec(name="collect", target=f"{_HERE}.collect:CollectSink", summary="Rows for Job.result().")
