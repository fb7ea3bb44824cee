"""`Board`: what the job master shows to whoever asks."""

from __future__ import annotations

import threading

from raystreaming.runtime.ray.messages import Said

KEPT_LINES = 1_000


class Board:
    """State and lines of a job; written by the job's thread, read by actor calls that wait for news.

    Attributes:
        state: As in `JobStatus`.
        was_running: Whether all tasks have been open once.
        over: Whether nothing will change any more.
    """

    def __init__(self) -> None:
        self.state = "starting"
        self.was_running = False
        self.over = False
        self._lines: list[Said] = []
        self._first = 0
        self._news = threading.Condition()

    def say(self, said: Said) -> None:
        """Add a line for people."""
        with self._news:
            self._lines.append(said)
            if len(self._lines) > KEPT_LINES:
                del self._lines[0]
                self._first += 1
            self._news.notify_all()

    def show(self, state: str, over: bool = False) -> None:
        """Change the state."""
        with self._news:
            self.state = state
            self.was_running = self.was_running or state == "running"
            self.over = self.over or over
            self._news.notify_all()

    def wait(self, state: str, line: int, timeout: float) -> tuple[int, tuple[Said, ...]]:
        """Wait for another state or a line numbered `line` or later.

        Returns:
            The number of the next line, and the lines from `line` on.
        """
        with self._news:
            self._news.wait_for(
                lambda: self.over or self.state != state or self._first + len(self._lines) > line, timeout
            )
            return self._first + len(self._lines), tuple(self._lines[max(0, line - self._first) :])
