"""A graph to be drawn: the logical one (operators) or the physical one (tasks), as boxes and arrows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from raystreaming.graph.execution import execution_graph
from raystreaming.graph.job import job_graph, resolve
from raystreaming.graph.logical import LogicalGraph, LogicalOperator

Level: TypeAlias = Literal["logical", "physical"]


Kind: TypeAlias = Literal["source", "operator", "sink"]


@dataclass(frozen=True, slots=True)
class Box:
    """One box.

    Attributes:
        id: Unique, of letters and digits.
        lines: What stands in it.
        kind: Source, sink, or operator.
    """

    id: str
    lines: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another."""

    start: str
    end: str
    text: str


@dataclass(slots=True)
class Picture:
    """Boxes, each after those that point to it, and arrows."""

    boxes: list[Box] = field(default_factory=list[Box])
    arrows: list[Arrow] = field(default_factory=list[Arrow])


def picture(graph: LogicalGraph, level: Level) -> Picture:
    """Return a picture of a graph that has been identified."""
    return _logical(graph) if level == "logical" else _physical(graph)


def _logical(graph: LogicalGraph) -> Picture:
    found = Picture()
    ids = {op: f"o{i}" for i, op in enumerate(graph.operators)}
    for op in graph.operators:
        what = op.kind if op.label is None else f"{op.label} ({op.kind})"
        language = "" if op.language == "python" else f", {op.language}"
        found.boxes.append(Box(ids[op], (f"{what} x{op.parallelism}{language}",), _kind(op)))
        for edge in op.edges:
            side = "" if edge.tag is None else f"side output {edge.tag!r}, "
            found.arrows.append(Arrow(ids[edge.upstream], ids[op], side + resolve(edge, op).value))
    return found


def _physical(graph: LogicalGraph) -> Picture:
    jobs = job_graph(graph)
    tasks = execution_graph(jobs)
    found = Picture()
    for task in tasks.tasks:
        operators = task.vertex.operators
        lines = [op.label or op.kind for op in operators]
        if task.vertex.parallelism > 1:
            lines[0] += f" [{task.index}]"
        first, last = _kind(operators[0]), _kind(operators[-1])
        kind = last if first == "operator" else first
        found.boxes.append(Box(f"t{task.id}", tuple(lines), kind))
    by_channel = {c: edge for task in tasks.tasks for edge in task.outputs for c in edge.channels}
    for channel in tasks.channels:
        edge = by_channel[channel.id]
        side = "" if edge.tag is None else f"side output {edge.tag!r}, "
        found.arrows.append(
            Arrow(f"t{channel.sender}", f"t{channel.receiver}", side + edge.partitioning.value)
        )
    return found


def _kind(op: LogicalOperator) -> Kind:
    if op.source is not None:
        return "source"
    return "sink" if op.sink is not None else "operator"
