"""`Restarts`: how often a job begins again by itself, and how long it waits before."""

from __future__ import annotations

from raystreaming.errors import Retryable, WorkerLost
from raystreaming.observe.notices import about, log
from raystreaming.runtime.spec import JobSpec


class Restarts:
    """Counts the restarts of a job.

    Attributes:
        total: How often it has restarted.
    """

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self._in_a_row = 0
        self.total = 0

    def failed(self, error: Retryable, progressed: bool) -> float:
        """Note that an attempt has failed.

        Args:
            error: Why.
            progressed: Whether it had completed a checkpoint before.

        Returns:
            Seconds to wait before the next attempt.

        Raises:
            Retryable: `error`, where there have been enough attempts.
        """
        spec = self._spec
        self._in_a_row = 1 if progressed else self._in_a_row + 1
        if self._in_a_row > spec.restarts:
            raise error
        self.total += 1
        delay: float = spec.restart_delay * 2 ** (self._in_a_row - 1)
        if self._in_a_row == 1 and isinstance(error, WorkerLost):
            delay = 0.0  # there is nothing that could pass by waiting
        log.warning(
            "job %r: %s; restarts from its last checkpoint %s (%d of %d)",
            spec.name,
            error,
            f"in {delay:.0f} s" if delay else "now",
            self._in_a_row,
            spec.restarts,
            extra=about(spec.name),
        )
        return delay
