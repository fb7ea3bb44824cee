"""`Frame`: what travels on a channel, with its place in the channel's sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from raystreaming.records.batch import Batch


@dataclass(frozen=True, slots=True)
class Barrier:
    """Ends an epoch: everything before it belongs to the checkpoint of `epoch`."""

    epoch: int


@dataclass(frozen=True, slots=True)
class EndOfInput:
    """No more records follow; only barriers may."""


Element: TypeAlias = "Batch | Barrier | EndOfInput"


@dataclass(slots=True)
class Frame:
    """One element, or a batch of consecutive elements, of a channel.

    Offsets are dense: the next frame of the channel starts at ``offset + len(frame)``. Where a
    stream is cut into frames carries no meaning; any re-cut is legal.

    Attributes:
        channel: Id of the channel.
        incarnation: Incarnation of the sending task; receivers drop all others.
        offset: Offset of the first element on the channel.
        element: A batch (one element a record) or a single mark.
    """

    channel: int
    incarnation: int
    offset: int
    element: Element

    def __len__(self) -> int:
        """Return how many offsets the frame covers."""
        return len(self.element) if isinstance(self.element, Batch) else 1

    def cut(self, count: int) -> tuple[Frame, Frame]:
        """Split a batch frame after `count` records."""
        batch = self.element
        assert isinstance(batch, Batch), "only frames of records can be cut"
        head = Frame(self.channel, self.incarnation, self.offset, batch.slice(0, count))
        tail = Frame(self.channel, self.incarnation, self.offset + count, batch.slice(count, len(batch)))
        return head, tail
