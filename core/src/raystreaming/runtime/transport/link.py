"""The way to one peer: its connection once there is one, and what has to go over it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice

from raystreaming.records.codec import Buffer
from raystreaming.runtime.transport.credits import Outgoing, SendWindow
from raystreaming.runtime.transport.stream import MAX_BUFFERS, Stream
from raystreaming.runtime.transport.wire import Arrived, Parser, goodbye_message

READS_A_TURN = 4
"""How often a connection that has more to give is read before others get their turn."""


class Link:
    """One peer. The loop thread and the I/O thread send; only the I/O thread receives.

    Whoever sends first tries the socket itself. What does not go stays here, in order, and the I/O thread
    sends it when there is room: `send` and `credit` return whether it has to look after that.

    Attributes:
        peer: Name of the peer.
        stream: The connection; None before and after.
        over: Whether nothing goes over it any more.
        left: Whether the peer has said goodbye.
    """

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.stream: Stream | None = None
        self.over = False
        self.left = False
        self._lock = threading.Lock()
        self._parser = Parser()
        self._unsent: deque[Buffer] = deque()
        self._error: OSError | None = None

    def send(self, buffers: Iterable[Buffer]) -> bool:
        """Send, or queue, whole messages."""
        with self._lock:
            return self._send(buffers)

    def offer(self, window: SendWindow, message: Outgoing) -> bool:
        """Send a frame if its channel has credit, else keep it in the channel's window."""
        with self._lock:
            return self._send(b for m in window.offer(message) for b in m.buffers)

    def credit(self, window: SendWindow, consumed: int, records: int) -> bool:
        """Note credit of a channel and send what waited for it."""
        with self._lock:
            return self._send(b for m in window.credit(consumed, records) for b in m.buffers)

    def opened(self, stream: Stream) -> None:
        """Take the proven connection."""
        with self._lock:
            self.stream = stream

    def write(self) -> bool:
        """Send what is queued; return whether some is left.

        Raises:
            OSError: The connection broke, now or when something was sent before.
        """
        with self._lock:
            self._write()
            if self._error is not None:
                raise self._error
            return bool(self._unsent)

    def receive(self) -> tuple[list[Arrived], bool]:
        """Return the messages that have come, and whether the connection has ended.

        Raises:
            OSError: The connection broke.
            WireError: The peer sends nonsense.
        """
        messages: list[Arrived] = []
        stream = self.stream
        for _ in range(READS_A_TURN):
            if stream is None:
                break
            buffers = self._parser.buffers()
            count = stream.receive(buffers)
            if not count:
                return messages, count == 0
            messages += self._parser.received(count)
            if not stream.pending and count < sum(map(len, buffers)):
                break
        return messages, False

    def say_goodbye(self) -> None:
        """Queue the last message."""
        self.send([goodbye_message()])

    def end(self) -> Stream | None:
        """Send nothing any more; return the connection, which is to be closed."""
        with self._lock:
            self.over = True
            stream, self.stream = self.stream, None
            self._unsent.clear()
            return stream

    def _send(self, buffers: Iterable[Buffer]) -> bool:
        if self.over:
            return False
        unsent = self._unsent
        busy = bool(unsent)
        unsent.extend(buffers)
        if busy or self.stream is None or not unsent:
            return False
        self._write()
        return bool(unsent) or self._error is not None

    def _write(self) -> None:
        unsent, stream = self._unsent, self.stream
        while unsent and stream is not None:
            buffers = list(islice(unsent, MAX_BUFFERS))
            try:
                count = stream.send(buffers)
            except OSError as error:
                self._error = error
                unsent.clear()
                return
            if not count:
                return
            while unsent and count >= len(unsent[0]):
                count -= len(unsent.popleft())
            if count:
                unsent[0] = memoryview(unsent[0])[count:]
