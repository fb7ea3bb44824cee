"""How much work is done at a time: about 20 ms, so that nothing waits long for a task."""

from __future__ import annotations

from raystreaming.runtime.reading import FIRST_LIMIT, MAX_LIMIT

TARGET = 0.020


class PiecePace:
    """Adapts how many records a piece of a task may have to what its pieces cost.

    Args:
        most: The task's own limit.

    Attributes:
        limit: Records a piece.
    """

    def __init__(self, most: int) -> None:
        self.limit = FIRST_LIMIT
        self._most = min(most, MAX_LIMIT)
        self._records = 0
        self._seconds = 0.0

    def worked(self, records: int, seconds: float) -> None:
        """Note what a step took.

        A task that is sent a few records at a time grows too, as soon as enough of them were fast: what
        may wait for it bounds the pieces of who feeds it.
        """
        if seconds > 2 * TARGET:
            taken = min(self.limit, records) if records else self.limit
            self.limit = max(1, int(taken * TARGET / seconds))
            self._records, self._seconds = 0, 0.0
            return
        self._records += records
        self._seconds += seconds
        if self._records and self._records >= self.limit // 2:
            if self._seconds < TARGET / 2:
                self.limit = min(self._most, self.limit * 2)
            self._records, self._seconds = 0, 0.0


class EntryPace:
    """Adapts how many records a reader fetches at a time to what an entry costs the chain."""

    def __init__(self) -> None:
        self.limit = FIRST_LIMIT
        self._seconds = 0.0

    def worked(self, seconds: float) -> None:
        """Note what a step took."""
        self._seconds += seconds

    def entry_done(self, records: int) -> int:
        """Note that an entry is consumed; return the new limit."""
        seconds, self._seconds = self._seconds, 0.0
        if seconds > 2 * TARGET:
            self.limit = max(1, int(self.limit * TARGET / seconds))
        elif seconds < TARGET / 2 and 2 * records >= self.limit:
            self.limit = min(MAX_LIMIT, self.limit * 2)
        return self.limit
