"""Which worker has which tasks, and what it asks of a node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raystreaming.graph import ExecutionGraph, Resources, TaskSpec

WORKER_CPUS = 0.1
"""CPUs that Ray reserves for a worker whose operators ask for nothing."""


@dataclass(frozen=True)
class Post:
    """The place of one worker.

    Attributes:
        tasks: Ids of the tasks it has.
        names: Their names, for messages.
        resources: What they need together.
    """

    tasks: tuple[int, ...]
    names: tuple[str, ...]
    resources: Resources

    def actor_options(self) -> dict[str, Any]:
        """Return the resources as options of a Ray actor."""
        asked = self.resources
        options: dict[str, Any] = {"num_cpus": WORKER_CPUS if asked.num_cpus is None else asked.num_cpus}
        if asked.num_gpus:
            options["num_gpus"] = asked.num_gpus
        if asked.custom:
            options["resources"] = dict(asked.custom)
        if asked.placement == "spread":
            options["scheduling_strategy"] = "SPREAD"
        return options


def posts(graph: ExecutionGraph, workers: int | None) -> list[Post]:
    """Spread the tasks over workers: the n-th tasks of all chains together, so that forward stays local."""
    if workers is None:
        groups: list[list[TaskSpec]] = [[task] for task in graph.tasks]
    else:
        groups = [[] for _ in range(workers)]
        for task in graph.tasks:
            groups[task.index % workers].append(task)
    return [_post(group) for group in groups if group]


def _post(tasks: Sequence[TaskSpec]) -> Post:
    needed = Resources()
    for task in tasks:
        of_chain = Resources()
        for operator in task.vertex.operators:
            of_chain = of_chain.largest(operator.resources)
        needed = needed.plus(of_chain)
    return Post(tuple(t.id for t in tasks), tuple(t.name for t in tasks), needed)
