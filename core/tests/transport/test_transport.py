"""Two transports and real sockets: order, credits, refusals, loss, and the end."""

import os
import pickle
import random
import socket
import threading
import time

import pytest

from raystreaming.errors import PeerLost, Retryable, TransferError
from raystreaming.records import Barrier, Batch, EndOfInput, Frame
from raystreaming.records.codec import encode
from raystreaming.runtime.transport import transport as module
from raystreaming.runtime.transport.handshake import Dialer, Membership
from raystreaming.runtime.transport.wire import credit_message, data_message
from raystreaming_test_support.descriptors import opened_by

SECRET = bytes(range(32))


def flat(elements):
    return [x for e in elements for x in (e.values if isinstance(e, Batch) else [e])]


def random_element(rng: random.Random):
    kind = rng.randrange(20)
    if kind == 0:
        return Barrier(rng.randrange(1_000))
    if kind == 1:
        return Batch([rng.randbytes(rng.choice([10, 100_000, 3_000_000]))])
    return Batch([rng.randrange(10**9) for _ in range(rng.choice([1, 1, 1, 10, 1_500]))])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("timeout", [0, 0.005])
def test_random_frames_both_ways_at_once(pair, seed, timeout):
    a, b = pair(buffer_timeout=timeout, window=[1_000, 100_000][seed % 2])
    errors = []

    def run(node, out, in_):
        try:
            rng, other = random.Random(f"{seed} {out}"), random.Random(f"{seed} {in_}")
            for _ in range(150):
                node.send(out, random_element(rng))
            node.send(out, EndOfInput())
            wanted = [*(random_element(other) for _ in range(150)), EndOfInput()]
            got = node.receive_until(in_, sum(len(e) if isinstance(e, Batch) else 1 for e in wanted))
            assert flat(got) == flat(wanted)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=args) for args in ((a, 1, 2), (b, 2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_frames_sent_before_the_peer_is_there_arrive(nodes):
    a, b = nodes("a"), nodes("b")
    a.transport.connect({"b": b.address}, {1: "b"}, {})
    a.send(1, Batch(["early"]))
    time.sleep(0.05)  # By now it has dialled, and `b` does not know its channels yet.
    b.transport.connect({"a": a.address}, {}, {1: "a"})
    assert flat(b.receive_until(1, 1)) == ["early"]


def test_the_one_who_dials_may_come_last(nodes):
    a, b = nodes("a"), nodes("b")
    b.transport.connect({"a": a.address}, {2: "a"}, {})
    b.send(2, Batch(["early"]))
    a.transport.connect({"b": b.address}, {}, {2: "b"})
    assert flat(a.receive_until(2, 1)) == ["early"]


def sockets():
    """Return the sockets of this process, each by a number that no other has."""
    return {name for name in opened_by("self") if name.startswith("socket:")}


def test_many_channels_share_one_connection(nodes):
    a, b = nodes("a"), nodes("b")
    before = sockets()
    channels = dict.fromkeys(range(50), "b")
    a.transport.connect({"b": b.address}, channels, {})
    b.transport.connect({"a": a.address}, {}, dict.fromkeys(channels, "a"))
    for c in channels:
        a.send(c, Batch([c]))
    got = []
    while len(got) < 50:
        got += [x for f in b.receive() for x in f.element.values]
    assert got == list(channels)
    assert len(sockets() - before) == 2  # Its two ends.


def test_a_frame_larger_than_all_buffers_of_the_system_arrives(pair):
    a, b = pair(buffer_timeout=0)
    a.send(1, Batch(["connected"]))
    b.receive_until(1, 1)
    a.send(1, Batch([bytes(50_000_000)]))  # From here on the loop of `a` does nothing.
    assert [len(v) for f in b.receive() for v in f.element.values] == [50_000_000]


def test_what_waits_is_sent_when_it_is_due(pair):
    a, _ = pair(buffer_timeout=5.0)
    assert a.transport.next_flush() is None
    a.send(1, Batch([0]))
    assert a.transport.next_flush() is None
    a.send(1, Batch([1]))
    due = a.transport.next_flush()
    assert due is not None
    a.transport.flush(due - 0.001)
    assert a.transport.next_flush() == due
    a.transport.flush(due)
    assert a.transport.next_flush() is None


def test_what_cannot_be_pickled_is_refused_at_once(pair):
    a, b = pair(buffer_timeout=0)
    with pytest.raises(TransferError, match=r"_thread\.lock"):
        a.transport.send(Frame(1, 0, 0, Batch([threading.Lock()])))
    a.send(1, Batch(["fine"]))
    assert flat(b.receive_until(1, 1)) == ["fine"]


# Credits -------------------------------------------------------------------------------------


def unconsumed(node, least) -> int:
    """Return the bytes that have come and are not consumed, once there are so many and no more come."""
    size, last = 0, time.monotonic()
    while time.monotonic() < last + (0.3 if size > least else 60):
        while not node.inbox.empty():
            size += sum(m.size for m in node.inbox.get())
            last = time.monotonic()
        time.sleep(0.01)
    return size


def test_a_receiver_that_consumes_nothing_stops_the_sender(pair):
    a, b = pair(buffer_timeout=0, window=100_000)
    for n in range(100):
        a.send(1, Batch([bytes(9_000)]))
        if n < 5:
            assert a.transport.has_room(1)
    assert not a.transport.has_room(1)
    assert 80_000 < unconsumed(b, least=80_000) <= 100_000


def test_a_mark_passes_where_there_is_no_credit(pair):
    a, b = pair(buffer_timeout=0, window=10_000)
    a.send(1, Batch([bytes(50_000)]))
    assert not a.transport.has_room(1)
    a.send(1, Barrier(7))
    assert flat(b.receive_until(1, 2, consume=False)) == [bytes(50_000), Barrier(7)]


def test_one_full_channel_does_not_hold_up_another(nodes):
    a, b = (nodes(name, window=1_000, buffer_timeout=0) for name in "ab")
    a.transport.connect({"b": b.address}, {1: "b", 2: "b"}, {})
    b.transport.connect({"a": a.address}, {}, {1: "a", 2: "a"})
    for _ in range(10):
        a.send(1, Batch([bytes(900)]))
    a.send(2, Batch(["passes"]))
    frames = []
    while not any(f.channel == 2 for f in frames):
        frames += b.receive()
    assert not a.transport.has_room(1)
    assert a.transport.has_room(2)


def test_credit_sends_what_waits_while_the_loop_is_busy(pair):
    a, b = pair(buffer_timeout=0, window=20_000)
    for n in range(20):
        a.send(1, Batch([bytes([n]) * 9_000]))
    # From here on the loop of `a` does nothing.
    assert flat(b.receive_until(1, 20)) == [bytes([n]) * 9_000 for n in range(20)]


def test_who_waits_for_room_is_woken(pair):
    a, b = pair(buffer_timeout=0, window=20_000)
    for _ in range(4):
        a.send(1, Batch([bytes(9_000)]))
    assert not a.transport.has_room(1)
    b.receive_until(1, 4)
    assert a.inbox.get(timeout=30) == []
    assert a.transport.has_room(1)


# Refusals ------------------------------------------------------------------------------------


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def bomb(path) -> bytes:
    buffers = [pickle.dumps(([Bomb(str(path))], None, None), 5)]
    return b"".join(data_message(Frame(1, 0, 0, Batch([])), buffers))


def knock(address, said, dialer=None):
    """Connect, say something, and return what is answered until the end."""
    with socket.create_connection(address, timeout=30) as sock:
        if dialer is not None:
            sock.sendall(dialer.start())
            assert len(sock.recv(dialer.need, socket.MSG_WAITALL)) == dialer.need
        answer = b""
        try:
            sock.sendall(said)
            while data := sock.recv(4096):
                answer += data
        except (ConnectionResetError, BrokenPipeError):
            pass
        return answer


def works(a, b):
    """Check that `b`, who was knocked at, lets `a` in and hears nobody else."""
    a.transport.connect({"b": b.address}, {1: "b"}, {})
    b.transport.connect({"a": a.address}, {}, {1: "a"})
    a.send(1, Batch(["hello"]))
    assert flat(b.receive_until(1, 1)) == ["hello"]
    assert b.failures.empty()
    assert b.inbox.empty()


def test_garbage_is_refused(nodes):
    a, b = nodes("a"), nodes("b")
    assert knock(b.address, b"GET / HTTP/1.1\r\n\r\n" + bytes(100)) == b""
    assert knock(b.address, os.urandom(100_000)) == b""
    works(a, b)


def test_nothing_is_unpickled_before_proof(nodes, tmp_path):
    a, b = nodes("a"), nodes("b")
    assert knock(b.address, bomb(tmp_path / "raw") + bytes(100)) == b""
    impostor = Dialer(Membership("a", b"not the secret at all", 1), "b", b"")
    assert knock(b.address, bytes(32) + bomb(tmp_path / "unproven"), impostor) == b""
    works(a, b)
    assert list(tmp_path.iterdir()) == []


def test_that_bomb_goes_off_where_a_proven_peer_sends_it(nodes, tmp_path):
    b = nodes("b")
    with prove(b) as sock:
        b.transport.connect({"a": sock.getsockname()}, {}, {1: "a"})
        sock.sendall(bomb(tmp_path / "proven"))
        b.receive()
    assert (tmp_path / "proven").is_dir()


@pytest.mark.parametrize("different", [{"secret": b"another secret, of enough bytes"}, {"attempt": 2}])
def test_another_secret_or_attempt_is_refused(nodes, different):
    a, b, stranger = nodes("a"), nodes("b"), nodes("a", **different)
    stranger.transport.connect({"b": b.address}, {1: "b"}, {})
    stranger.send(1, Batch(["stranger"]))
    error = stranger.failure()
    assert isinstance(error, PeerLost)
    assert f"worker 'b' at 127.0.0.1:{b.address[1]} is lost" in str(error)
    assert "same attempt of the job" in str(error)
    works(a, b)


def test_a_server_without_the_secret_is_refused(nodes):
    a, false = nodes("a"), nodes("b", secret=b"another secret, of enough bytes")
    a.transport.connect({"b": false.address}, {1: "b"}, {})
    a.send(1, Batch(["for b only"]))
    assert "does not know the job's secret" in str(a.failure())
    assert false.inbox.empty()


def test_another_worker_at_the_address_is_refused(nodes):
    a, c = nodes("a"), nodes("c")
    a.transport.connect({"b": c.address}, {1: "b"}, {})
    assert "another worker answered" in str(a.failure())


def test_a_worker_that_is_no_peer_is_refused(nodes):
    a, b, stranger = nodes("a"), nodes("b"), nodes("a stranger")
    stranger.transport.connect({"b": b.address}, {1: "b"}, {})
    works(a, b)
    assert isinstance(stranger.failure(), PeerLost)


def test_a_silent_client_is_closed(nodes, monkeypatch):
    a, b = nodes("a"), nodes("b")
    hello = Dialer(Membership("a", SECRET, 1), "b", b"").start()
    for said, answered in ((b"", 0), (hello, 96)):
        for seconds in (0.2, 2, 20):  # so soon that this machine may not come to say hello before
            monkeypatch.setattr(module, "HANDSHAKE_SECONDS", seconds)
            if len(answer := knock(b.address, said)) == answered:
                break
        assert len(answer) == answered
    monkeypatch.undo()
    works(a, b)


def test_silent_clients_cannot_keep_others_out(nodes, monkeypatch):
    monkeypatch.setattr(module, "MAX_UNPROVEN", 3)
    monkeypatch.setattr(module, "HANDSHAKE_SECONDS", 600)
    a, b = nodes("a"), nodes("b")
    silent = [socket.create_connection(b.address, timeout=20) for _ in range(6)]
    for sock in silent[:3]:  # Each one that comes too much drives the oldest out.
        assert sock.recv(1) == b""
    works(a, b)
    for sock in silent:
        sock.close()


@pytest.mark.parametrize("said", [b"", b"RSt1", "hello"])
def test_a_client_that_goes_away_in_the_middle_does_no_harm(nodes, said):
    a, b = nodes("a"), nodes("b")
    for _ in range(5):
        with socket.create_connection(b.address) as sock:
            sock.sendall(Dialer(Membership("a", SECRET, 1), "b", b"").start() if said == "hello" else said)
    works(a, b)


def prove(b, name="a"):
    """Return a socket that is proven to be the worker `name`."""
    dialer = Dialer(Membership(name, SECRET, 1), "b", b"")
    sock = socket.create_connection(b.address, timeout=30)
    sock.sendall(dialer.start())
    sock.sendall(dialer.receive(sock.recv(dialer.need, socket.MSG_WAITALL)))
    return sock


@pytest.mark.parametrize(
    "said",
    [
        b"\xff" * 28,
        b"".join(data_message(Frame(9, 0, 0, EndOfInput()), [b"E"])),
        credit_message(9, 10, 1),
        credit_message(2, 10, 1),
    ],
    ids=["nonsense", "a channel of nobody", "credit of nobody", "credit for nothing"],
)
def test_a_proven_peer_that_breaks_the_rules_is_lost(nodes, said):
    b = nodes("b")
    with prove(b) as sock:
        b.transport.connect({"a": sock.getsockname()}, {2: "a"}, {1: "a"})
        sock.sendall(said)
        assert "worker 'a'" in str(b.failure())
        assert sock.recv(1) == b""


def test_a_second_connection_of_a_peer_is_refused(nodes):
    b = nodes("b")
    with prove(b) as first:
        b.transport.connect({"a": first.getsockname()}, {}, {1: "a"})
        with prove(b) as second:
            assert second.recv(1) == b""
        first.sendall(b"".join(data_message(Frame(1, 0, 0, Batch([1])), encode(Batch(["first"])))))
        assert flat(b.receive_until(1, 1)) == ["first"]


# Loss and the end ----------------------------------------------------------------------------


def test_a_peer_that_is_gone_is_told_once_by_name(nodes):
    b = nodes("b", buffer_timeout=0, connect_timeout=0.5)
    with prove(b) as sock:
        host, port = sock.getsockname()
        b.transport.connect({"a": (host, port)}, {2: "a"}, {1: "a"})
        b.send(2, Batch([1]))
        assert sock.recv(1)
    error = b.failure()
    assert isinstance(error, PeerLost)
    assert isinstance(error, Retryable)
    assert str(error).startswith(f"worker 'a' at {host}:{port} is lost: ")
    for _ in range(100):
        b.send(2, Batch([1]))
    time.sleep(0.6)  # Nor is it told again that it has not connected in time.
    assert b.failures.empty()


def test_a_peer_that_closes_is_not_lost(pair):
    a, b = pair(buffer_timeout=0)
    a.send(1, Batch(["last words"]))
    assert flat(b.receive_until(1, 1)) == ["last words"]
    a.transport.close()
    b.send(2, Batch(["too late"]))
    b.transport.close()
    assert a.failures.empty()
    assert b.failures.empty()


def test_what_was_sent_goes_out_before_the_end(pair, monkeypatch):
    monkeypatch.setattr(module, "GOODBYE_SECONDS", 60)  # else as much as goes out in a second
    a, b = pair(buffer_timeout=0, window=1 << 30)
    a.send(1, Batch(["connected"]))
    assert flat(b.receive_until(1, 1)) == ["connected"]
    for n in range(100):
        a.send(1, Batch([bytes([n]) * 200_000]))
    a.transport.close()
    got = []
    while len(got) < 100:
        got += [value for frame in b.receive() for value in frame.element.values]
    assert got == [bytes([n]) * 200_000 for n in range(100)]


def test_nobody_listens(nodes):
    a = nodes("a")
    with socket.socket() as bound:  # so that nobody else listens there meanwhile
        bound.bind(("127.0.0.1", 0))
        address = bound.getsockname()
        a.transport.connect({"b": address}, {1: "b"}, {})
        assert f"worker 'b' at 127.0.0.1:{address[1]} is lost: [Errno 111]" in str(a.failure())


def test_nobody_answers_or_dials(nodes):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        b = nodes("b", connect_timeout=0.2)
        b.transport.connect({"a": ("127.0.0.1", 9), "c": silent.getsockname()}, {1: "a", 2: "c"}, {})
        told = sorted(str(b.failure()) for _ in range(2))
    assert "worker 'a' at 127.0.0.1:9 is lost: it has not connected within 0.2 s" in told[0]
    assert "worker 'c' at" in told[1]
    assert "no connection within 0.2 s" in told[1]


def test_close_twice_and_from_everywhere(nodes):
    failed = threading.Event()
    a, b = nodes("a"), nodes("b")

    def close(error):
        a.transport.close()
        failed.set()

    a.transport._failed = close
    a.transport.connect({"b": b.address}, {1: "b"}, {})
    b.transport.connect({"a": a.address}, {}, {1: "a"})
    b.transport._closing = True  # So it says no goodbye.
    b.transport._io.call(b.transport._io.stop)
    assert failed.wait(30)
    threads = [threading.Thread(target=a.transport.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    a.transport.close()


def test_close_while_it_connects(nodes):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        a = nodes("a")
        a.transport.connect({"b": silent.getsockname()}, {1: "b"}, {})
        a.send(1, Batch([1]))
        a.transport.close()
    assert a.failures.empty()


def test_close_does_not_wait_long_for_a_peer_that_reads_nothing(nodes, monkeypatch):
    monkeypatch.setattr(module, "GOODBYE_SECONDS", 0.2)
    b = nodes("b", buffer_timeout=0, window=1 << 30)
    with prove(b) as sock:
        b.transport.connect({"a": sock.getsockname()}, {2: "a"}, {1: "a"})
        for _ in range(20):
            b.send(2, Batch([bytes(1_000_000)]))
        b.transport.close()


def test_an_error_of_the_callback_is_told(pair):
    a, b = pair(buffer_timeout=0)
    error = RuntimeError("no loop")

    def deliver(messages):
        raise error

    b.transport._deliver = deliver
    a.send(1, Batch([1]))
    assert b.failure() is error
