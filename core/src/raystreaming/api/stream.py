"""`DataStream` and `KeyedStream`: what happens to records."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from raystreaming.api import keys
from raystreaming.api._plugin_api import PluginSinks
from raystreaming.api.branches import Branches
from raystreaming.api.columnar import Columnar
from raystreaming.api.keyed import Keyed
from raystreaming.api.keys import Fields
from raystreaming.api.language import language, named_sink
from raystreaming.api.named import named_method
from raystreaming.api.named_operator import Stream, StreamSink
from raystreaming.api.partitioned import refuse_converted
from raystreaming.connector.factory import FunctionOperator, OperatorFactory
from raystreaming.connector.function import has_state
from raystreaming.connector.on_error import ErrorPolicy
from raystreaming.connector.operator import Operator
from raystreaming.connector.sink import Sink
from raystreaming.errors import GraphError, UnknownConnector, nearest
from raystreaming.graph import (
    Choose,
    LogicalOperator,
    Partitioning,
    TaskSetup,
)
from raystreaming.operators import flat_map, rows, stateless
from raystreaming.operators.custom import custom
from raystreaming.operators.expressions import FilterExpression
from raystreaming.operators.keyed import PairReduce, Reduce
from raystreaming.operators.sink import SinkOperator
from raystreaming.operators.user_function import written_at
from raystreaming.plugins.builtin.nothing import NothingSink
from raystreaming.plugins.registry import registry, reserve_operators

if TYPE_CHECKING:
    import pyarrow.compute as pc

__all__ = ["DataStream", "KeyedStream", "Stream", "StreamSink"]

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")
S = TypeVar("S", bound=Stream)


class DataStream(Columnar, Branches[T], PluginSinks, Stream, Generic[T]):
    """A stream of records of type T.

    Streams are descriptions: nothing runs before `StreamingContext.submit`.
    """

    def map(
        self, fn: Callable[[T], U], name: str | None = None, *, on_error: ErrorPolicy | None = None
    ) -> DataStream[U]:
        """Turn every record into one record.

        Args:
            fn: A function, or a `MapFunction`.
            name: As of `name`.
            on_error: As of `on_error`.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(1, 2).map(lambda x: x + 1).collect()
            >>> ctx.execute("map").result()
            [2, 3]
        """
        _callable("map", fn)
        mapped = self._then("map", lambda _: rows.Map(fn), stateful=has_state(fn), on_error=on_error)
        return mapped if name is None else mapped.name(name)

    def flat_map(self, fn: Callable[..., Any], *, on_error: ErrorPolicy | None = None) -> DataStream[Any]:
        """Turn every record into any number of records.

        Args:
            fn: Takes a record and returns an iterable of records; or takes a record and a
                collector, and calls ``collector.collect(record)``.
            on_error: As of `on_error`.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values("to be", "or not").flat_map(lambda line: line.split()).collect()
            >>> ctx.execute("flat-map").result()
            ['to', 'be', 'or', 'not']
        """
        _callable("flat_map", fn)
        return self._then(
            "flat_map", lambda _: flat_map.FlatMap(fn), stateful=has_state(fn), on_error=on_error
        )

    def filter(
        self, fn: Callable[[T], Any] | pc.Expression, *, on_error: ErrorPolicy | None = None
    ) -> DataStream[T]:
        """Keep the records for which a function, or a pyarrow expression, is true.

        With an expression, records stay Arrow from source to sink where both can.

        Args:
            fn: The function, or the expression.
            on_error: As of `on_error`.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(1, 2, 3).filter(lambda x: x != 2).collect()
            >>> ctx.execute("filter").result()
            [1, 3]
        """
        if callable(fn):
            return self._then("filter", lambda _: rows.Filter(fn), stateful=has_state(fn), on_error=on_error)
        if type(fn).__name__ != "Expression":
            raise GraphError(
                f"filter() takes a function or a pyarrow expression, got {fn!r}: "
                f"write e.g. lambda r: r['price'] > 10, or pc.field('price') > 10"
            )
        at = written_at()
        return self._then("filter", lambda _: FilterExpression(fn, at), columnar=True, on_error=on_error)

    def apply(
        self,
        operator: OperatorFactory[T, U] | FunctionOperator[T, U],
        kind: str | None = None,
        *,
        on_error: ErrorPolicy | None = None,
    ) -> DataStream[U]:
        """Apply an operator of a plugin, or one of your own.

        Args:
            operator: The operator with its options.
            kind: What the operator is called in ids; by default the class's name.
            on_error: As of `on_error`.

        Example:
            >>> from raystreaming import StreamingContext
            >>> from raystreaming.connector import operator
            >>> @operator
            ... def above(n: int, *, limit: int):
            ...     if n > limit:
            ...         yield n
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(1, 5, 3).apply(above(limit=2)).collect()
            >>> ctx.execute("apply").result()
            [5, 3]
        """
        if not isinstance(operator, OperatorFactory | FunctionOperator):
            raise GraphError(
                f"apply() takes an operator with its options, e.g. Dedupe(...), got {operator!r}: for a "
                f"function of one record use map, filter or flat_map"
            )
        may_have_state = isinstance(operator, OperatorFactory)
        made = self._then(
            kind or type(operator).__name__,
            lambda _: custom(operator),
            columnar=operator.columnar,
            stateful=may_have_state,
            on_error=on_error,
        )
        made._operator.applied = operator
        return made

    def union(self, *others: DataStream[T]) -> DataStream[T]:
        """Put the records of several streams into one, in no particular order between them.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(1).union(ctx.from_values(2)).collect()
            >>> sorted(ctx.execute("union").result())
            [1, 2]
        """
        for other in others:
            if not isinstance(other, DataStream):
                raise GraphError(f"union() takes streams, got {other!r}")
            if other._graph is not self._graph:
                raise GraphError("union() takes streams of one context; these are of two")
        edges = [s._plain_edge() for s in (self, *others)]
        operator = LogicalOperator(
            "union",
            edges,
            build=lambda _: stateless.Union(),
            columnar=True,
            parallelism=self._graph.parallelism or 1,
        )
        return DataStream(self._graph, self._graph.add(operator))

    def key_by(
        self, key: Callable[[T], K] | Fields, *, on_error: ErrorPolicy | None = None
    ) -> KeyedStream[K, T]:
        """Bring records with equal keys together.

        What one task sends stays in order by key: the keys are found in the tasks of this stream.

        Args:
            key: A function of a record, the name of a field of dicts (a column), or an index into tuples; or
                a list of names or of indices: the key is the tuple of their values. A key is None, a bool,
                int, float, str, bytes, or a tuple or list of these.
            on_error: As of `on_error`.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> words = ctx.from_values("a", "b", "a").map(lambda w: (w, 1))
            >>> _ = words.key_by(lambda p: p[0]).reduce(lambda a, b: (a[0], a[1] + b[1])).collect()
            >>> ctx.execute("key-by").result()
            [('a', 1), ('b', 1), ('a', 2)]
        """
        self._refuse_converted("key_by")
        build, columnar = keys.key_operator(key, self._operator.columnar)
        operator = LogicalOperator(
            "key_by",
            [self._plain_edge()],
            build=build,
            columnar=columnar,
            stateful=has_state(key),
            parallelism=self._key_tasks(),
        )
        keyed: KeyedStream[K, T] = KeyedStream(self._graph, self._graph.add(operator))
        keyed._key = keys.name_of(key)
        return keyed._under(on_error)

    def partition_by(self, choose: Choose | Fields) -> DataStream[T]:
        """Give every record to the task, or tasks, that a function names; or equal values to one task.

        What the function raises goes by the error policy of the operator that made the stream, except that it
        is not tried again.

        Args:
            choose: Takes a record and the number of tasks of the next operator; returns the index of
                one of them, from 0, or a list of such. Or the name of a field of dicts (a column), or an
                index into tuples, or a list of such: records with equal values there meet in one task.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> spread = ctx.from_values(1, 2, 3).partition_by(lambda n, tasks: n % tasks)
            >>> _ = spread.map(lambda n: n * 10).set_parallelism(2).collect()
            >>> sorted(ctx.execute("partition-by").result())
            [10, 20, 30]
        """
        self._refuse_converted("partition_by")
        return self._spread("partition_by", Partitioning.CUSTOM, keys.partition_function(choose))

    partition = partition_by

    def reduce_by_key(
        self, fn: Callable[[Any, Any], Any], *, on_error: ErrorPolicy | None = None
    ) -> DataStream[tuple[Any, Any]]:
        """Combine the values of pairs with equal keys; every pair yields its key with the updated value.

        Args:
            fn: Takes the value so far and the next value of the same key, returns the new value; or a
                `ReduceFunction`.
            on_error: As of `on_error`.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(("a", 1), ("b", 2), ("a", 3)).reduce_by_key(lambda a, b: a + b).collect()
            >>> ctx.execute("reduce-by-key").result()
            [('a', 1), ('b', 2), ('a', 4)]
        """
        _callable("reduce_by_key", fn)
        pairs = cast("DataStream[Any]", self)
        keyed: KeyedStream[Any, Any] = pairs.key_by(0)
        return keyed._then(
            "reduce", lambda setup: PairReduce(fn, setup.key_groups), stateful=True, on_error=on_error
        )

    def as_python_stream(self: S) -> S:
        """Return the stream as Python sees it: itself."""
        return self

    def _refuse_converted(self, method: str) -> None:
        refuse_converted(self, method, "python", f": .map(lambda record: record).{method}(...)")

    # Ends --------------------------------------------------------------------------------

    def sink(
        self,
        sink: Sink[T] | Callable[[T], Any] | str | None = None,
        kind: str = "sink",
        *,
        on_error: ErrorPolicy | None = None,
        **options: Any,
    ) -> StreamSink:
        """Write the records to a sink, or call a function with each (at least once).

        Args:
            sink: A `Sink` object, a function of one record (or a `SinkFunction`), or the name of a sink in
                another language; None drops the records.
            kind: What the operator is called in ids.
            on_error: As of `on_error`.
            **options: What a sink in another language is given by name.
        """
        if isinstance(sink, str):
            sink = named_sink(self._graph, sink, options)
        elif options:
            raise GraphError(
                f"sink() takes options ({', '.join(options)}) for a sink in another language only: give them "
                f"to the sink itself"
            )
        if sink is None:
            sink = cast("Sink[T]", NothingSink())
        if not isinstance(sink, Sink):
            if not callable(sink):
                raise GraphError(f"sink() takes a Sink or a function, got {sink!r}")
            sink = cast("Sink[T]", registry().sink("function")(sink))
        operator = LogicalOperator(
            kind,
            [self._plain_edge()],
            sink=sink,
            stateful=True,
            columnar=sink.columnar,
            parallelism=self._tasks(),
        )
        if sink.language != "python":
            language(sink.language).adopt(self._graph, operator)
        adopted = cast("Sink[Any]", operator.sink)
        operator.build = lambda setup: SinkOperator(adopted, setup.writer)
        return StreamSink(self._graph, self._graph.add(operator))._under(on_error)

    def print(self, prefix: str = "") -> StreamSink:
        """Print every record on a line of its own (at least once)."""
        return self.sink(registry().sink("print")(prefix=prefix), "print")

    def collect(self) -> StreamSink:
        """Keep every record in memory for `Job.result` (exactly once)."""
        return self.sink(registry().sink("collect")(), "collect")

    if not TYPE_CHECKING:  # checkers see PluginSinks, and find what is mistyped

        def __getattr__(self, name: str) -> Callable[..., Any]:
            """Resolve ``write_<connector>``, and operators by name, from the installed plugins."""
            if not name.startswith("_") and hasattr(KeyedStream, name):
                raise AttributeError(f"{name}() combines records of a key: call .key_by(...) before it")
            if name.startswith("as_") and name.endswith("_stream"):
                this: Any = self  # checkers that read this file beside the installed package see two classes
                return partial(language(name[len("as_") : -len("_stream")]).view, self._graph, this)
            if name.startswith("write_"):
                cls = registry().sink(name.removeprefix("write_"))
                return named_method(name, cls, lambda sink: self.sink(sink, name), StreamSink)
            unknown = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name.startswith("_"):
                raise AttributeError(unknown)
            try:
                cls = registry().operator(name)
            except UnknownConnector:
                public = (n for n in dir(self) if not n.startswith("_"))
                raise AttributeError(unknown + nearest(name, public)) from None
            return named_method(name, cls, lambda operator: self.apply(operator, name), DataStream)

    def __dir__(self) -> Iterable[str]:
        """List the operators and writers of all installed plugins too."""
        writers = (f"write_{n}" for n in registry().names("sink"))
        views = (f"as_{n}_stream" for n in registry().names("language"))
        return [*super().__dir__(), *registry().names("operator"), *writers, *views]

    # Checkers that read this file beside the installed package see two classes DataStream.
    def _then(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        kind: str,
        build: Callable[[TaskSetup], Operator],
        columnar: bool = False,
        stateful: bool = False,
        on_error: ErrorPolicy | None = None,
    ) -> DataStream[Any]:
        operator = LogicalOperator(
            kind,
            [self._edge()],
            build=build,
            stateful=stateful,
            columnar=columnar,
            parallelism=self._tasks(),
        )
        return DataStream(self._graph, self._graph.add(operator))._under(on_error)


class KeyedStream(Keyed, DataStream[T], Generic[K, T]):
    """A stream whose records have keys; equal keys are in one task."""

    _keyed = True

    def reduce(self, fn: Callable[[T, T], T], *, on_error: ErrorPolicy | None = None) -> DataStream[T]:
        """Combine the records of each key; every record yields the updated value of its key.

        Args:
            fn: Takes the value so far and the next record of the same key, returns the new value; or a
                `ReduceFunction`. The first record of a key is its first value.
            on_error: As of `on_error`.
        """
        _callable("reduce", fn)
        return self._then(
            "reduce", lambda setup: Reduce(fn, setup.key_groups), stateful=True, on_error=on_error
        )


def _callable(method: str, fn: object) -> None:
    if not callable(fn):
        raise GraphError(f"{method}() takes a function, got {fn!r}: write e.g. lambda r: r[{fn!r}]")


# What plugins may not call their operators: nobody could reach them.
reserve_operators(name for name in dir(KeyedStream) if not name.startswith("_"))
