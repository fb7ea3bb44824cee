"""Asking every node of the cluster something, by a task of its own there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

T = TypeVar("T")


def alive() -> dict[str, str]:
    """Return the address of every living node by its id."""
    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return {n["NodeID"]: n["NodeManagerAddress"] for n in nodes if n["Alive"]}


def begin_asking(nodes: Iterable[str], question: Callable[..., T], *args: Any) -> dict[str, Any]:
    """Start ``question(*args)`` on nodes; `answers` waits for it.

    Returns:
        A reference per node id.
    """
    remote: Any = ray.remote  # its types do not know options
    task = remote(num_cpus=0, max_retries=0)(question)
    return {
        node: task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(*args)
        for node in nodes
    }


def begin_acting(nodes: Iterable[str], cls: type[Any]) -> dict[str, Any]:
    """Start an actor on nodes; to be killed.

    Returns:
        A handle per node id.
    """
    remote: Any = ray.remote  # its types do not know options
    actor = remote(num_cpus=0, max_restarts=0)(cls)
    return {
        node: actor.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote()
        for node in nodes
    }


def answers(asked: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """Wait for what `begin_asking` started, or for calls of actors.

    Args:
        asked: A reference per node id.
        timeout: Seconds for all of them together.

    Returns:
        Per node id what the question returned, or the error that came instead.
    """
    deadline = time.monotonic() + timeout
    found: dict[str, Any] = {}
    for node, call in asked.items():
        try:
            found[node] = ray.get(call, timeout=max(0.0, deadline - time.monotonic()))
        except GetTimeoutError:
            found[node] = TimeoutError(f"no answer within {timeout:g} s")
        except RayError as error:
            found[node] = error
    return found


def last_line(error: Exception) -> str:
    """Return the essence of an error that came instead of an answer: what precedes it is a traceback."""
    return str(error).strip().splitlines()[-1]
