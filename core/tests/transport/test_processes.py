"""Workers in processes of their own: killed, frozen, and busy."""

import signal
import subprocess
import sys
import textwrap

import pytest

from raystreaming.errors import PeerLost
from raystreaming.records import Batch

PEER = """
    import sys, time
    from queue import SimpleQueue
    from raystreaming.records import Batch, Frame
    from raystreaming.runtime.transport import Transport

    inbox = SimpleQueue()
    peer = Transport("peer", "127.0.0.1", bytes(range(32)), 1, inbox.put, inbox.put, buffer_timeout=0)
    print(peer.address[1], flush=True)
    peer.connect({"b": ("127.0.0.1", int(sys.stdin.readline()))}, {2: "b"}, {1: "b"})
"""

ECHO = """
    while True:
        for message in inbox.get():
            frame = peer.decode(message)
            peer.consumed(1, frame.offset + len(frame), 32_768)
            peer.send(Frame(2, 0, frame.offset, frame.element))
"""

BUSY = """
    peer.send(Frame(2, 0, 0, Batch(["busy"])))
    while True:
        pass
"""


@pytest.fixture
def peer(nodes):
    """Return a function that starts a peer process, and a node that is connected to it."""
    processes = []

    def start(body, **options):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PEER) + textwrap.dedent(body)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        node = nodes("b", buffer_timeout=0, **options)
        port = int(process.stdout.readline())
        process.stdin.write(f"{node.address[1]}\n")
        process.stdin.flush()
        node.transport.connect({"peer": ("127.0.0.1", port)}, {1: "peer"}, {2: "peer"})
        return process, node

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def echoed(node, values):
    offset = node.offsets.get(1, 0)
    for value in values:
        node.send(1, Batch([value]))
    got = []
    while len(got) < len(values):
        for frame in node.receive():
            assert frame.offset == offset + len(got)
            node.transport.consumed(2, frame.offset + len(frame), 32_768)
            got += frame.element.values
    return got


def test_frames_go_there_and_back(peer):
    _, node = peer(ECHO)
    values = [bytes([n % 251]) * n for n in range(0, 300_000, 5_000)]
    assert echoed(node, values) == values


def test_a_killed_peer_is_lost_by_name(peer):
    process, node = peer(ECHO)
    assert echoed(node, [1]) == [1]
    process.kill()
    error = node.failure()
    assert isinstance(error, PeerLost)
    assert str(error).startswith("worker 'peer' at 127.0.0.1:")


def test_a_frozen_peer_is_not_lost_and_stops_the_sender(peer):
    process, node = peer(ECHO, window=100_000)
    assert echoed(node, [1]) == [1]
    process.send_signal(signal.SIGSTOP)
    while node.transport.has_room(1):
        node.send(1, Batch([bytes(9_000)]))
    assert node.failures.empty()
    process.send_signal(signal.SIGCONT)
    assert node.inbox.get(timeout=30) is not None
    assert node.failures.empty()


def test_a_busy_loop_does_not_keep_a_peer_from_being_heard(peer):
    """The loop of the peer never comes back, but its connection is alive, and says goodbye to nobody."""
    process, node = peer(BUSY)
    assert node.receive()[0].element.values == ["busy"]
    for _ in range(50):
        node.send(1, Batch([bytes(10_000)]))
    process.kill()
    assert isinstance(node.failure(), PeerLost)
