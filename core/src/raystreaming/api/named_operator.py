"""`Stream`: the operator that makes a stream, or a sink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from raystreaming.api.on_error import set_policy
from raystreaming.api.partitioned import check_parallelism
from raystreaming.connector.on_error import ErrorPolicy
from raystreaming.errors import GraphError
from raystreaming.graph import LogicalGraph, LogicalOperator, Placement, Resources

S = TypeVar("S", bound="Stream")


class Stream:
    """The operator that makes a stream, or a sink: what can be named and set."""

    def __init__(self, graph: LogicalGraph, operator: LogicalOperator) -> None:
        self._graph = graph
        self._operator = operator

    def set_parallelism(self: S, parallelism: int) -> S:
        """Run the operator that makes this stream in so many tasks.

        Behind ``key_by`` that is the operator that finds the keys; what is computed of each key runs in as
        many unless it is told itself, e.g. ``.key_by("user").reduce(fn).set_parallelism(4)``.
        """
        check_parallelism(parallelism)
        self._operator.parallelism = parallelism
        return self

    def name(self: S, label: str) -> S:
        """Name the operator for people; its identity stays."""
        _text("name", label)
        self._operator.label = label
        return self

    def start_new_chain(self: S) -> S:
        """Do not run the operator in the task of the one before it."""
        self._operator.start_new_chain = True
        return self

    def disable_chain(self: S) -> S:
        """Do not run the operator in one task with any other."""
        self._operator.disable_chain = True
        return self

    def uid(self: S, uid: str) -> S:
        """Fix the operator's identity, so that its state finds it after the program has changed."""
        _text("uid", uid)
        self._operator.uid = uid
        return self

    def on_error(self: S, policy: ErrorPolicy) -> S:
        """Say what becomes of a record that the operator, source or sink cannot take.

        Operators before and behind it are not concerned, and no record is given to a function again, except
        by `retry`. Outcomes are counted in `Job.status`.

        Args:
            policy: ``"fail"`` ends the job; ``"skip"`` leaves the record out; `retry` tries again;
                `dead_letter` writes it to another sink.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values("1", "x", "3").map(int).on_error("skip").collect()
            >>> job = ctx.execute("skip")
            >>> job.result(), job.status().counts
            ([1, 3], {'skipped': 1})
        """
        set_policy(self._graph, self._operator, policy)
        return self

    def _under(self: S, policy: ErrorPolicy | None) -> S:
        """Set the policy that a method was given as an argument, if it was."""
        return self if policy is None else self.on_error(policy)

    def with_config(self: S, key: str | Mapping[str, Any], value: Any = None) -> S:
        """Tell the operator's functions something: they find it in ``context.config`` when they are opened.

        Args:
            key: Name of the value, or a mapping of several.
            value: The value.
        """
        if isinstance(key, str):
            key = {key: value}
        if not isinstance(key, Mapping):
            raise GraphError(f"with_config() takes a name and a value, or a mapping, got {key!r}")
        self._operator.config.update(key)
        return self

    def resources(
        self: S,
        *,
        num_cpus: float | None = None,
        num_gpus: float = 0.0,
        custom: Mapping[str, float] | None = None,
        placement: Placement | None = None,
    ) -> S:
        """Say what each task of the operator asks of a node; Ray places by it, one process ignores it.

        Operators of one chain share a task: it asks for the most that any of them does.

        Args:
            num_cpus: CPUs; by default a worker reserves a tenth of one.
            num_gpus: GPUs.
            custom: The cluster's own resources by name, e.g. ``{"disk": 1}``.
            placement: ``"spread"`` puts the tasks on different nodes where it can, ``"pack"`` on the
                job master's node while that has room.
        """
        self._operator.resources = _resources(num_cpus, num_gpus, custom or {}, placement)
        return self

    def __repr__(self) -> str:
        """Name the operator."""
        return f"<{type(self).__name__} of {self._operator.name}>"


class StreamSink(Stream):
    """The end of a stream."""


def _text(method: str, value: object) -> None:
    if not isinstance(value, str) or not value:
        raise GraphError(f"{method}() takes a text, got {value!r}")


def _resources(
    num_cpus: float | None, num_gpus: float, custom: Mapping[str, float], placement: Placement | None
) -> Resources:
    amounts = {"num_cpus": num_cpus or 0, "num_gpus": num_gpus, **custom}
    for name, amount in amounts.items():
        if isinstance(amount, bool) or not isinstance(amount, int | float) or amount < 0:
            raise GraphError(f"resources(): {name} must be a number from 0, got {amount!r}")
    if placement not in (None, "spread", "pack"):
        raise GraphError(f"resources(): placement must be 'spread' or 'pack', got {placement!r}")
    return Resources(num_cpus, num_gpus, dict(custom), placement)
