"""A source function for tests: whole numbers, shared out."""

from __future__ import annotations

from raystreaming import Collector, SourceFunction


class Numbers(SourceFunction[int]):
    """Each task has every n-th number; a restart goes on with the next.

    Args:
        stop: The numbers go up to it; None: for ever.
        at_once: How many a call collects.
    """

    def __init__(self, stop: int | None, at_once: int = 1) -> None:
        self.stop = stop
        self.at_once = at_once

    def init(self, parallel: int, index: int) -> None:
        """Begin at the task's index."""
        self.step, self.at = parallel, index

    def fetch(self, collector: Collector) -> bool:
        """Collect the next numbers."""
        for _ in range(self.at_once):
            if self.stop is not None and self.at >= self.stop:
                return False
            collector.collect(self.at)
            self.at += self.step
        return True

    def save_checkpoint(self) -> int:
        """Return the next number."""
        return self.at

    def load_checkpoint(self, checkpoint: int) -> None:
        """Go on there."""
        self.at = checkpoint
