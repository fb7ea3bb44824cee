"""Credits of a channel, both ends: how much may be under way, and what is consumed.

Both ends count all bytes of the channel since its start, so a credit is one growing number. The receiver
tells it each time another quarter of the window is consumed. So the sender may not know of up to a quarter;
where less than that is in flight, everything may have been consumed, and a message of any size may go.

Bytes bound the memory. How long a barrier waits behind what is under way depends on how long the receiver
takes for a record, which it knows: with each credit it says how many records may be under way, and the same
holds for these. It tells more credit by what it has said last, so that neither end waits for the other.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from raystreaming.records.codec import Buffer
from raystreaming.runtime.transport.wire import WireError

FIRST_RECORDS = 128
"""Records that may be under way before the receiver has said how many."""


class Outgoing(NamedTuple):
    """An encoded frame.

    Attributes:
        buffers: The message.
        size: Its bytes.
        records: Its elements.
        mark: Whether it is a mark, which needs no credit.
    """

    buffers: list[Buffer]
    size: int
    records: int
    mark: bool


class SendWindow:
    """The sender's end: holds back what the receiver has no credit for; the order stays.

    In flight are at most `window` bytes, or one message and a quarter of the window where that is more.

    Attributes:
        records: How many records may be in flight.
        watched: Whether somebody waits for room.
    """

    def __init__(self, window: int) -> None:
        self._window = window
        self._sent = 0
        self._consumed = 0
        self._flying: deque[tuple[int, int]] = deque()
        self._flying_records = 0
        self._waiting: deque[Outgoing] = deque()
        self._waiting_size = 0
        self._waiting_records = 0
        self.records = FIRST_RECORDS
        self.watched = False

    @property
    def in_flight(self) -> int:
        """Bytes that were sent and are not known to be consumed."""
        return self._sent - self._consumed

    def has_room(self) -> bool:
        """Return whether more should be sent; if not, it is noted that somebody waits."""
        # Noted before the look: credit that comes in between, on another thread, is not missed.
        self.watched = True
        room = self.in_flight + self._waiting_size < self._window
        if room and self._flying_records + self._waiting_records < self.records:
            self.watched = False
            return True
        return False

    def offer(self, message: Outgoing) -> list[Outgoing]:
        """Take a message and return what may go now."""
        self._waiting.append(message)
        self._waiting_size += message.size
        self._waiting_records += message.records
        return self._ready()

    def credit(self, consumed: int, records: int) -> list[Outgoing]:
        """Note how many bytes are consumed in all, and how many records may be in flight from now on.

        Returns:
            What may go now.

        Raises:
            WireError: That cannot be.
        """
        if not self._consumed <= consumed <= self._sent:
            raise WireError(f"{consumed} bytes consumed, of {self._sent} sent and {self._consumed} before")
        self._consumed = consumed
        self.records = max(1, records)
        while self._flying and self._flying[0][0] <= consumed:
            self._flying_records -= self._flying.popleft()[1]
        return self._ready()

    def _ready(self) -> list[Outgoing]:
        ready: list[Outgoing] = []
        waiting = self._waiting
        while waiting and (waiting[0].mark or self._may_go(waiting[0])):
            message = waiting.popleft()
            self._sent += message.size
            self._waiting_size -= message.size
            self._flying.append((self._sent, message.records))
            self._flying_records += message.records
            self._waiting_records -= message.records
            ready.append(message)
        return ready

    def _may_go(self, message: Outgoing) -> bool:
        in_flight, records = self.in_flight, self._flying_records
        return (in_flight + message.size <= self._window or in_flight < credit_step(self._window)) and (
            records + message.records <= self.records or records < credit_step(self.records)
        )


class ReceiveWindow:
    """The receiver's end: counts bytes and records by the offsets that are consumed."""

    def __init__(self, window: int) -> None:
        self._step = credit_step(window)
        self._unconsumed: deque[tuple[int, int, int]] = deque()
        self._consumed = 0
        self._told = 0
        self._records = 0
        self._most = FIRST_RECORDS

    def arrived(self, end: int, size: int, records: int) -> None:
        """Note a message of `size` bytes that ends before the offset `end`."""
        self._unconsumed.append((end, size, records))

    def consumed(self, offset: int, most: int) -> int | None:
        """Note that all before `offset` is consumed, and that `most` records may be under way.

        Returns:
            The bytes to tell the sender, if it is time.
        """
        unconsumed = self._unconsumed
        while unconsumed and unconsumed[0][0] <= offset:
            _, size, records = unconsumed.popleft()
            self._consumed += size
            self._records += records
        much = self._consumed - self._told >= self._step or self._records >= credit_step(self._most)
        if not much and most < 2 * self._most:
            return None
        self._told, self._records, self._most = self._consumed, 0, most
        return self._consumed


def credit_step(window: int) -> int:
    """Return the bytes after which the receiver gives credit."""
    return max(1, window // 4)
