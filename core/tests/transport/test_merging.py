"""Merging and cutting: offsets stay dense, order and records stay, nothing waits too long."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.engine.inputs import InputChannel
from raystreaming.records import Barrier, Batch, EndOfInput, Frame
from raystreaming.runtime.transport.merging import GROWTH, MAX_RECORDS, MESSAGE_SIZE, Merger


def framed(elements, offset=0):
    frames = []
    for element in elements:
        frames.append(Frame(1, 0, offset, element))
        offset += len(frames[-1])
    return frames


def flat(elements):
    result = []
    for e in elements:
        if isinstance(e, Batch):
            column = [None] * len(e)
            values = e.values if isinstance(e.values, list) else e.values.to_pylist()
            result += zip(values, e.keys or column, e.timestamps or column, strict=True)
        else:
            result.append(e)
    return result


@st.composite
def batches(draw):
    values = draw(st.lists(st.integers(0, 9), min_size=1, max_size=20))
    if draw(st.integers(0, 4)) == 0:
        return Batch(pa.record_batch({"n": values}))
    return Batch(
        values,
        [str(v) for v in values] if draw(st.booleans()) else None,
        values if draw(st.booleans()) else None,
    )


elements = st.lists(
    st.one_of(batches(), st.builds(Barrier, st.integers(0, 9)), st.just(EndOfInput())), max_size=12
)


@given(elements, st.floats(0, 0.01), st.data())
def test_whatever_is_merged_and_cut_arrives_once_and_in_order(sent, timeout, data):
    merger, now, channel = Merger(timeout), 0.0, InputChannel(1)

    def transmit(frames):
        for frame in frames:
            for piece in merger.cut(frame):
                channel.receive(piece)  # Raises where offsets are not dense.
                merger.encoded(piece, data.draw(st.sampled_from([10, 1_000, MESSAGE_SIZE * 3])))

    for frame in framed(sent):
        now += data.draw(st.floats(0, 0.01))
        if merger.due is not None and merger.due <= now:
            transmit(merger.take())
        transmit(merger.add(frame, now))
        assert merger.due is None or now < merger.due <= now + timeout
        if not isinstance(frame.element, Batch):
            assert merger.due is None, "a mark must not wait"
    transmit(merger.take())
    assert flat(channel.elements) == flat(sent)


def test_a_lone_record_does_not_wait_and_others_travel_together():
    merger = Merger(0.005)
    first, *others = framed([Batch([n]) for n in range(5)])
    assert merger.add(first, 1.0) == [first]
    assert [merger.add(f, 1.001) for f in others] == [[]] * 4
    assert merger.due == 1.005
    assert merger.take() == [Frame(1, 0, 1, Batch([1, 2, 3, 4]))]
    assert merger.due is None


def test_without_a_timeout_every_frame_goes_at_once():
    merger = Merger(0)
    for frame in framed([Batch([n]) for n in range(5)]):
        assert merger.add(frame, 1.0) == [frame]


def test_what_is_full_goes_at_once():
    merger = Merger(60)
    merger.encoded(Frame(1, 0, 0, Batch([0] * MAX_RECORDS)), 3_000)
    quarter = MAX_RECORDS // 4
    frames = framed([Batch(list(range(quarter)))] * 9)
    sent = [sum(map(len, merger.add(f, 1.0))) for f in frames]
    assert sent == [quarter, 0, 0, 0, MAX_RECORDS, 0, 0, 0, MAX_RECORDS]


def test_messages_are_cut_to_the_size_that_records_were_seen_to_have():
    merger = Merger(60)
    small, large = framed([Batch([0]), Batch(list(range(500)))])
    merger.encoded(small, MESSAGE_SIZE // 10)
    assert [len(p) for p in merger.cut(large)] == [10] * 50
    merger.encoded(large, 500)
    assert [len(p) for p in merger.cut(large)] == [500]


def test_what_small_messages_have_shown_is_trusted_little():
    """Else a thousand records of any size would make the message after a small one."""
    merger = Merger(60)
    one, many = framed([Batch([0]), Batch(list(range(MAX_RECORDS)))])
    sizes = []
    for piece in merger.cut(many):
        sizes.append(len(piece))
        merger.encoded(piece, len(piece))
    assert sizes == [16, 256, 4096, MAX_RECORDS - 16 - 256 - 4096]
    for _ in range(10):
        merger.encoded(one, 40)
    assert len(next(merger.cut(many))) == GROWTH


def test_large_arrow_batches_are_cut_small_ones_are_not():
    batch = Batch(pa.record_batch({"n": range(MESSAGE_SIZE)}))
    pieces = list(Merger(0).cut(Frame(1, 0, 0, batch)))
    assert max(p.element.values.nbytes for p in pieces) <= MESSAGE_SIZE < batch.values.nbytes
    assert sum(map(len, pieces)) == len(batch)


def test_frames_of_other_shape_or_incarnation_are_not_merged():
    merger = Merger(60)
    merger.add(Frame(1, 0, 0, Batch([0])), 0.0)
    merger.add(Frame(1, 0, 1, Batch([1])), 0.0)
    assert merger.add(Frame(1, 0, 2, Batch([2], ["k"])), 0.0) == [Frame(1, 0, 1, Batch([1]))]
    assert merger.add(Frame(1, 1, 3, Batch([3], ["k"])), 0.0) == [Frame(1, 0, 2, Batch([2], ["k"]))]


def test_batches_that_others_share_stay_as_they_are():
    merger, values = Merger(60), [1]
    merger.add(Frame(1, 0, 0, Batch([0])), 0.0)
    merger.add(Frame(1, 0, 1, Batch(values)), 0.0)
    merger.add(Frame(1, 0, 2, Batch([2])), 0.0)
    assert merger.take()[0].element.values == [1, 2]
    assert values == [1]
