"""How a job runs on Ray."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RayOptions:
    """Options of the Ray runtime.

    Attributes:
        workers: How many workers share the tasks; None: one worker per task.
        spares: Workers kept ready for one that dies, beside those that work.
        detach: The job goes on when the program that submitted it has ended.
        buffer_timeout: Seconds a record waits at most for others before it is sent to another worker.
        channel_memory: Bytes that may be on their way from a task to one of another worker.
        lease: Seconds after which a worker ends itself that hears nothing of its master, a job that
            hears nothing of its driver, and a worker is given up that does not answer.
        start_timeout: Seconds to wait for the cluster to place the next worker.
        stall_timeout: Seconds after which a worker is given up whose task is still at the same records;
            None: never.
        runtime_env: Ray's runtime environment for the workers.
    """

    workers: int | None = None
    spares: int = 1
    detach: bool = False
    buffer_timeout: float = 0.005
    channel_memory: int = 1 << 20
    lease: float = 30.0
    start_timeout: float = 60.0
    stall_timeout: float | None = 600.0
    runtime_env: Mapping[str, Any] = field(default_factory=dict[str, Any])
