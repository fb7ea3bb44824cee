"""`Partitioned`: how the records of a stream are spread over the tasks of what reads them."""

from __future__ import annotations

from typing import Any, TypeVar

from raystreaming.connector.partition import PartitionFunction
from raystreaming.errors import GraphError
from raystreaming.graph import Choose, Edge, LogicalGraph, LogicalOperator, Partitioning, Spread
from raystreaming.operators.user_function import written_at

P = TypeVar("P", bound="Partitioned")
V = TypeVar("V", bound="Partitioned")


class Partitioned:
    """The partitionings that need no function; for the streams of every language.

    Each returns a view of the same stream: what is called on the view reads the records so spread, and
    other readers of the stream do not; a view that nobody reads is refused. Without one, records stay in the
    task of the same index where parallelism is equal, and go round robin where it is not.
    """

    _keyed = False
    _partitioning: Partitioning | None = None
    _choose: Choose | PartitionFunction | None = None
    _tag: str | None = None
    _spread_as: Spread | None = None

    def __init__(self, graph: LogicalGraph, operator: LogicalOperator) -> None:
        self._graph = graph
        self._operator = operator

    def forward(self: P) -> P:
        """Keep records in the task of the same index; parallelism must be equal."""
        return self._spread("forward", Partitioning.FORWARD)

    def broadcast(self: P) -> P:
        """Give every record to all tasks of the next operator.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values("a", "b").broadcast().map(str.upper).set_parallelism(2).collect()
            >>> sorted(ctx.execute("broadcast").result())
            ['A', 'A', 'B', 'B']
        """
        return self._spread("broadcast", Partitioning.BROADCAST)

    def shuffle(self: P) -> P:
        """Give every record to a random task."""
        return self._spread("shuffle", Partitioning.SHUFFLE)

    def rescale(self: P) -> P:
        """Deal records out in turn, each sender to some tasks of its own: fewer connections."""
        return self._spread("rescale", Partitioning.RESCALE)

    def round_robin(self: P) -> P:
        """Deal records out in turn, each sender to all tasks."""
        return self._spread("round_robin", Partitioning.ROUND_ROBIN)

    def _spread(
        self: P,
        method: str,
        partitioning: Partitioning,
        choose: Choose | PartitionFunction | None = None,
    ) -> P:
        """Return a view whose readers get the records so spread."""
        if self._keyed:
            raise GraphError(
                f"{method}() right after key_by(): the key of a record decides where it goes. Call "
                f"{method}() before key_by(), or behind the operator that follows it"
            )
        view = type(self)(self._graph, self._operator)
        view._partitioning, view._choose, view._tag = partitioning, choose, self._tag
        call = f"{method}()" if choose is None else f"{method}(...)"
        view._spread_as = Spread(self._operator, call, written_at())
        self._graph.spreads.append(view._spread_as)
        return view

    def _seen_as(self, view: type[V]) -> V:
        """Return the stream as another class shows it, spread in the same way."""
        seen = view(self._graph, self._operator)
        seen._partitioning, seen._choose, seen._tag = self._partitioning, self._choose, self._tag
        seen._spread_as = self._spread_as
        return seen

    def _tasks(self) -> int:
        """Return how many tasks an operator behind this stream has, unless it is told."""
        return self._graph.parallelism or self._operator.parallelism

    def _key_tasks(self) -> int:
        """Return how many tasks the operator has that finds this stream's keys, unless it is told.

        Those of the stream: with others, what one task sends would come to a key in another order.
        """
        return self._operator.parallelism if self._partitioning is None else self._tasks()

    def _plain_edge(self) -> Edge:
        """Return the edge to an operator that does not look at keys."""
        if self._spread_as is not None:
            self._spread_as.read = True
        return Edge(self._operator, self._partitioning, self._choose, self._tag)

    def _edge(self) -> Edge:
        """Return the edge to the next operator: by key where there are keys."""
        return Edge(self._operator, Partitioning.KEY) if self._keyed else self._plain_edge()


def check_parallelism(parallelism: object) -> None:
    """Refuse what is no number of tasks."""
    if isinstance(parallelism, bool) or not isinstance(parallelism, int) or parallelism < 1:
        raise GraphError(f"parallelism must be a whole number from 1, got {parallelism!r}")


def refuse_converted(stream: Any, method: str, language: str, advice: str) -> None:
    """Refuse what would choose a task by a function of another language than the sender's.

    Args:
        stream: The stream as seen.
        method: The method that takes the function.
        language: The language of the function.
        advice: What to write instead.

    Raises:
        GraphError: The sender is in another language.
    """
    operator: LogicalOperator = stream._operator
    if operator.language != language:
        raise GraphError(
            f"{method}() right after as_{language}_stream(): {operator.name!r} before it is in "
            f"{operator.language}, which runs no {language.capitalize()} function. Map first{advice}"
        )
