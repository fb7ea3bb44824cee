"""The logical graph: the operators a program names, and the edges between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, TypeAlias

from raystreaming.connector.on_error import ErrorPolicy, goes_on
from raystreaming.connector.operator import Operator
from raystreaming.connector.partition import PartitionFunction
from raystreaming.connector.sink import Sink, WriterContext
from raystreaming.connector.source import Source
from raystreaming.errors import GraphError
from raystreaming.graph.resources import Resources


class Partitioning(Enum):
    """How the records of one operator's tasks are spread over the next operator's tasks."""

    FORWARD = "forward"
    KEY = "key"
    SHUFFLE = "shuffle"
    BROADCAST = "broadcast"
    RESCALE = "rescale"
    ROUND_ROBIN = "round robin"
    CUSTOM = "custom"


Choose: TypeAlias = "Callable[[Any, int], int | Sequence[int]]"
"""Takes a record and the number of tasks; returns the index of a task, or of several."""


@dataclass(frozen=True, slots=True)
class Edge:
    """From an operator to the next.

    Attributes:
        upstream: Where records come from.
        partitioning: None leaves the choice: forward if the parallelism is equal, else round robin.
        choose: The function of custom partitioning.
        tag: The side output that it takes; None for the stream itself.
    """

    upstream: LogicalOperator
    partitioning: Partitioning | None = None
    choose: Choose | PartitionFunction | None = None
    tag: str | None = None


@dataclass(slots=True, eq=False)
class Spread:
    """A partitioning that a program has asked for.

    Attributes:
        operator: Whose records.
        call: What it has called, e.g. ``"broadcast()"``.
        at: File and line of the program.
        read: Whether an operator reads them so spread.
    """

    operator: LogicalOperator
    call: str
    at: str
    read: bool = False

    def __str__(self) -> str:
        """Say what was called, on what, and where."""
        at = f" ({self.at})" if self.at else ""
        return f"{self.call} of {self.operator.name!r}{at}"


@dataclass(frozen=True, slots=True)
class TaskSetup:
    """What an operator may need to be built for a task."""

    key_groups: int
    writer: WriterContext


@dataclass(slots=True, eq=False)
class LogicalOperator:
    """One operator of the program.

    Attributes:
        kind: What it is, e.g. ``"map"`` or ``"read_kafka"``.
        edges: Its inputs.
        build: Makes the operator of one task; None for sources.
        source: Set for sources.
        sink: Set for sinks.
        applied: What of a plugin, or of the program's own, makes its operators, if it is no method's.
        stateful: Whether checkpoints hold something of it that must find it again.
        columnar: Whether it takes Arrow batches without turning them into rows.
        parallelism: Number of tasks.
        uid: Identity given by the user.
        label: Name given by the user, for people.
        start_new_chain: Never fused with the operator before it.
        disable_chain: Never fused with any other.
        resources: What its tasks ask of a node.
        config: What the program tells its functions.
        language: Language its function is written in.
        schema: The type of its records, where a conversion to or from another language has said it.
        on_error: What becomes of records that it cannot take.
        dead_letters: The sink of its dead letters, in the task of its chain; no operator of the graph's line.
        check: Finds what can be wrong with its function before anything starts; one text a problem.
        id: Stable identity; set by `LogicalGraph.identify`.
    """

    kind: str
    edges: list[Edge] = field(default_factory=list[Edge])
    build: Callable[[TaskSetup], Operator] | None = None
    source: Source[Any] | None = None
    sink: Sink[Any] | None = None
    applied: object = None
    stateful: bool = False
    columnar: bool = False
    parallelism: int = 1
    uid: str | None = None
    label: str | None = None
    start_new_chain: bool = False
    disable_chain: bool = False
    resources: Resources = field(default_factory=Resources)
    config: dict[str, Any] = field(default_factory=dict[str, Any])
    language: str = "python"
    schema: Any = None
    on_error: ErrorPolicy = "fail"
    dead_letters: LogicalOperator | None = None
    check: Callable[[], Iterable[str]] | None = None
    id: str = ""

    @property
    def name(self) -> str:
        """What people see."""
        return self.label or self.id or self.kind


def with_dead_letters(operators: Iterable[LogicalOperator]) -> list[LogicalOperator]:
    """Return operators, each followed by the sink of its dead letters."""
    both = ((op, op.dead_letters) for op in operators)
    return [one for pair in both for one in pair if one is not None]


class LogicalGraph:
    """All operators of one job, inputs before the operators they feed.

    Attributes:
        operators: The operators.
        spreads: The partitionings that the program has asked for.
        languages: What languages other than Python were told for this job, by their names.
        parallelism: Number of tasks of an operator that is not told; None: as many as the one before it.
    """

    def __init__(self, languages: Mapping[str, Any] | None = None) -> None:
        self.operators: list[LogicalOperator] = []
        self.spreads: list[Spread] = []
        self.languages: dict[str, Any] = dict(languages or {})
        self.parallelism: int | None = None

    def add(self, operator: LogicalOperator) -> LogicalOperator:
        """Add an operator whose inputs are in the graph already."""
        self.operators.append(operator)
        return operator

    def downstream(self, operator: LogicalOperator) -> list[tuple[LogicalOperator, Edge]]:
        """Return the operators fed by `operator`, with the edges."""
        return [(op, e) for op in self.operators for e in op.edges if e.upstream is operator]

    @property
    def sources(self) -> list[LogicalOperator]:
        """The operators that read."""
        return [op for op in self.operators if op.source is not None]

    @property
    def sinks(self) -> list[LogicalOperator]:
        """The operators that write, those of dead letters included."""
        return [op for op in self.with_dead_letters if op.sink is not None]

    @property
    def with_dead_letters(self) -> list[LogicalOperator]:
        """All operators, each followed by the sink of its dead letters."""
        return with_dead_letters(self.operators)

    def identify(self) -> None:
        """Give every operator its id.

        The id is the user's ``uid`` or a path: the nearest operators with state above it, and its
        kind, numbered in the order of the program where that is not unique. Adding or removing a
        stateless operator therefore changes no id of an operator with state.

        Raises:
            GraphError: Two operators have the same ``uid``.
        """
        anchors: dict[LogicalOperator, str] = {}
        numbers: Counter[str] = Counter()
        taken: set[str] = set()
        for operator in self.operators:
            above = "+".join(dict.fromkeys(anchors[e.upstream] for e in operator.edges))
            path = f"{above}.{operator.kind}" if above else operator.kind
            if operator.uid is not None:
                operator.id = operator.uid
            else:
                numbers[path] += 1
                operator.id = path if numbers[path] == 1 else f"{path}-{numbers[path]}"
            if operator.id in taken:
                raise GraphError(f"two operators have the id {operator.id!r}: give each its own uid(...)")
            taken.add(operator.id)
            if operator.dead_letters is not None:
                operator.dead_letters.id = f"{operator.id}.dead_letter"
                operator.dead_letters.parallelism = operator.parallelism
                taken.add(operator.dead_letters.id)
            anchors[operator] = operator.id if operator.stateful or not above else above

    def validate(self) -> None:
        """Refuse what cannot run, all problems at once.

        Raises:
            GraphError: A stream has no sink, a partitioning no effect, or there is nothing to run.
        """
        problems = list(dict.fromkeys(self._problems()))
        if not problems:  # asking other languages may start them
            problems = list(dict.fromkeys(problem for check in self._checks() for problem in check()))
        if problems:
            raise GraphError("this job cannot run: " + "; ".join(problems))

    def _checks(self) -> Iterable[Callable[[], Iterable[str]]]:
        for op in self.operators:
            if op.check is not None:
                yield op.check
            for edge in op.edges:
                if isinstance(edge.choose, PartitionFunction):
                    yield partial(edge.choose.problems, edge.upstream.id)

    def _problems(self) -> Iterable[str]:
        if not self.sources:
            yield "it reads nothing: begin with a source, e.g. ctx.read_text_file(path)"
        for spread in self.spreads:
            if not spread.read:
                yield (
                    f"nobody reads what {spread} returned, and the stream itself stays as it was: write "
                    f"stream = stream.{spread.call}"
                )
        fed = {e.upstream for op in self.operators for e in op.edges}
        for op in self.operators:
            if op not in fed and op.sink is None:
                yield f"stream {op.name!r} has no sink: end it with .sink(fn), .print() or .write_files(...)"
            if op.source is not None and op.parallelism > 1 and not op.source.parallel:
                yield (
                    f"source {op.name!r} is read by one task, not by {op.parallelism}: call set_parallelism "
                    f"on what follows, e.g. .map(fn).set_parallelism({op.parallelism})"
                )
            for one in with_dead_letters([op]):
                if one.sink is not None and one.parallelism > 1 and not one.sink.parallel:
                    yield (
                        f"sink {one.name!r} is written by one task, not by {one.parallelism}: call "
                        f"set_parallelism(1) on {op.name!r}"
                    )
            if op.source is not None and op.language != "python" and goes_on(op.on_error):
                yield (
                    f"source {op.name!r} is in {op.language}, where it cannot leave records out: use "
                    f"on_error(retry(...)), or catch the error in the source itself"
                )
            for edge in op.edges:
                upstream = edge.upstream
                if edge.partitioning is Partitioning.FORWARD and (upstream.parallelism != op.parallelism):
                    yield (
                        f"forward from {upstream.name!r} (parallelism {upstream.parallelism}) to "
                        f"{op.name!r} ({op.parallelism}) needs equal parallelism: "
                        f"set_parallelism, or rescale()"
                    )
