"""`TopicWatch`: finds that a topic which is being read was deleted. The libraries do not say so."""

from __future__ import annotations

import time
from collections.abc import Container

from raystreaming.connector import Terminal

_EVERY = 10.0
"""Seconds between two looks."""


class TopicWatch:
    """Says when it is time to look, and compares what is there with what is read.

    Args:
        servers: Of the connection, for messages.
    """

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._next = time.monotonic() + _EVERY
        self._missed: set[str] = set()

    def due(self) -> bool:
        """Return whether it is time to ask the cluster for its topics; then it is not for a while."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + _EVERY
        return True

    def check(self, read: set[str], there: Container[str]) -> None:
        """Refuse topics that were missing the last time, too: a cluster that settles knows of fewer.

        Raises:
            Terminal: One was deleted.
        """
        missing = {topic for topic in read if topic not in there}
        gone = sorted(missing & self._missed)
        if gone:
            raise Terminal(
                f"Reading topic {gone[0]!r} at {self._servers} failed: the topic was deleted. Read "
                "a topic that exists; `--fresh` starts over without the old positions."
            )
        self._missed = missing
