"""`Tally`: counts by name, from several threads."""

from __future__ import annotations

import threading
from collections import Counter


class Tally:
    """Counts by name."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, n: int) -> None:
        """Add to a count."""
        with self._lock:
            self._counts[name] += n

    def counts(self) -> dict[str, int]:
        """Return all counts."""
        with self._lock:
            return dict(self._counts)
