"""How a job gets on, said now and then where there is no terminal."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from raystreaming.observe.notices import about, log
from raystreaming.observe.progress import Progress, line, progress
from raystreaming.observe.status import JobStatus
from raystreaming.observe.wanted import progress_interval


class ProgressLog:
    """Logs a line if it is time, whenever `look` is called.

    Args:
        status: Returns how the job is.
    """

    def __init__(self, status: Callable[[], JobStatus]) -> None:
        self._status = status
        self._every = progress_interval()
        self._next = time.monotonic() + (self._every or 0.0)
        self._before: JobStatus | None = None

    def __enter__(self) -> ProgressLog:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def look(self) -> None:
        """Log a line if it is time."""
        if self._every is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        now = self._status()
        told = progress(self._before, now)
        self._before = now
        log.info("%s", line(told), extra=about(now.job, metrics=metrics(told)))


def metrics(told: Progress) -> dict[str, Any]:
    """Return progress as plain values, for programs."""
    status = told.status
    return {
        "job": status.job,
        "state": status.state,
        "rate": told.rate,
        "lag": status.lag,
        "checkpoint": status.checkpoint,
        "checkpoint_age": status.checkpoint_age,
        "restarts": status.restarts,
        "counts": dict(status.counts),
        "bottleneck": told.bottleneck,
        "operators": [dataclasses.asdict(operator) for operator in told.operators],
    }
