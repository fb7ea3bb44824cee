"""Messages on a proven connection, without the connection: headers, and a parser for any pieces.

A message is a header of 28 bytes and a body. Three kinds: data (a frame of a channel), credit (how many
bytes of a channel are consumed) and goodbye (the connection ends because its worker is done).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from raystreaming.records import Frame
from raystreaming.records.codec import Buffer

DATA, CREDIT, GOODBYE = 1, 2, 3

MAX_BODY = 2**31 - 1
"""The largest body, which limits what a peer can make us allocate."""

RECEIVE_SIZE = 1 << 18
"""Bytes that may be received at once."""

# Kind, number of buffers in the body, channel, incarnation, size of the body, and a number: of data the
# offset of the frame, of credit all bytes consumed since the start. Credit has the records that may be
# under way where data has the incarnation.
_HEADER = struct.Struct("<BxxxIIIIQ")
HEADER_SIZE = _HEADER.size
_ALIGN = 8  # Where buffers start in a body, so that arrays can be used where they are.
_PADDING = bytes(_ALIGN)


class WireError(Exception):
    """A peer sent what no version of this code sends."""


class Arrived(NamedTuple):
    """A message of a peer.

    Attributes:
        kind: `DATA` where it comes to a loop.
        channel: Id of the channel.
        incarnation: Incarnation of the sending task.
        number: Offset of the first element.
        parts: How many buffers the body holds.
        body: The buffers; with several, their sizes come first.
    """

    kind: int
    channel: int
    incarnation: int
    number: int
    parts: int
    body: bytearray

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return HEADER_SIZE + len(self.body)

    def buffers(self) -> list[Buffer]:
        """Return the buffers that the frame was encoded into.

        Raises:
            WireError: The body is too short for them.
        """
        if self.parts == 1:
            return [self.body]
        view = memoryview(self.body)
        end = 4 * self.parts
        if end > len(view):
            raise WireError(f"no room for the sizes of {self.parts} buffers in a body of {len(view)} bytes")
        sizes = struct.unpack_from(f"<{self.parts}I", view)
        buffers: list[Buffer] = []
        for size in sizes:
            start = _aligned(end)
            end = start + size
            buffers.append(view[start:end])
        if end != len(view):
            raise WireError(f"buffers of {end} bytes in a body of {len(view)}")
        return buffers


def data_message(frame: Frame, buffers: Sequence[Buffer]) -> list[Buffer]:
    """Return the message for a frame that was encoded into `buffers`."""
    parts = len(buffers)
    if parts == 1:
        size = len(buffers[0])
        return [_header(DATA, parts, frame.channel, frame.incarnation, size, frame.offset), buffers[0]]
    table = struct.pack(f"<{parts}I", *(memoryview(b).nbytes for b in buffers))
    body: list[Buffer] = [table]
    end = len(table)
    for buffer in buffers:
        if pad := _aligned(end) - end:
            body.append(_PADDING[:pad])
        body.append(buffer)
        end += pad + len(buffer)
    return [_header(DATA, parts, frame.channel, frame.incarnation, end, frame.offset), *body]


def credit_message(channel: int, consumed: int, records: int) -> Buffer:
    """Return the message that the first `consumed` bytes of a channel are, and how many records may come."""
    return _header(CREDIT, 0, channel, records, 0, consumed)


def goodbye_message() -> Buffer:
    """Return the last message of a connection."""
    return _header(GOODBYE, 0, 0, 0, 0, 0)


def _header(kind: int, parts: int, channel: int, incarnation: int, size: int, number: int) -> bytes:
    if size > MAX_BODY:
        raise WireError(f"a frame of {size:,} bytes; at most {MAX_BODY:,} can be sent at once")
    return _HEADER.pack(kind, parts, channel, incarnation, size, number)


def _aligned(position: int) -> int:
    return -(-position // _ALIGN) * _ALIGN


class Parser:
    """Turns received bytes, cut anywhere, into messages.

    Receive into `buffers()`, then tell `received` how much came. A body that has not come in whole is
    received where it stays; bodies are never shared, so what is decoded from one keeps only that alive.
    """

    def __init__(self) -> None:
        self._staging = memoryview(bytearray(RECEIVE_SIZE))
        self._staged = 0  # Bytes at the start of `_staging`: always less than a header.
        self._header: tuple[int, int, int, int, int, int] | None = None
        self._body = bytearray()
        self._rest = memoryview(self._body)  # What the body lacks.

    def buffers(self) -> list[memoryview]:
        """Return where the next bytes belong, in this order."""
        free = self._staging[self._staged :]
        return [self._rest, free] if self._header is not None else [free]

    def received(self, count: int) -> list[Arrived]:
        """Return the messages that `count` more bytes complete.

        Raises:
            WireError: These are no messages of ours.
        """
        messages: list[Arrived] = []
        if self._header is not None:
            taken = min(count, len(self._rest))
            self._rest = self._rest[taken:]
            count -= taken
            if len(self._rest):
                return messages
            messages.append(self._complete())
        start, end = 0, self._staged + count
        while end - start >= HEADER_SIZE:
            self._header = header = _HEADER.unpack_from(self._staging, start)
            start += HEADER_SIZE
            size = _checked_size(header)
            if end - start >= size:
                self._body = bytearray(self._staging[start : start + size])
                start += size
                messages.append(self._complete())
                continue
            self._body = bytearray(size)
            self._rest = memoryview(self._body)
            self._rest[: end - start] = self._staging[start:end]
            self._rest = self._rest[end - start :]
            start = end
        self._staged = end - start
        self._staging[: self._staged] = bytes(self._staging[start:end])
        return messages

    def _complete(self) -> Arrived:
        assert self._header is not None
        kind, parts, channel, incarnation, _, number = self._header
        self._header = None
        return Arrived(kind, channel, incarnation, number, parts, self._body)


def _checked_size(header: tuple[int, int, int, int, int, int]) -> int:
    kind, parts, _, _, size, _ = header
    if kind not in (DATA, CREDIT, GOODBYE) or size > MAX_BODY or (kind == DATA) != (parts > 0):
        raise WireError(f"no message of this protocol: kind {kind}, {parts} buffers, {size} bytes")
    if kind != DATA and size:
        raise WireError(f"a message of kind {kind} with a body of {size} bytes")
    return size
