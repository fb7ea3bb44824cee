"""Channels: repeats, strangers, gaps, turns, and the alignment of barriers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.engine.inputs import InputChannel, Inputs
from raystreaming.records import Barrier, Batch, EndOfInput, Frame


def frames(elements):
    offset, result = 0, []
    for element in elements:
        result.append(Frame(1, 0, offset, element))
        offset += len(result[-1])
    return result


def flat(elements):
    return [x for e in elements for x in (e.values if isinstance(e, Batch) else [e])]


elements = st.lists(
    st.lists(st.integers(), min_size=1, max_size=6).map(Batch) | st.just(Barrier(1)), max_size=8
)


@given(elements, st.data())
def test_whatever_is_cut_and_sent_again_arrives_once_and_in_order(sent, data):
    channel, taken = InputChannel(1), []
    pending = frames(sent)
    done = []
    while pending:
        frame = pending.pop(0)
        what = data.draw(st.sampled_from(["whole", "cut", "head first", "again", "stranger"]))
        if what in ("cut", "head first") and isinstance(frame.element, Batch) and len(frame) > 1:
            head, tail = frame.cut(data.draw(st.integers(1, len(frame) - 1)))
            channel.receive(head)
            pending.insert(0, tail if what == "cut" else frame)
            continue
        if what == "again" and done:
            channel.receive(data.draw(st.sampled_from(done)))
        if what == "stranger":
            channel.receive(Frame(1, 7, frame.offset, Batch(["stranger"])))
        channel.receive(frame)
        done.append(frame)
        if data.draw(st.booleans()):
            while channel.elements:
                taken.append(channel.take(data.draw(st.integers(1, 4))))
    while channel.elements:
        taken.append(channel.take(3))
    assert flat(taken) == flat(sent)
    assert channel.records == 0


def test_a_gap_is_an_error():
    channel = InputChannel(1)
    with pytest.raises(RuntimeError, match="got offset 1, expected 0"):
        channel.receive(Frame(1, 0, 1, Batch([1])))


def make(n=2):
    return Inputs(range(n))


def feed(inputs, channel, *elements):
    for element in elements:
        inputs.channels[channel].receive(Frame(channel, 0, inputs.channels[channel].next_offset, element))


def drain(inputs):
    out = []
    while inputs.ready():
        if (element := inputs.take(100)) is not None:
            out.append(element.values if isinstance(element, Batch) else element)
    return out


def test_a_channel_waits_behind_its_barrier():
    inputs = make()
    feed(inputs, 0, Batch(["a"]), Barrier(1), Batch(["after"]))
    assert drain(inputs) == [["a"]]
    feed(inputs, 1, Batch(["b"]), Barrier(1), Batch(["later"]))
    out = drain(inputs)
    assert out[:2] == [["b"], Barrier(1)]
    assert sorted(out[2:]) == [["after"], ["later"]]


def test_the_end_comes_when_it_has_come_everywhere_and_barriers_go_on():
    inputs = make()
    feed(inputs, 0, EndOfInput(), Barrier(1))
    assert drain(inputs) == []
    feed(inputs, 1, Batch(["b"]), Barrier(1), EndOfInput(), Barrier(2))
    assert drain(inputs) == [["b"], Barrier(1), EndOfInput()]
    feed(inputs, 0, Barrier(2))
    assert drain(inputs) == [Barrier(2)]


def test_channels_take_turns():
    inputs = make(3)
    for channel in range(3):
        feed(inputs, channel, *(Batch([channel]) for _ in range(3)))
    assert drain(inputs) == [[0], [1], [2]] * 3


def test_nothing_is_ready_when_all_are_blocked_or_empty():
    inputs = make()
    assert not inputs.ready()
    assert inputs.take(1) is None
    feed(inputs, 0, Barrier(1), Batch(["x"]))
    assert inputs.ready()
    assert inputs.take(1) is None
    assert not inputs.ready()
