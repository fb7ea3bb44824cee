"""The three graphs of a job: logical, job (chains) and execution (tasks and channels)."""

from raystreaming.graph.execution import Channel, ExecutionGraph, OutputEdge, TaskSpec, execution_graph
from raystreaming.graph.job import JobEdge, JobGraph, JobVertex, job_graph
from raystreaming.graph.logical import (
    Choose,
    Edge,
    LogicalGraph,
    LogicalOperator,
    Partitioning,
    Spread,
    TaskSetup,
)
from raystreaming.graph.resources import Placement, Resources

__all__ = [
    "Channel",
    "Choose",
    "Edge",
    "ExecutionGraph",
    "JobEdge",
    "JobGraph",
    "JobVertex",
    "LogicalGraph",
    "LogicalOperator",
    "OutputEdge",
    "Partitioning",
    "Placement",
    "Resources",
    "Spread",
    "TaskSetup",
    "TaskSpec",
    "execution_graph",
    "job_graph",
]
