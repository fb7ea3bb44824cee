"""`DataStream` and `KeyedStream`: what happens to records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from raystreaming.api import keys
from raystreaming.api._plugin_api import PluginSinks
from raystreaming.api.branches import Branches
from raystreaming.api.columnar import Columnar
from raystreaming.api.keyed import Keyed
from raystreaming.api.language import language, named_sink
from raystreaming.api.named import named_method
from raystreaming.api.on_error import set_policy
from raystreaming.api.partitioned import check_parallelism, refuse_converted
from raystreaming.connector.factory import FunctionOperator, OperatorFactory
from raystreaming.connector.function import has_state
from raystreaming.connector.on_error import ErrorPolicy
from raystreaming.connector.operator import Operator
from raystreaming.connector.sink import Sink
from raystreaming.errors import GraphError, UnknownConnector, nearest
from raystreaming.graph import (
    Choose,
    LogicalGraph,
    LogicalOperator,
    Partitioning,
    Placement,
    Resources,
    TaskSetup,
)
from raystreaming.operators import flat_map, rows, stateless
from raystreaming.operators.custom import custom
from raystreaming.operators.expressions import FilterExpression
from raystreaming.operators.keyed import Reduce
from raystreaming.operators.pairs import PairReduce
from raystreaming.operators.sink import SinkOperator
from raystreaming.plugins.builtin.nothing import NothingSink
from raystreaming.plugins.registry import registry, reserve_operators

if TYPE_CHECKING:
    import pyarrow.compute as pc

T = TypeVar("T")
U = TypeVar("U")
K = TypeVar("K")
S = TypeVar("S", bound="Stream")


class Stream:
    """The operator that makes a stream, or a sink: what can be named and set."""

    def __init__(self, graph: LogicalGraph, operator: LogicalOperator) -> None:
        self._graph = graph
        self._operator = operator

    def set_parallelism(self: S, parallelism: int) -> S:
        """Run the operator that makes this stream in so many tasks.

        Behind ``key_by`` that is the operator that finds the keys; what is computed of each key runs in as
        many unless it is told itself, e.g. ``.key_by("user").reduce(fn).set_parallelism(4)``.
        """
        check_parallelism(parallelism)
        self._operator.parallelism = parallelism
        return self

    def name(self: S, label: str) -> S:
        """Name the operator for people; its identity stays."""
        _text("name", label)
        self._operator.label = label
        return self

    def start_new_chain(self: S) -> S:
        """Do not run the operator in the task of the one before it."""
        self._operator.start_new_chain = True
        return self

    def disable_chain(self: S) -> S:
        """Do not run the operator in one task with any other."""
        self._operator.disable_chain = True
        return self

    def uid(self: S, uid: str) -> S:
        """Fix the operator's identity, so that its state finds it after the program has changed."""
        _text("uid", uid)
        self._operator.uid = uid
        return self

    def on_error(self: S, policy: ErrorPolicy) -> S:
        """Say what becomes of a record that the operator, source or sink cannot take.

        Operators before and behind it are not concerned, and no record is given to a function again, except
        by `retry`. Outcomes are counted in `Job.status`.

        Args:
            policy: ``"fail"`` ends the job; ``"skip"`` leaves the record out; `retry` tries again;
                `dead_letter` writes it to another sink.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values("1", "x", "3").map(int).on_error("skip").collect()
            >>> job = ctx.execute("skip")
            >>> job.result(), job.status().counts
            ([1, 3], {'skipped': 1})
        """
        set_policy(self._graph, self._operator, policy)
        return self

    def with_config(self: S, key: str | Mapping[str, Any], value: Any = None) -> S:
        """Tell the operator's functions something: they find it in ``context.config`` when they are opened.

        Args:
            key: Name of the value, or a mapping of several.
            value: The value.
        """
        if isinstance(key, str):
            key = {key: value}
        if not isinstance(key, Mapping):
            raise GraphError(f"with_config() takes a name and a value, or a mapping, got {key!r}")
        self._operator.config.update(key)
        return self

    def resources(
        self: S,
        *,
        num_cpus: float | None = None,
        num_gpus: float = 0.0,
        custom: Mapping[str, float] | None = None,
        placement: Placement | None = None,
    ) -> S:
        """Say what each task of the operator asks of a node; Ray places by it, one process ignores it.

        Operators of one chain share a task: it asks for the most that any of them does.

        Args:
            num_cpus: CPUs; by default a worker reserves a tenth of one.
            num_gpus: GPUs.
            custom: The cluster's own resources by name, e.g. ``{"disk": 1}``.
            placement: ``"spread"`` puts the tasks on different nodes where it can, ``"pack"`` on the
                job master's node while that has room.
        """
        self._operator.resources = _resources(num_cpus, num_gpus, custom or {}, placement)
        return self

    def __repr__(self) -> str:
        """Name the operator."""
        return f"<{type(self).__name__} of {self._operator.name}>"


