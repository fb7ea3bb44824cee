"""Where the tasks of a job would run on Ray, as text. Needs no Ray."""

from __future__ import annotations

from raystreaming.graph import ExecutionGraph
from raystreaming.plugins.builtin.collect import CollectSink
from raystreaming.runtime.ray.placing import Post, posts


def explain_placing(graph: ExecutionGraph, workers: int | None, spares: int, durable: bool) -> str:
    """Return the workers with their tasks, what each asks of a node, and what survives.

    Args:
        graph: Tasks and channels.
        workers: How many workers share the tasks; None: one per task.
        spares: Workers kept ready for those that die.
        durable: Whether checkpoints survive the job master.
    """
    places = posts(graph, workers)
    more = f", and {spares} spare" if spares else ""
    lines = [f"on Ray: {len(places)} worker{'s' if len(places) > 1 else ''}{more}"]
    for number, post in enumerate(places):
        lines.append(f"worker {number}: {' and '.join(post.names)}")
        lines.append(f"    asks for {_asks(post)}")
    lines.append("a worker dies: all tasks go on from the last checkpoint")
    lines.append(f"the job master dies: {_without_master(graph, durable)}")
    return "\n".join(lines)


def _without_master(graph: ExecutionGraph, durable: bool) -> str:
    if not durable:
        return "the job ends, as it has no checkpoint_dir"
    operators = (op for task in graph.tasks for op in task.vertex.operators)
    if any(isinstance(op.sink, CollectSink) for op in operators):
        return "the job ends, as it has the rows of collect()"
    return "the workers go on, Ray starts it again"


def _asks(post: Post) -> str:
    options = post.actor_options()
    amounts = {"CPU": options["num_cpus"], "GPU": options.get("num_gpus", 0), **options.get("resources", {})}
    text = ", ".join(f"{amount:g} {name}" for name, amount in amounts.items() if amount) or "nothing"
    where = {"spread": ", on different nodes where it can", "pack": ", near the job master"}
    return text + where.get(post.resources.placement or "", "")
