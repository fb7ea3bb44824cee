"""The execution graph: parallel tasks, and the channels between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from raystreaming.connector.partition import PartitionFunction
from raystreaming.graph.job import JobEdge, JobGraph, JobVertex
from raystreaming.graph.logical import Choose, Partitioning


@dataclass(frozen=True, slots=True)
class Channel:
    """From one sender task to one receiver task; frames keep their order on it."""

    id: int
    sender: int
    receiver: int


@dataclass(frozen=True, slots=True)
class OutputEdge:
    """One way out of a task: the channels that a partitioner chooses from."""

    partitioning: Partitioning
    channels: tuple[int, ...]
    choose: Choose | PartitionFunction | None = None
    tag: str | None = None
    """The side output that it takes."""
    beside_sides: bool = False
    """Whether tagged records are not for it."""


@dataclass(slots=True)
class TaskSpec:
    """One parallel instance of a chain."""

    id: int
    vertex: JobVertex
    index: int
    inputs: list[int] = field(default_factory=list[int])
    outputs: list[OutputEdge] = field(default_factory=list[OutputEdge])

    @property
    def name(self) -> str:
        """The chain and the instance."""
        suffix = f" [{self.index}]" if self.vertex.parallelism > 1 else ""
        return self.vertex.name + suffix


@dataclass(slots=True)
class ExecutionGraph:
    """All tasks and channels of a job."""

    tasks: list[TaskSpec] = field(default_factory=list[TaskSpec])
    channels: list[Channel] = field(default_factory=list[Channel])


def _targets(edge: JobEdge, sender: int, senders: int, receivers: int) -> list[int]:
    """Return the receiver indices one sender is connected to."""
    if edge.partitioning is Partitioning.FORWARD:
        return [sender]
    if edge.partitioning is Partitioning.RESCALE:
        if senders <= receivers:
            return [r for r in range(receivers) if r * senders // receivers == sender]
        return [sender * receivers // senders]
    return list(range(receivers))


def execution_graph(graph: JobGraph) -> ExecutionGraph:
    """Unfold chains into tasks."""
    result = ExecutionGraph()
    tasks: dict[tuple[int, int], TaskSpec] = {}
    for vertex in graph.vertices:
        for index in range(vertex.parallelism):
            task = TaskSpec(len(result.tasks), vertex, index)
            tasks[vertex.index, index] = task
            result.tasks.append(task)
    with_sides = {edge.upstream for edge in graph.edges if edge.tag is not None}
    for edge in graph.edges:
        senders = graph.vertices[edge.upstream].parallelism
        receivers = graph.vertices[edge.downstream].parallelism
        for s in range(senders):
            sender = tasks[edge.upstream, s]
            ids: list[int] = []
            for r in _targets(edge, s, senders, receivers):
                receiver = tasks[edge.downstream, r]
                channel = Channel(len(result.channels), sender.id, receiver.id)
                result.channels.append(channel)
                receiver.inputs.append(channel.id)
                ids.append(channel.id)
            beside = edge.tag is None and edge.upstream in with_sides
            sender.outputs.append(OutputEdge(edge.partitioning, tuple(ids), edge.choose, edge.tag, beside))
    return result
