"""`Java`: what the core asks of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from raystreaming.api.language import Language
from raystreaming.api.stream import DataStream
from raystreaming.graph import LogicalGraph, LogicalOperator
from raystreaming_java.function import JavaFunction
from raystreaming_java.settings import JavaSettings
from raystreaming_java.sink import NamedSink
from raystreaming_java.streams import JavaStream, adopted, java_source, java_view, settings_of


class Java(Language):
    """Functions, sources and sinks in Java, in a JVM inside the worker."""

    def settings(self, values: Mapping[str, Any]) -> JavaSettings:
        return JavaSettings(**values).with_plugins()

    def view(self, graph: LogicalGraph, stream: DataStream[Any], schema: Any = None) -> JavaStream:
        return java_view(stream, schema)

    def source(self, graph: LogicalGraph, name: str, /, *arguments: Any, **options: Any) -> JavaStream:
        return java_source(graph, JavaFunction("from_java", name, arguments, settings_of(graph), options))

    def sink(self, graph: LogicalGraph, name: str, /, **options: Any) -> NamedSink:
        return NamedSink(function=JavaFunction("sink", name, (), settings_of(graph), options))

    def adopt(self, graph: LogicalGraph, operator: LogicalOperator) -> None:
        adopted(graph, operator)
