"""`AwakeClock`: time in which this process could have heard something."""

from __future__ import annotations

import threading
import time

LONGEST = 1.0
"""Seconds that count at most between two looks at the clock."""


class AwakeClock:
    """A monotonic clock that nearly stands still while its process does; for those who look at it often.

    A process that was stopped, or whose machine was paused, would else find all others silent when it
    goes on, before it has read what they sent meanwhile.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._passed = 0.0

    def __call__(self) -> float:
        """Return the seconds that have passed."""
        with self._lock:
            now = time.monotonic()
            self._passed += min(now - self._looked, LONGEST)
            self._looked = now
            return self._passed
