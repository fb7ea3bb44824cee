"""The receiving ends of a task's channels, and the alignment of barriers over them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from raystreaming.records import Barrier, Batch, Element, EndOfInput, Frame


class InputChannel:
    """Receives the frames of one channel in order, whatever is sent again or cut anew."""

    def __init__(self, channel: int, incarnation: int = 0) -> None:
        self.id = channel
        self.incarnation = incarnation
        self.next_offset = 0
        self.consumed_offset = 0
        self.elements: deque[Element] = deque()
        self.records = 0
        self.blocked = False
        self.ended = False

    def receive(self, frame: Frame) -> None:
        """Queue what is new in `frame`; drop strangers and repeats.

        Raises:
            RuntimeError: Elements are missing in between: the transport broke its promise.
        """
        if frame.incarnation != self.incarnation:
            return
        skip = self.next_offset - frame.offset
        if skip < 0:
            raise RuntimeError(f"channel {self.id}: got offset {frame.offset}, expected {self.next_offset}")
        if skip >= len(frame):
            return
        element = (frame.cut(skip)[1] if skip else frame).element
        self.next_offset = frame.offset + len(frame)
        self.elements.append(element)
        if isinstance(element, Batch):
            self.records += len(element)

    def take(self, limit: int) -> Element:
        """Return the next element, of a batch at most `limit` records."""
        element = self.elements.popleft()
        if not isinstance(element, Batch):
            self.consumed_offset += 1
            return element
        if len(element) > limit:
            self.elements.appendleft(element.slice(limit, len(element)))
            element = element.slice(0, limit)
        self.records -= len(element)
        self.consumed_offset += len(element)
        return element


class Inputs:
    """All input channels of a task: takes turns, and blocks a channel behind its barrier."""

    def __init__(self, channels: Sequence[int], incarnation: int = 0) -> None:
        self.channels = {c: InputChannel(c, incarnation) for c in channels}
        self._turn: deque[InputChannel] = deque(self.channels.values())

    def ready(self) -> bool:
        """Return whether some channel has something that may be taken."""
        return any(c.elements and not c.blocked for c in self._turn)

    def take(self, limit: int) -> Batch | Barrier | EndOfInput | None:
        """Return the next batch; or a barrier or the end, once it has come on every channel.

        None means that a mark was noted on one channel while others still owe it.
        """
        for _ in range(len(self._turn)):
            channel = self._turn[0]
            self._turn.rotate(-1)
            if channel.elements and not channel.blocked:
                break
        else:
            return None
        element = channel.take(limit)
        if isinstance(element, Batch):
            return element
        if isinstance(element, Barrier):
            channel.blocked = True
            if not all(c.blocked for c in self._turn):
                return None
            for c in self._turn:
                c.blocked = False
            return element
        channel.ended = True
        return element if all(c.ended for c in self._turn) else None
