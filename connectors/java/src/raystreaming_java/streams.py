"""`JavaStream` and `JavaKeyedStream`: a stream as Java sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from raystreaming.api.stream import DataStream, KeyedStream, Stream, StreamSink
from raystreaming.errors import GraphError
from raystreaming.graph import Edge, LogicalGraph, LogicalOperator, Partitioning, TaskSetup
from raystreaming.operators.stateless import Union
from raystreaming_java.backed import JavaBacked
from raystreaming_java.function import JavaFunction
from raystreaming_java.operators import JavaKeyedOperator, JavaOperator
from raystreaming_java.settings import JavaSettings
from raystreaming_java.sink import NamedSink
from raystreaming_java.source import NamedSource

_WITH_STATE = {"reduce", "aggregate", "process"}
"""Operators that have state by key behind `JavaStream.key_by`."""


class JavaStream(Stream):
    """A stream whose next operators are in Java; functions are named by their classes.

    A function is a class of the job's class path that implements the interface of the method, e.g.
    ``io.ray.streaming.api.function.impl.MapFunction``. Further arguments go to its constructor.
    """

    def map(self, name: str, *arguments: Any) -> JavaStream:
        """Turn every record into one record, by a ``MapFunction``."""
        return self.then(self._function("map", name, arguments))

    def filter(self, name: str, *arguments: Any) -> JavaStream:
        """Keep the records that a ``FilterFunction`` keeps."""
        return self.then(self._function("filter", name, arguments))

    def flat_map(self, name: str, *arguments: Any) -> JavaStream:
        """Turn every record into any number of records, by a ``FlatMapFunction``."""
        return self.then(self._function("flat_map", name, arguments))

    def process(self, name: str, *arguments: Any) -> JavaStream:
        """Work on every record by a ``ProcessFunction``; behind `key_by` it may have state by key."""
        return self.then(self._function("process", name, arguments))

    def key_by(self, name: str, *arguments: Any) -> JavaKeyedStream:
        """Bring records with equal keys together, by a ``KeyFunction``.

        Raises:
            GraphError: The operator before it is not in Java.
        """
        operator = self._operator
        if operator.language != "java":
            raise GraphError(
                f"key_by() right after as_java_stream(): {operator.name!r} before it is in "
                f"{operator.language}, which runs no Java function. Map first, e.g. "
                f'.map("com.acme.Identity").key_by({name!r})'
            )
        return JavaKeyedStream(self._graph, self.then(self._function("key_by", name, arguments))._operator)

    def union(self, *others: JavaStream) -> JavaStream:
        """Put the records of several Java streams into one, in no particular order between them."""
        for other in others:
            if not isinstance(other, JavaStream):
                raise GraphError(
                    f"union() of a Java stream takes Java streams, got {other!r}: use as_java_stream()"
                )
            if other._graph is not self._graph:
                raise GraphError("union() takes streams of one context; these are of two")
        edges = [Edge(s._operator) for s in (self, *others)]
        operator = LogicalOperator("union", edges, build=lambda _: Union(), language="java")
        return JavaStream(self._graph, self._graph.add(operator))

    def sink(self, name: str, *arguments: Any) -> StreamSink:
        """Write the records to a ``Sink``, or to a ``SinkFunction`` (at least once)."""
        return self.write(self._function("sink", name, arguments))

    def as_java_stream(self) -> JavaStream:
        """Return the stream as Java sees it: itself."""
        return self

    def as_python_stream(self) -> DataStream[Any]:
        """Return the same stream as Python sees it: with the same id, parallelism and settings."""
        return DataStream(self._graph, self._operator)

    def then(self, function: JavaFunction) -> JavaStream:
        """Return the stream that a function makes of this one."""
        graph, keyed = self._graph, isinstance(self, JavaKeyedStream)
        has_state = keyed and function.kind in _WITH_STATE
        operator = LogicalOperator(
            function.kind,
            [Edge(self._operator, Partitioning.KEY if keyed else None)],
            stateful=has_state,
            parallelism=self._operator.parallelism,
        )
        operator.build = _Builder(function, has_state, graph, operator)
        graph.add(in_java(operator, function))
        return (JavaKeyedStream if function.kind == "key_by" else JavaStream)(graph, operator)

    def write(self, function: JavaFunction) -> StreamSink:
        """Return the sink that a function is."""
        return DataStream[Any](self._graph, self._operator).sink(NamedSink(function=function))

    def _function(self, kind: str, name: str, arguments: tuple[Any, ...]) -> JavaFunction:
        return JavaFunction(kind, name, arguments, settings_of(self._graph))


class JavaKeyedStream(JavaStream):
    """A Java stream whose records have keys; equal keys are in one task."""

    def reduce(self, name: str, *arguments: Any) -> JavaStream:
        """Combine the records of each key by a ``ReduceFunction``; every record yields the updated value."""
        return self.then(self._function("reduce", name, arguments))

    reduce_by_key = reduce

    def aggregate(self, name: str, *arguments: Any) -> JavaStream:
        """Keep an accumulator for each key, by an ``AggregateFunction``; every record yields its result."""
        return self.then(self._function("aggregate", name, arguments))

    def as_python_stream(self) -> KeyedStream[Any, Any]:
        """Return the same stream as Python sees it, keys included."""
        return KeyedStream(self._graph, self._operator)


def java_view(graph: LogicalGraph, stream: DataStream[Any]) -> JavaStream:
    """Return a Python stream as Java sees it; keyed if it is."""
    view = JavaKeyedStream if isinstance(stream, KeyedStream) else JavaStream
    return view(graph, stream._operator)


def java_source(graph: LogicalGraph, function: JavaFunction) -> JavaStream:
    """Return the stream of a Java source."""
    operator = LogicalOperator("from_java", source=NamedSource(function=function), stateful=True)
    operator.language = "java"
    return JavaStream(graph, graph.add(adopted(graph, operator)))


def settings_of(graph: LogicalGraph) -> JavaSettings:
    """Return the Java settings of a job: the same object at every call."""
    if "java" not in graph.languages:
        graph.languages["java"] = JavaSettings().with_plugins()
    settings: JavaSettings = graph.languages["java"]
    return settings


def in_java(operator: LogicalOperator, function: JavaFunction) -> LogicalOperator:
    """Mark an operator as one whose function is in Java, which is asked before the job starts."""

    def check() -> Iterable[str]:
        return function.problems(operator.id)

    operator.language = "java"
    operator.check = check
    return operator


def adopted(graph: LogicalGraph, operator: LogicalOperator) -> LogicalOperator:
    """Get an operator's source or sink ready for its job; it is asked before the job starts."""
    settings = settings_of(graph)
    if isinstance(operator.source, JavaBacked):
        operator.source = connector = operator.source.in_job(settings)
    elif isinstance(operator.sink, JavaBacked):
        operator.sink = connector = operator.sink.in_job(settings)
        operator.language = "java"  # so that records come to it as Java's own; a source's go to anybody
    else:
        raise TypeError(f"{operator.source or operator.sink!r} is not backed by Java")

    def check() -> Iterable[str]:
        return connector.problems(operator.id)

    operator.check = check
    return operator


class _Builder:
    """Builds the operator of a task."""

    def __init__(
        self, function: JavaFunction, has_state: bool, graph: LogicalGraph, operator: LogicalOperator
    ) -> None:
        self._function = function
        self._has_state = has_state
        self._graph = graph
        self._operator = operator

    def __call__(self, setup: TaskSetup) -> JavaOperator:
        readers = self._graph.downstream(self._operator)
        for_python = all(op.language == "python" for op, _ in readers)
        if self._has_state:
            return JavaKeyedOperator(self._function, for_python, setup.key_groups)
        return JavaOperator(self._function, for_python)
