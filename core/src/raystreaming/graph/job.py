"""The job graph: operators fused into chains.

A chain runs in one task; batches go from operator to operator by a plain call.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from raystreaming.connector.partition import PartitionFunction
from raystreaming.graph.logical import (
    Choose,
    Edge,
    LogicalGraph,
    LogicalOperator,
    Partitioning,
    with_dead_letters,
)


@dataclass(frozen=True, slots=True)
class JobEdge:
    """From one chain to another, with the partitioning that was decided."""

    upstream: int
    downstream: int
    partitioning: Partitioning
    choose: Choose | PartitionFunction | None = None
    tag: str | None = None


@dataclass(slots=True)
class JobVertex:
    """A chain: operators that run in one task."""

    index: int
    operators: list[LogicalOperator]
    parallelism: int
    columnar_source: bool = False
    """Whether the source of the chain should give Arrow batches: all that reads it takes them."""

    @property
    def name(self) -> str:
        """The ids of the chain's operators."""
        return " -> ".join(op.name for op in self.operators)

    @property
    def with_dead_letters(self) -> list[LogicalOperator]:
        """The chain's operators, each followed by the sink of its dead letters."""
        return with_dead_letters(self.operators)

    @property
    def source(self) -> LogicalOperator | None:
        """The source at the chain's head, if it has one."""
        head = self.operators[0]
        return head if head.source is not None else None


@dataclass(slots=True)
class JobGraph:
    """Chains and the edges between them."""

    vertices: list[JobVertex] = field(default_factory=list[JobVertex])
    edges: list[JobEdge] = field(default_factory=list[JobEdge])


def resolve(edge: Edge, downstream: LogicalOperator) -> Partitioning:
    """Decide the partitioning of an edge."""
    one_to_one = edge.upstream.parallelism == downstream.parallelism
    single = one_to_one and downstream.parallelism == 1
    if edge.partitioning is None:
        return Partitioning.FORWARD if one_to_one else Partitioning.ROUND_ROBIN
    if single and edge.partitioning is not Partitioning.CUSTOM:  # whose function may refuse a record
        return Partitioning.FORWARD
    return edge.partitioning


def _chains(graph: LogicalGraph, op: LogicalOperator) -> bool:
    """Return whether `op` is fused with its input."""
    if len(op.edges) != 1 or op.start_new_chain or op.disable_chain:
        return False
    upstream = op.edges[0].upstream
    return (
        resolve(op.edges[0], op) is Partitioning.FORWARD
        and op.edges[0].tag is None
        and upstream.parallelism == op.parallelism
        and not upstream.disable_chain
        and len(graph.downstream(upstream)) == 1
    )


def job_graph(graph: LogicalGraph) -> JobGraph:
    """Fuse operators into chains."""
    result = JobGraph()
    home: dict[LogicalOperator, JobVertex] = {}
    for op in graph.operators:
        if _chains(graph, op):
            vertex = home[op.edges[0].upstream]
            vertex.operators.append(op)
        else:
            readers = [reader for reader, _ in graph.downstream(op)]
            vertex = JobVertex(len(result.vertices), [op], op.parallelism)
            vertex.columnar_source = op.source is not None and all(reader.columnar for reader in readers)
            result.vertices.append(vertex)
            for edge in op.edges:
                upstream = home[edge.upstream].index
                result.edges.append(JobEdge(upstream, vertex.index, resolve(edge, op), edge.choose, edge.tag))
        home[op] = vertex
    return result
