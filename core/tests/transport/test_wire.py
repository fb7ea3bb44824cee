"""The parser takes messages cut anywhere, and refuses what is none before it allocates anything."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.records import EndOfInput, Frame
from raystreaming.runtime.transport.wire import (
    CREDIT,
    DATA,
    GOODBYE,
    HEADER_SIZE,
    Arrived,
    Parser,
    WireError,
    credit_message,
    data_message,
    goodbye_message,
)

sizes = st.one_of(st.integers(0, 40), st.sampled_from([1_000, 70_000, 300_000]))
data = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.lists(sizes.map(lambda n: bytes(k % 251 for k in range(n))), min_size=1, max_size=4),
)
message = st.one_of(data, st.integers(0, 2**64 - 1), st.none())


def sent(what) -> bytes:
    if what is None:
        return bytes(goodbye_message())
    if isinstance(what, int):
        return bytes(credit_message(3, what, 77))
    channel, incarnation, offset, buffers = what
    return b"".join(data_message(Frame(channel, incarnation, offset, EndOfInput()), buffers))


def seen(arrived: Arrived):
    if arrived.kind == GOODBYE:
        return None
    if arrived.kind == CREDIT:
        assert arrived.incarnation == 77
        return arrived.number
    buffers = [bytes(b) for b in arrived.buffers()]
    return arrived.channel, arrived.incarnation, arrived.number, buffers


@given(st.lists(message, max_size=6), st.data())
def test_messages_cut_anywhere_come_out_whole(messages, draw):
    parser, got, stream = Parser(), [], b"".join(map(sent, messages))
    one_buffer = draw.draw(st.booleans())  # As TLS receives.
    while stream:
        space = parser.buffers()[:1] if one_buffer else parser.buffers()
        count = draw.draw(st.integers(1, min(len(stream), sum(map(len, space))))) if len(stream) > 5 else 1
        left = stream[:count]
        for buffer in space:
            buffer[: len(left)] = left[: len(buffer)]
            left = left[len(buffer) :]
        stream = stream[count:]
        got += parser.received(count)
    assert [seen(m) for m in got] == messages


def feed(parser: Parser, data: bytes) -> list[Arrived]:
    parser.buffers()[0][: len(data)] = data
    return parser.received(len(data))


def test_a_message_tells_its_size():
    buffers = [b"abc", b"defg"]
    stream = b"".join(data_message(Frame(1, 0, 0, EndOfInput()), buffers))
    assert [m.size for m in feed(Parser(), stream)] == [len(stream)]


def test_buffers_start_where_arrays_can_be_used():
    [got] = feed(Parser(), sent((1, 0, 0, [b"abc", b"d" * 9, b"e"])))
    whole = memoryview(got.body)
    for wanted, buffer in zip([b"abc", b"d" * 9, b"e"], got.buffers(), strict=True):
        assert bytes(buffer) == wanted
        assert got.body.find(wanted) % 8 == 0
    assert whole.nbytes == len(got.body)


def header(kind, parts, size):
    return b"".join(
        [bytes([kind, 0, 0, 0]), *(n.to_bytes(4, "little") for n in (parts, 1, 0, size)), bytes(8)]
    )


@pytest.mark.parametrize(
    "bad",
    [
        header(0, 1, 10),
        header(9, 1, 10),
        header(DATA, 1, 2**31),
        header(DATA, 0, 10),
        header(CREDIT, 0, 1),
        header(CREDIT, 1, 0),
        header(GOODBYE, 0, 2**30),
        b"GET / HTTP/1.1\r\nHost: example\r\n\r\n",
    ],
)
def test_what_is_no_message_is_refused_unallocated(bad):
    parser = Parser()
    assert len(bad) >= HEADER_SIZE
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            feed(parser, bad)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body", [b"", b"\xff" * 8, b"\x01\0\0\0\x01\0\0\0" + bytes(16), b"\x01\0\0\0\0\0\0\x80x"]
)
def test_sizes_that_do_not_fit_are_refused(body):
    with pytest.raises(WireError):
        Arrived(DATA, 1, 0, 0, 2, bytearray(body)).buffers()
