"""Credits: what is under way is bounded, nothing is stuck, order stays."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.runtime.transport.credits import Outgoing, ReceiveWindow, SendWindow
from raystreaming.runtime.transport.wire import WireError


def message(name, size, mark=False):
    return Outgoing([name], size, mark)


@given(st.lists(st.tuples(st.integers(1, 250), st.booleans()), max_size=40), st.integers(1, 100), st.data())
def test_in_flight_is_bounded_and_everything_goes(sizes, window, data):
    sender, receiver = SendWindow(window), ReceiveWindow(window)
    arrived, unconsumed, got, credits = 0, deque(), [], deque()

    def go(messages):
        nonlocal arrived
        for m in messages:
            arrived += 1
            receiver.arrived(arrived, m.size)
            unconsumed.append(m)
            got.append(m)
        records = [m.size for m in unconsumed if not m.mark]
        if messages and not messages[-1].mark:
            marks = sum(m.size for m in unconsumed if m.mark)
            # At most the window, or what was less than a quarter of it and one message.
            assert sum(records) + marks <= window or sum(records) + marks - records[-1] < max(1, window // 4)

    def consume():
        if unconsumed:
            unconsumed.popleft()
            if (credit := receiver.consumed(arrived - len(unconsumed))) is not None:
                credits.append(credit)

    sent = [message(n, size, mark) for n, (size, mark) in enumerate(sizes)]
    for m in sent:
        go(sender.offer(m))
        for _ in range(data.draw(st.integers(0, 2))):
            consume()
        if credits and data.draw(st.booleans()):
            go(sender.credit(credits.popleft()))
    while unconsumed or credits:
        consume()
        if credits:
            go(sender.credit(credits.popleft()))
    assert got == sent


def test_nothing_more_goes_while_nothing_is_consumed():
    window = SendWindow(100)
    assert [bool(window.offer(message(n, 30))) for n in range(6)] == [True] * 3 + [False] * 3
    assert window.in_flight == 90
    assert not window.has_room()


def test_a_mark_goes_without_credit_but_overtakes_nothing():
    window = SendWindow(100)
    window.offer(message("full", 100))
    assert window.offer(message("mark", 20, mark=True)) == [message("mark", 20, mark=True)]
    assert window.offer(message("waits", 10)) == []
    assert window.offer(message("behind", 20, mark=True)) == []
    assert [m.buffers for m in window.credit(120)] == [["waits"], ["behind"]]


def test_a_message_larger_than_the_window_goes_when_the_channel_is_empty():
    window = SendWindow(100)
    assert window.offer(message("small", 30))
    assert window.offer(message("huge", 5_000)) == []
    assert [m.buffers for m in window.credit(30)] == [["huge"]]
    assert window.offer(message("next", 1)) == []
    assert [m.buffers for m in window.credit(5_030)] == [["next"]]


def test_credit_is_given_by_quarters():
    window = ReceiveWindow(100)
    for offset in range(1, 9):
        window.arrived(offset, 10)
    assert [window.consumed(offset) for offset in range(1, 9)] == [None, None, 30, None, None, 60, None, None]


def test_a_part_of_a_message_frees_nothing():
    window = ReceiveWindow(100)
    window.arrived(10, 100)
    assert window.consumed(9) is None
    assert window.consumed(10) == 100


@pytest.mark.parametrize("consumed", [0, 101])
def test_credit_that_cannot_be_is_an_error(consumed):
    window = SendWindow(1_000)
    window.offer(message("sent", 100))
    window.credit(50)
    with pytest.raises(WireError):
        window.credit(consumed)


def test_who_asks_for_room_in_vain_is_remembered():
    window = SendWindow(10)
    assert window.has_room()
    assert not window.watched
    window.offer(message("full", 10))
    assert not window.has_room()
    assert window.watched
    window.credit(10)
    assert window.has_room()
    assert not window.watched
