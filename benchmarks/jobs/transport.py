"""The transport between processes: transport.py rate KIND SIZE FRAMES TIMEOUT | hops RECORDS TIMEOUT."""

import json
import multiprocessing
import secrets
import sys
import time
from itertools import cycle, islice
from queue import Empty, SimpleQueue

from frames import frames
from paced import Meter, Pace, to_event

from raystreaming.records import Batch, EndOfInput, Frame
from raystreaming.runtime.transport import Transport


class Node:
    """A worker's loop thread, and nothing that it would do beside sending and receiving."""

    def __init__(self, name, secret, timeout):
        self.inbox = SimpleQueue()
        self.transport = Transport(
            name, "127.0.0.1", secret, 1, self.inbox.put, self.inbox.put, buffer_timeout=timeout
        )
        self.offset = 0

    def send(self, channel, element):
        """Send an element as the next of the only outgoing channel, when there is room."""
        while not self.transport.has_room(channel):
            self.receive(None)
        frame = Frame(channel, 0, self.offset, element)
        self.offset += len(frame)
        self.transport.send(frame)

    def receive(self, until):
        """Return the frames that have come, sending meanwhile what has waited long enough; wait for some."""
        now = time.monotonic()
        times = [t for t in (until, self.transport.next_flush()) if t is not None]
        try:
            got = self.inbox.get(timeout=max(0.0, min(times) - now) if times else None)
        except Empty:
            self.transport.flush(time.monotonic())
            return []
        if isinstance(got, BaseException):
            raise got
        came = [self.transport.decode(message) for message in got]
        for frame in came:
            self.transport.consumed(frame.channel, frame.offset + len(frame), 32_768)
        self.transport.flush(time.monotonic())
        return came


def send_frames(node, kind, size, count):
    """First of two: send `count` frames and wait for the answer."""
    batches = [Batch(values) for values in frames(kind, size)]
    node.send(0, batches[0])  # Everything is connected and imported once it is answered.
    while not node.receive(None):
        pass
    began = time.perf_counter()
    for batch in islice(cycle(batches), count):
        node.send(0, batch)
    node.send(0, EndOfInput())
    while not node.receive(None):
        pass
    return {"seconds": time.perf_counter() - began}


def answer(node, kind, size, count):
    """Second of two: answer the first record and the end."""
    records, wanted = 0, len(frames(kind, size)[0]) * (count + 1)
    while True:
        for frame in node.receive(None):
            if not records:
                node.send(1, Batch([None]))
            records += len(frame) * isinstance(frame.element, Batch)
            if isinstance(frame.element, EndOfInput):
                node.send(1, EndOfInput())
                return {"records": records, "right": records == wanted}


def pace_records(node, count):
    """First of three: a record a millisecond."""
    pace = Pace(count)
    while not pace.ended:
        node.receive(time.monotonic() + pace.wait())
        if records := pace.due():
            node.send(0, Batch(records))
    node.send(0, EndOfInput())
    return {}


def pass_on(node, count):
    """Second of three: a map."""
    while True:
        for frame in node.receive(None):
            if isinstance(frame.element, EndOfInput):
                node.send(1, EndOfInput())
                return {}
            node.send(1, Batch(list(map(to_event, frame.element.values))))


def take_records(node, count):
    """Third of three: note when they come."""
    meter = Meter()
    while True:
        for frame in node.receive(None):
            if isinstance(frame.element, EndOfInput):
                return meter.told()
            for event in frame.element.values:
                meter.take(event)


RATE = {"a": send_frames, "b": answer}, {0: ("a", "b"), 1: ("b", "a")}
HOPS = {"a": pace_records, "b": pass_on, "c": take_records}, {0: ("a", "b"), 1: ("b", "c")}


def process(name, body, channels, secret, timeout, pipe, arguments):
    """The body of one process."""
    node = Node(name, secret, timeout)
    pipe.send(node.transport.address)
    peers = pipe.recv()
    del peers[name]
    outgoing = {c: to for c, (from_, to) in channels.items() if from_ == name}
    incoming = {c: from_ for c, (from_, to) in channels.items() if to == name}
    node.transport.connect(peers, outgoing, incoming)
    pipe.send(body(node, *arguments))
    node.transport.close()


def run(bodies, channels, timeout, arguments):
    """Run one process per body; return what they say together."""
    context = multiprocessing.get_context("spawn")
    secret = secrets.token_bytes(32)
    pipes = {}
    for name, body in bodies.items():
        pipes[name], other = context.Pipe()
        context.Process(
            target=process, args=(name, body, channels, secret, timeout, other, arguments)
        ).start()
    addresses = {name: pipe.recv() for name, pipe in pipes.items()}
    for pipe in pipes.values():
        pipe.send(addresses)
    return {key: value for pipe in pipes.values() for key, value in pipe.recv().items()}


if __name__ == "__main__":
    if sys.argv[1] == "rate":
        kind, size, count, timeout = sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
        print(json.dumps(run(*RATE, timeout, (kind, size, count))))
    else:
        print(json.dumps(run(*HOPS, float(sys.argv[3]), (int(sys.argv[2]),))))
