"""The frames of one channel made into messages worth sending: small ones merged, large ones cut.

A message leaves when it is full, or `timeout` seconds after the one before it began to be collected. So a
lone record waits for nothing, and no channel sends more than two messages in that time that are not full.
Counted from when the one before it *left*, the second of two hops would lag behind the first for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from raystreaming.records import Batch, Frame, is_columnar

MAX_RECORDS = 8_000
"""Records in a message of lists: with fewer, waking threads costs more than the records do."""

MESSAGE_SIZE = 1 << 17
"""Bytes that a message should have at most."""

GROWTH = 16
"""How many times the records of the message before a message may have, as records may have grown since."""


class Merger:
    """Collects the frames of a channel; the caller brings the time and sends what comes out.

    Args:
        timeout: The longest time that records wait for others, in seconds.

    Attributes:
        most: Records that a message may have; set by the caller before it adds.
    """

    def __init__(self, timeout: float) -> None:
        self.most = MAX_RECORDS
        self._timeout = timeout
        self._frames: list[Frame] = []
        self._records = 0
        self._began = self._due = float("-inf")
        # How many records make a full message: their size is known only once some are encoded. What an
        # Arrow batch has could be asked, for 15 us each time.
        self._full = GROWTH
        self._full_arrow: int | None = None

    @property
    def due(self) -> float | None:
        """When what is collected has to go; None if nothing is."""
        return self._due if self._frames else None

    def add(self, frame: Frame, now: float) -> list[Frame]:
        """Take the next frame of the channel and return what is to be sent now, in order."""
        batch = frame.element
        if not isinstance(batch, Batch) or not isinstance(batch.values, list):
            return [*self.take(), frame]
        ready = self.take() if self._frames and not _alike(self._frames[-1], frame) else []
        if not self._frames:
            self._began = now
        self._frames.append(frame)
        self._records += len(batch)
        if self._records >= min(self._full, self.most) or now >= self._due:
            ready += self.take()
        return ready

    def take(self) -> list[Frame]:
        """Return what is collected, as at most one frame."""
        self._due = self._began + self._timeout
        frames, self._frames, self._records = self._frames, [], 0
        return [_merged(frames)] if len(frames) > 1 else frames

    def cut(self, frame: Frame) -> Iterator[Frame]:
        """Yield `frame` in pieces for one message each; `encoded` in between changes their size."""
        batch = frame.element
        if isinstance(batch, Batch):
            while len(frame) > (count := self._rows(batch)):
                head, frame = frame.cut(count)
                yield head
        yield frame

    def encoded(self, frame: Frame, size: int) -> None:
        """Learn from the size of a message."""
        if not isinstance(frame.element, Batch):
            return
        full = max(1, MESSAGE_SIZE * len(frame) // size)
        if is_columnar(frame.element.values):
            self._full_arrow = full
        else:
            # Few records by chance, such as the rest of a cut, do not undo what many have shown.
            trusted = max(GROWTH * len(frame), self._full // 2)
            self._full = min(MAX_RECORDS, trusted, full)

    def _rows(self, batch: Batch) -> int:
        values = batch.values
        if not is_columnar(values):
            return min(self._full, self.most)
        if self._full_arrow is None:
            self._full_arrow = max(1, MESSAGE_SIZE * len(batch) // max(1, values.nbytes))
        return min(self._full_arrow, self.most)


def _alike(one: Frame, other: Frame) -> bool:
    """Return whether two consecutive frames can be merged."""
    a, b = one.element, other.element
    assert isinstance(a, Batch)
    assert isinstance(b, Batch)
    assert one.offset + len(one) == other.offset, "offsets of a channel are dense"
    return (
        one.incarnation == other.incarnation
        and (a.keys is None) == (b.keys is None)
        and (a.timestamps is None) == (b.timestamps is None)
    )


def _merged(frames: list[Frame]) -> Frame:
    first = frames[0]
    batches: list[Any] = [frame.element for frame in frames]
    columns = [
        None if getattr(batches[0], column) is None else list(chain(*(getattr(b, column) for b in batches)))
        for column in ("values", "keys", "timestamps")
    ]
    values, keys, timestamps = columns
    assert values is not None
    return Frame(first.channel, first.incarnation, first.offset, Batch(values, keys, timestamps))