class StreamSink(Stream):
    """The end of a stream."""


class DataStream(Columnar, Branches[T], PluginSinks, Stream, Generic[T]):
    """A stream of records of type T.

    Streams are descriptions: nothing runs before `StreamingContext.submit`.
    """

    def map(self, fn: Callable[[T], U], name: str | None = None) -> DataStream[U]:
        """Turn every record into one record.

        Args:
            fn: A function, or a `MapFunction`.
            name: As of `name`.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(1, 2).map(lambda x: x + 1).collect()
            >>> ctx.execute("map").result()
            [2, 3]
        """
        _callable("map", fn)
        mapped = self._then("map", lambda _: rows.Map(fn), stateful=has_state(fn))
        return mapped if name is None else mapped.name(name)

    def flat_map(self, fn: Callable[..., Any]) -> DataStream[Any]:
        """Turn every record into any number of records.

        Args:
            fn: Takes a record and returns an iterable of records; or takes a record and a
                collector, and calls ``collector.collect(record)``.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values("to be", "or not").flat_map(lambda line: line.split()).collect()
            >>> ctx.execute("flat-map").result()
            ['to', 'be', 'or', 'not']
        """
        _callable("flat_map", fn)
        return self._then("flat_map", lambda _: flat_map.FlatMap(fn), stateful=has_state(fn))

    def filter(self, fn: Callable[[T], Any] | pc.Expression) -> DataStream[T]:
        """Keep the records for which a function, or a pyarrow expression, is true.

        With an expression, records stay Arrow from source to sink where both can.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(1, 2, 3).filter(lambda x: x != 2).collect()
            >>> ctx.execute("filter").result()
            [1, 3]
        """
        if callable(fn):
            return self._then("filter", lambda _: rows.Filter(fn), stateful=has_state(fn))
        if type(fn).__name__ != "Expression":
            raise GraphError(
                f"filter() takes a function or a pyarrow expression, got {fn!r}: "
                f"write e.g. lambda r: r['price'] > 10, or pc.field('price') > 10"
            )
        return self._then("filter", lambda _: FilterExpression(fn), columnar=True)

    def apply(
        self, operator: OperatorFactory[T, U] | FunctionOperator[T, U], kind: str | None = None
    ) -> DataStream[U]:
        """Apply an operator of a plugin, or one of your own.

        Args:
            operator: The operator with its options.
            kind: What the operator is called in ids; by default the class's name.

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
        return self._then(
            kind or type(operator).__name__,
            lambda _: custom(operator),
            columnar=operator.columnar,
            stateful=may_have_state,
        )

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

    def key_by(self, key: Callable[[T], K] | str | int) -> KeyedStream[K, T]:
        """Bring records with equal keys together.

        Args:
            key: A function of a record, the name of a field of dicts (a column), or an index into tuples. A
                key is None, a bool, int, float, str, bytes, or a tuple or list of these.

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
            parallelism=self._tasks(),
        )
        keyed: KeyedStream[K, T] = KeyedStream(self._graph, self._graph.add(operator))
        keyed._key = keys.name_of(key)
        return keyed

    def partition_by(self, choose: Choose | str | int) -> DataStream[T]:
        """Give every record to the task, or tasks, that a function names; or equal values to one task.

        Args:
            choose: Takes a record and the number of tasks of the next operator; returns the index of
                one of them, from 0, or a list of such. Or the name of a field of dicts (a column), or an
                index into tuples: records with equal values there meet in one task.

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

    def reduce_by_key(self, fn: Callable[[Any, Any], Any]) -> DataStream[tuple[Any, Any]]:
        """Combine the values of pairs with equal keys; every pair yields its key with the updated value.

        Args:
            fn: Takes the value so far and the next value of the same key, returns the new value.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(("a", 1), ("b", 2), ("a", 3)).reduce_by_key(lambda a, b: a + b).collect()
            >>> ctx.execute("reduce-by-key").result()
            [('a', 1), ('b', 2), ('a', 4)]
        """
        _callable("reduce_by_key", fn)
        pairs = cast("DataStream[Any]", self)
        return pairs.key_by(0).reduce(PairReduce(fn))

    def as_python_stream(self: S) -> S:
        """Return the stream as Python sees it: itself."""
        return self

    def _refuse_converted(self, method: str) -> None:
        refuse_converted(self, method, "python", f": .map(lambda record: record).{method}(...)")

    # Ends --------------------------------------------------------------------------------

    def sink(
        self, sink: Sink[T] | Callable[[T], Any] | str | None = None, kind: str = "sink", **options: Any
    ) -> StreamSink:
        """Write the records to a sink, or call a function with each (at least once).

        Args:
            sink: A `Sink` object, a function of one record (or a `SinkFunction`), or the name of a sink in
                another language; None drops the records.
            kind: What the operator is called in ids.
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
        return StreamSink(self._graph, self._graph.add(operator))

    def print(self, prefix: str = "") -> StreamSink:
        """Print every record on a line of its own (at least once)."""
        return self.sink(registry().sink("print")(prefix=prefix), "print")

    def collect(self) -> StreamSink:
        """Keep every record in memory for `Job.result` (exactly once)."""
        return self.sink(registry().sink("collect")(), "collect")

    if not TYPE_CHECKING:  # checkers see PluginSinks, and find what is mistyped

        def __getattr__(self, name: str) -> Callable[..., Any]:
            """Resolve ``write_<connector>``, and operators by name, from the installed plugins."""
            if name == "reduce":
                raise AttributeError("reduce() combines records of a key: call .key_by(fn) before it")
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
    ) -> DataStream[Any]:
        operator = LogicalOperator(
            kind,
            [self._edge()],
            build=build,
            stateful=stateful,
            columnar=columnar,
            parallelism=self._tasks(),
        )
        return DataStream(self._graph, self._graph.add(operator))


