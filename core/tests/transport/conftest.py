"""Workers reduced to their transport, and random frames."""

from __future__ import annotations

import threading
import time
from collections import Counter
from queue import Empty, SimpleQueue

import pytest

from raystreaming.engine.inputs import InputChannel
from raystreaming.records import Frame
from raystreaming.runtime.transport import Transport
from raystreaming_test_support.descriptors import opened_by

SECRET = bytes(range(32))


class Node:
    """A transport with the loop thread that a test plays."""

    def __init__(self, name: str, **options) -> None:
        self.inbox: SimpleQueue = SimpleQueue()
        self.failures: SimpleQueue = SimpleQueue()
        self.offsets: dict[int, int] = {}
        self.name = name
        options = {"secret": SECRET, "attempt": 1, "host": "127.0.0.1", **options}
        self.transport = Transport(name, deliver=self.inbox.put, failed=self.failures.put, **options)
        self.address = self.transport.address

    def send(self, channel: int, element) -> None:
        frame = Frame(channel, 0, self.offsets.get(channel, 0), element)
        self.offsets[channel] = frame.offset + len(frame)
        self.transport.send(frame)

    def receive(self, seconds: float = 60) -> list[Frame]:
        """Return the frames of the next delivery; flushes meanwhile."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                got = self.inbox.get(timeout=0.002)
                break
            except Empty:
                self.transport.flush(time.monotonic())
                assert time.monotonic() < deadline, "nothing came"
        return [self.transport.decode(message) for message in got]

    def receive_until(self, channel: int, offset: int, consume: bool = True) -> list:
        """Return the elements of a channel up to `offset`, checked for gaps and repeats."""
        received = InputChannel(channel)
        while received.next_offset < offset:
            for frame in self.receive():
                assert frame.channel == channel
                assert frame.offset == received.next_offset
                received.receive(frame)
                if consume:
                    self.transport.consumed(channel, received.next_offset, 32_768)
        return list(received.elements)

    def failure(self, seconds: float = 60) -> BaseException:
        return self.failures.get(timeout=seconds)


@pytest.fixture
def nodes():
    """Return a function that makes a `Node`; checks that closing leaves nothing of them.

    What others have left may end meanwhile.
    """
    files, threads = opened_by("self"), set(threading.enumerate())
    made: list[Node] = []

    def make(name: str, **options) -> Node:
        made.append(Node(name, **options))
        return made[-1]

    yield make
    for node in made:
        node.transport.close()
    assert opened_by("self") - files == Counter()
    assert set(threading.enumerate()) <= threads


@pytest.fixture
def pair(nodes):
    """Return a function that makes two connected nodes: channel 1 goes there, channel 2 back."""

    def make(**options) -> tuple[Node, Node]:
        a, b = nodes("a", **options), nodes("b", **options)
        a.transport.connect({"b": b.address}, {1: "b"}, {2: "b"})
        b.transport.connect({"a": a.address}, {2: "a"}, {1: "a"})
        return a, b

    return make
