"""`JavaStream` and `JavaKeyedStream`: a stream as Java sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from raystreaming.api.partitioned import Partitioned, refuse_converted
from raystreaming.api.stream import DataStream, KeyedStream, Stream, StreamSink
from raystreaming.errors import GraphError
from raystreaming.graph import LogicalGraph, LogicalOperator, Partitioning, TaskSetup
from raystreaming.operators.stateless import Union
from raystreaming_java.backed import JavaBacked
from raystreaming_java.function import JavaFunction
from raystreaming_java.operators import JavaKeyedOperator, JavaOperator
from raystreaming_java.partition import JavaPartition
from raystreaming_java.schema import JavaSchema, java_schema
from raystreaming_java.settings import JavaSettings
from raystreaming_java.sink import JavaSink, NamedSink
from raystreaming_java.source import JavaSource, NamedSource

_WITH_STATE = {"reduce", "aggregate", "process"}
"""Operators that have state by key behind `JavaStream.key_by`."""


class JavaStream(Partitioned, Stream):
    """A stream whose next operators are in Java; functions are named by their classes.

    A function is a class of the job's class path that implements the interface of the method, e.g.
    ``io.ray.streaming.api.function.impl.MapFunction``. Further arguments go to its constructor; keyword
    arguments go to a constructor that takes a map or an object with such fields, to the components of a
    record, or to setters.
    """

    def map(self, name: str, /, *arguments: Any, **options: Any) -> JavaStream:
        """Turn every record into one record, by a ``MapFunction``."""
        return self.then(self._function("map", name, arguments, options))

    def filter(self, name: str, /, *arguments: Any, **options: Any) -> JavaStream:
        """Keep the records that a ``FilterFunction`` keeps."""
        return self.then(self._function("filter", name, arguments, options))

    def flat_map(self, name: str, /, *arguments: Any, **options: Any) -> JavaStream:
        """Turn every record into any number of records, by a ``FlatMapFunction``."""
        return self.then(self._function("flat_map", name, arguments, options))

    def process(self, name: str, /, *arguments: Any, **options: Any) -> JavaStream:
        """Work on every record by a ``ProcessFunction``; behind `key_by` it may have state by key."""
        return self.then(self._function("process", name, arguments, options))

    def key_by(self, name: str, /, *arguments: Any, **options: Any) -> JavaKeyedStream:
        """Bring records with equal keys together, by a ``KeyFunction``.

        Raises:
            GraphError: The operator before it is not in Java.
        """
        self._refuse_converted("key_by", name)
        keyed = self.then(self._function("key_by", name, arguments, options))
        return keyed._seen_as(JavaKeyedStream)

    def partition_by(self, name: str, /, *arguments: Any, **options: Any) -> JavaStream:
        """Give every record to the task, or tasks, that a ``Partition`` names; it runs in Java.

        Raises:
            GraphError: The operator before it is not in Java.
        """
        self._refuse_converted("partition_by", name)
        return self.partition(self._function("partition_by", name, arguments, options))

    def union(self, *others: JavaStream) -> JavaStream:
        """Put the records of several Java streams into one, in no particular order between them."""
        for other in others:
            if not isinstance(other, JavaStream):
                raise GraphError(
                    f"union() of a Java stream takes Java streams, got {other!r}: use as_java_stream()"
                )
            if other._graph is not self._graph:
                raise GraphError("union() takes streams of one context; these are of two")
        edges = [s._plain_edge() for s in (self, *others)]
        schemas = [s._operator.schema for s in (self, *others)]
        schema = schemas[0] if all(each == schemas[0] for each in schemas) else None
        operator = LogicalOperator("union", edges, build=lambda _: Union(), language="java", schema=schema)
        return JavaStream(self._graph, self._graph.add(operator))

    def sink(self, name: str, /, *arguments: Any, **options: Any) -> StreamSink:
        """Write the records to a ``Sink``, or to a ``SinkFunction`` (at least once)."""
        return self.write(self._function("sink", name, arguments, options))

    def as_java_stream(self) -> JavaStream:
        """Return the stream as Java sees it: itself."""
        return self

    def as_python_stream(self, schema: Any = None) -> DataStream[Any]:
        """Return the same stream as Python sees it: with the same id, parallelism and settings.

        Args:
            schema: The type of its records: a ``pyarrow.Schema`` (rows are dicts), a ``pyarrow`` type, or
                a dataclass, of which there is then an object for each record.
        """
        self._say_schema("as_python_stream", schema)
        return self._seen_as(DataStream[Any])

    def then(self, function: JavaFunction) -> JavaStream:
        """Return the stream that a function makes of this one."""
        graph = self._graph
        has_state = self._keyed and function.kind in _WITH_STATE
        operator = LogicalOperator(
            function.kind,
            [self._edge()],
            stateful=has_state,
            parallelism=self._key_tasks() if function.kind == "key_by" else self._tasks(),
        )
        operator.build = _Builder(function, has_state, graph, operator)
        graph.add(in_java(operator, function))
        return (JavaKeyedStream if function.kind == "key_by" else JavaStream)(graph, operator)

    def partition(self, function: JavaFunction) -> JavaStream:
        """Return the stream, spread by a function."""
        choose = JavaPartition(replace(function, taken=self._operator.schema))
        return self._spread("partition_by", Partitioning.CUSTOM, choose)

    def write(self, function: JavaFunction) -> StreamSink:
        """Return the sink that a function is."""
        return self._seen_as(DataStream[Any]).sink(NamedSink(function=function))

    def _say_schema(self, method: str, given: Any) -> None:
        """Note the type of the stream's records; a stream has one."""
        if given is None:
            return
        schema = java_schema(given)
        if self._operator.schema not in (None, schema):
            raise GraphError(
                f"{method}(): the records of {self._operator.name!r} have another schema already; "
                f"map in between"
            )
        say_schema(self._operator, schema)

    def _refuse_converted(self, method: str, name: str) -> None:
        refuse_converted(self, method, "java", f', e.g. .map("com.acme.Identity").{method}({name!r})')

    def _function(
        self, kind: str, name: str, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> JavaFunction:
        return JavaFunction(kind, name, arguments, settings_of(self._graph), options)


class JavaKeyedStream(JavaStream):
    """A Java stream whose records have keys; equal keys are in one task."""

    _keyed = True

    def reduce(self, name: str, /, *arguments: Any, **options: Any) -> JavaStream:
        """Combine the records of each key by a ``ReduceFunction``; every record yields the updated value."""
        return self.then(self._function("reduce", name, arguments, options))

    reduce_by_key = reduce

    def aggregate(self, name: str, /, *arguments: Any, **options: Any) -> JavaStream:
        """Keep an accumulator for each key, by an ``AggregateFunction``; every record yields its result."""
        return self.then(self._function("aggregate", name, arguments, options))

    def as_python_stream(self, schema: Any = None) -> KeyedStream[Any, Any]:
        """Return the same stream as Python sees it, keys included."""
        self._say_schema("as_python_stream", schema)
        return KeyedStream(self._graph, self._operator)


def java_view(stream: DataStream[Any], schema: Any) -> JavaStream:
    """Return a Python stream as Java sees it; keyed if it is."""
    view = stream._seen_as(JavaKeyedStream if isinstance(stream, KeyedStream) else JavaStream)
    view._say_schema("as_java_stream", schema)
    return view


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


def say_schema(operator: LogicalOperator, schema: JavaSchema) -> None:
    """Note the type of an operator's records."""
    operator.schema = schema
    if isinstance(operator.source, JavaSource):
        operator.source.say_schema(schema)


def in_java(operator: LogicalOperator, function: JavaFunction) -> LogicalOperator:
    """Mark an operator as one whose function is in Java, which is asked before the job starts."""

    def check() -> Iterable[str]:
        return function.problems(operator.id, operator.config)

    operator.language = "java"
    operator.check = check
    return operator


def adopted(graph: LogicalGraph, operator: LogicalOperator) -> LogicalOperator:
    """Get an operator's source or sink ready for its job; it is asked before the job starts."""
    settings = settings_of(graph)
    connector: JavaBacked
    if isinstance(operator.source, JavaSource):
        operator.source = connector = operator.source.in_job(settings)
    elif isinstance(operator.sink, JavaSink):
        operator.sink = connector = operator.sink.in_job(settings)
        connector.say_schema(operator.edges[0].upstream.schema)
        operator.language = "java"  # so that records come to it as Java's own; a source's go to anybody
    else:
        raise TypeError(f"{operator.source or operator.sink!r} is not backed by Java")

    def check() -> Iterable[str]:
        return connector.problems(operator.id, operator.config)

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
        taken, given = self._operator.edges[0].upstream.schema, self._operator.schema
        function = replace(self._function, taken=taken, given=given)
        if self._has_state:
            return JavaKeyedOperator(function, for_python, setup.key_groups)
        return JavaOperator(function, for_python)
