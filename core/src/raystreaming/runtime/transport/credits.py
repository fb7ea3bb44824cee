"""Byte credits of a channel, both ends: how much may be under way, and what is consumed.

Both ends count all bytes of the channel since its start, so a credit is one growing number. The receiver
tells it each time another quarter of the window is consumed. So the sender may not know of up to a quarter;
where less than that is in flight, everything may have been consumed, and a message of any size may go.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from raystreaming.records.codec import Buffer
from raystreaming.runtime.transport.wire import WireError


class Outgoing(NamedTuple):
    """An encoded frame.

    Attributes:
        buffers: The message.
        size: Its bytes.
        mark: Whether it is a mark, which needs no credit.
    """

    buffers: list[Buffer]
    size: int
    mark: bool


class SendWindow:
    """The sender's end: holds back what the receiver has no credit for; the order stays.

    In flight are at most `window` bytes, or one message and a quarter of the window where that is more.

    Attributes:
        watched: Whether somebody waits for room.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._sent = 0
        self._consumed = 0
        self._waiting: deque[Outgoing] = deque()
        self._waiting_size = 0
        self.watched = False

    @property
    def in_flight(self) -> int:
        """Bytes that were sent and are not known to be consumed."""
        return self._sent - self._consumed

    def has_room(self) -> bool:
        """Return whether more should be sent; if not, it is noted that somebody waits."""
        # Noted before the look: credit that comes in between, on another thread, is not missed.
        self.watched = True
        if self.in_flight + self._waiting_size < self._window:
            self.watched = False
            return True
        return False

    def offer(self, message: Outgoing) -> list[Outgoing]:
        """Take a message and return what may go now."""
        self._waiting.append(message)
        self._waiting_size += message.size
        return self._ready()

    def credit(self, consumed: int) -> list[Outgoing]:
        """Note how many bytes are consumed in all and return what may go now.

        Raises:
            WireError: That cannot be.
        """
        if not self._consumed <= consumed <= self._sent:
            raise WireError(f"{consumed} bytes consumed, of {self._sent} sent and {self._consumed} before")
        self._consumed = consumed
        return self._ready()

    def _ready(self) -> list[Outgoing]:
        ready: list[Outgoing] = []
        waiting = self._waiting
        while waiting and (waiting[0].mark or self._may_go(waiting[0].size)):
            message = waiting.popleft()
            self._sent += message.size
            self._waiting_size -= message.size
            ready.append(message)
        return ready

    def _may_go(self, size: int) -> bool:
        in_flight = self.in_flight
        return in_flight + size <= self._window or in_flight < credit_step(self._window)


class ReceiveWindow:
    """The receiver's end: counts bytes by the offsets that are consumed."""

    def __init__(self, window: int) -> None:
        self._step = credit_step(window)
        self._unconsumed: deque[tuple[int, int]] = deque()
        self._consumed = 0
        self._told = 0

    def arrived(self, end: int, size: int) -> None:
        """Note a message of `size` bytes that ends before the offset `end`."""
        self._unconsumed.append((end, size))

    def consumed(self, offset: int) -> int | None:
        """Note that all before `offset` is consumed; return the bytes to tell the sender, if it is time."""
        unconsumed = self._unconsumed
        while unconsumed and unconsumed[0][0] <= offset:
            self._consumed += unconsumed.popleft()[1]
        if self._consumed - self._told < self._step:
            return None
        self._told = self._consumed
        return self._consumed


def credit_step(window: int) -> int:
    """Return the bytes after which the receiver gives credit."""
    return max(1, window // 4)
