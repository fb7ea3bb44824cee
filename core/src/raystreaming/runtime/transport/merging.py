"""The frames of one channel made into messages worth sending: small ones merged, large ones cut.

A message leaves as soon as nothing was sent for `timeout` seconds; what comes within that time after it
travels together. So a lone record waits for nothing, and a busy channel sends few messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from raystreaming.records import Batch, Frame, is_columnar

MAX_RECORDS = 1_000
"""Records in a message of lists, as the engine cuts them."""

MESSAGE_SIZE = 1 << 17
"""Bytes that a message should have at most."""


class Merger:
    """Collects the frames of a channel; the caller brings the time and sends what comes out.

    Args:
        timeout: Seconds between two messages that are not full.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._frames: list[Frame] = []
        self._records = 0
        self._last_sent = float("-inf")
        # How many records make a full message: their size is known only once some are encoded.
        self._full = MAX_RECORDS

    @property
    def due(self) -> float | None:
        """When what is collected has to go; None if nothing is."""
        return self._last_sent + self._timeout if self._frames else None

    def add(self, frame: Frame, now: float) -> list[Frame]:
        """Take the next frame of the channel and return what is to be sent now, in order."""
        batch = frame.element
        if not isinstance(batch, Batch) or is_columnar(batch.values):
            return [*self.take(now), frame]
        ready = self.take(now) if self._frames and not _alike(self._frames[-1], frame) else []
        self._frames.append(frame)
        self._records += len(batch)
        if self._records >= self._full or now >= self._last_sent + self._timeout:
            ready += self.take(now)
        return ready

    def take(self, now: float) -> list[Frame]:
        """Return what is collected as at most one frame."""
        self._last_sent = now
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
        if isinstance(frame.element, Batch) and not is_columnar(frame.element.values):
            self._full = min(MAX_RECORDS, max(1, MESSAGE_SIZE * len(frame) // size))

    def _rows(self, batch: Batch) -> int:
        if isinstance(batch.values, list):
            return self._full
        size: int = batch.values.nbytes
        return max(1, len(batch) * MESSAGE_SIZE // max(1, size))


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
