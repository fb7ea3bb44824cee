"""What the actors of a job are called, and how they are found again."""

from __future__ import annotations

import uuid
from typing import Any

import ray
from ray.util import list_named_actors

NAMESPACE = "raystreaming"
_MASTER = "/master"
_WORKER = "/worker-"


def master_name(job: str) -> str:
    """Return the name of a job's master; there is one at a time."""
    return job + _MASTER


def new_worker_name(job: str) -> str:
    """Return a name no worker has had."""
    return f"{job}{_WORKER}{uuid.uuid4().hex[:8]}"


def find(name: str) -> Any | None:
    """Return the handle of a named actor; None if there is none."""
    try:
        return ray.get_actor(name, namespace=NAMESPACE)
    except ValueError:
        return None


def _names() -> list[str]:
    actors: Any = list_named_actors(all_namespaces=True)  # its type is that of both ways to call it
    return [a["name"] for a in actors if a["namespace"] == NAMESPACE]


def jobs() -> list[str]:
    """Return the names of all jobs of the cluster that have a master."""
    return sorted(n.removesuffix(_MASTER) for n in _names() if n.endswith(_MASTER))


def workers(job: str) -> dict[str, Any]:
    """Return the handles of a job's workers, by name."""
    names = [n for n in _names() if n.startswith(job + _WORKER)]
    return {n: handle for n in sorted(names) if (handle := find(n)) is not None}