class KeyedStream(Keyed, DataStream[T], Generic[K, T]):
    """A stream whose records have keys; equal keys are in one task."""

    _keyed = True

    def reduce(self, fn: Callable[[T, T], T]) -> DataStream[T]:
        """Combine the records of each key; every record yields the updated value of its key.

        Args:
            fn: Takes the value so far and the next record of the same key, returns the new value.
                The first record of a key is its first value.
        """
        _callable("reduce", fn)
        return self._then("reduce", lambda setup: Reduce(fn, setup.key_groups), stateful=True)


def _callable(method: str, fn: object) -> None:
    if not callable(fn):
        raise GraphError(f"{method}() takes a function, got {fn!r}: write e.g. lambda r: r[{fn!r}]")


def _text(method: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise GraphError(f"{method}() takes a text, got {value!r}")


def _resources(
    num_cpus: float | None, num_gpus: float, custom: Mapping[str, float], placement: Placement | None
) -> Resources:
    amounts = {"num_cpus": num_cpus or 0, "num_gpus": num_gpus, **custom}
    for name, amount in amounts.items():
        if isinstance(amount, bool) or not isinstance(amount, int | float) or amount < 0:
            raise GraphError(f"resources(): {name} must be a number from 0, got {amount!r}")
    if placement not in (None, "spread", "pack"):
        raise GraphError(f"resources(): placement must be 'spread' or 'pack', got {placement!r}")
    return Resources(num_cpus, num_gpus, dict(custom), placement)


# What plugins may not call their operators: nobody could reach them.
reserve_operators(name for name in dir(KeyedStream) if not name.startswith("_"))
