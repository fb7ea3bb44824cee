"""`JobSpec`: everything a runtime needs to know about a job."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property

from raystreaming.graph import ExecutionGraph, JobGraph, LogicalGraph, execution_graph, job_graph
from raystreaming.state import DEFAULT_KEY_GROUPS


@dataclass(frozen=True)
class JobSpec:
    """A job as submitted.

    Attributes:
        name: Name of the job; its checkpoints are in a folder of this name.
        graph: The validated logical graph.
        checkpoint_dir: Folder or URL below which checkpoints are kept; None keeps them in memory.
        checkpoint_interval: Seconds between the starts of two checkpoints.
        retain: How many checkpoints are kept.
        fresh: Forget the checkpoints of earlier runs.
        key_groups: Number of key groups at the first start.
        restarts: How often in a row the job restarts after a `Retryable` error.
        restart_delay: Seconds before the first restart; doubled with each that follows.
        submission: Id of this submission; a master that takes over knows its own manifests by it.
    """

    name: str
    graph: LogicalGraph
    checkpoint_dir: str | os.PathLike[str] | None = None
    checkpoint_interval: float = 5.0
    retain: int = 3
    fresh: bool = False
    key_groups: int = DEFAULT_KEY_GROUPS
    restarts: int = 3
    restart_delay: float = 1.0
    submission: str = field(default_factory=lambda: os.urandom(6).hex())

    @cached_property
    def chains(self) -> JobGraph:
        """Chains of operators."""
        return job_graph(self.graph)

    @cached_property
    def execution(self) -> ExecutionGraph:
        """Tasks and channels."""
        return execution_graph(self.chains)

    @cached_property
    def chain_names(self) -> tuple[str, ...]:
        """Names of the chains, by number."""
        return tuple(vertex.name for vertex in self.chains.vertices)

    @cached_property
    def chain_edges(self) -> tuple[tuple[int, int], ...]:
        """Which chain feeds which, by number."""
        return tuple((edge.upstream, edge.downstream) for edge in self.chains.edges)
