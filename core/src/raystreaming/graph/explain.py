"""The job as text."""

from __future__ import annotations

from raystreaming.connector.on_error import in_words
from raystreaming.graph.execution import execution_graph
from raystreaming.graph.job import job_graph
from raystreaming.graph.logical import LogicalGraph, LogicalOperator


def guarantee(op: LogicalOperator, durable: bool) -> str:
    """Return what a sink guarantees in this job, in words."""
    sources = _sources(op)
    lost = [s.name for s in sources if s.source is not None and not s.source.replayable]
    if not lost:
        return _delivery(op, durable)
    names = " and ".join(map(repr, lost))
    why = f"{names} cannot be read again, a restart loses what came since the last checkpoint"
    if len(lost) == len(sources):
        return f"at-most-once: {why}"
    return f"{_delivery(op, durable)}; but {why}"


def _sources(op: LogicalOperator) -> list[LogicalOperator]:
    """Return the sources above an operator."""
    above: list[LogicalOperator] = []
    waiting = [op]
    while waiting:
        one = waiting.pop(0)
        if one not in above:
            above.append(one)
            waiting += [edge.upstream for edge in one.edges]
    return [one for one in above if one.source is not None]


def _delivery(op: LogicalOperator, durable: bool) -> str:
    assert op.sink is not None
    if op.sink.delivery != "exactly-once":
        return "at-least-once: a restart repeats records since the last checkpoint"
    if not durable:
        return "exactly-once while this process lives: no checkpoint_dir, nothing survives it"
    return "exactly-once"


def _counted(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def explain(graph: LogicalGraph, durable: bool) -> str:
    """Return chains with their tasks, edges with their partitioning, and guarantees.

    Args:
        graph: The logical graph, identified.
        durable: Whether checkpoints survive the process.
    """
    jobs = job_graph(graph)
    execution = execution_graph(jobs)
    lines = [f"{_counted(len(execution.tasks), 'task')} in {_counted(len(jobs.vertices), 'chain')}"]
    for vertex in jobs.vertices:
        lines.append(f"[{vertex.index}] {vertex.name}   x{vertex.parallelism}")
        source = vertex.source
        if source is not None and source.columnar:
            lines.append(f"    reads {'Arrow' if vertex.columnar_source else 'rows'}")
        if source is not None and source.source is not None and not source.source.ordered:
            lines.append("    reads in no fixed order")
        for edge in jobs.edges:
            if edge.downstream == vertex.index:
                side = "" if edge.tag is None else f" side output {edge.tag!r}"
                lines.append(f"    from [{edge.upstream}]{side} by {edge.partitioning.value}")
        for op in vertex.with_dead_letters:
            if op.on_error != "fail":
                lines.append(f"    {op.name}: on error {in_words(op.on_error)}")
            if op.sink is not None:
                order = "" if op.sink.ordered else "; in no fixed order"
                lines.append(f"    {op.name}: {guarantee(op, durable)}{order}")
    return "\n".join(lines)
