"""Credits: what is under way is bounded, nothing is stuck, order stays."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.runtime.transport.credits import Outgoing, ReceiveWindow, SendWindow
from raystreaming.runtime.transport.wire import WireError

MANY = 1_000_000


def message(name, size, mark=False, records=1):
    return Outgoing([name], size, records, mark)


sizes = st.tuples(st.integers(1, 250), st.booleans(), st.integers(1, 200))


@given(st.lists(sizes, max_size=40), st.integers(1, 100), st.data())
def test_in_flight_is_bounded_and_everything_goes(sizes, window, data):
    """Whatever the receiver says of how many records it wants."""
    sender, receiver = SendWindow(window), ReceiveWindow(window)
    paces = st.one_of(st.integers(1, 300), st.just(MANY))
    arrived, unconsumed, got, credits = 0, deque(), [], deque()

    def go(messages):
        nonlocal arrived
        for m in messages:
            arrived += 1
            receiver.arrived(arrived, m.size, m.records)
            unconsumed.append(m)
            got.append(m)
        if messages and not messages[-1].mark:
            # At most the window, or what was less than a quarter of it and one message.
            size = sum(m.size for m in unconsumed)
            assert size <= window or size - unconsumed[-1].size < max(1, window // 4)
            records, most = sum(m.records for m in unconsumed), sender.records
            assert records <= most or records - unconsumed[-1].records < max(1, most // 4)

    def consume():
        if unconsumed:
            unconsumed.popleft()
            most = data.draw(paces)
            if (credit := receiver.consumed(arrived - len(unconsumed), most)) is not None:
                credits.append((credit, most))

    sent = [message(n, size, mark, records) for n, (size, mark, records) in enumerate(sizes)]
    for m in sent:
        go(sender.offer(m))
        for _ in range(data.draw(st.integers(0, 2))):
            consume()
        if credits and data.draw(st.booleans()):
            go(sender.credit(*credits.popleft()))
    while unconsumed or credits:
        consume()
        if credits:
            go(sender.credit(*credits.popleft()))
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
    assert [m.buffers for m in window.credit(120, MANY)] == [["waits"], ["behind"]]


def test_a_message_larger_than_the_window_goes_when_the_channel_is_empty():
    window = SendWindow(100)
    assert window.offer(message("small", 30))
    assert window.offer(message("huge", 5_000)) == []
    assert [m.buffers for m in window.credit(30, MANY)] == [["huge"]]
    assert window.offer(message("next", 1)) == []
    assert [m.buffers for m in window.credit(5_030, MANY)] == [["next"]]


def test_credit_is_given_by_quarters():
    window = ReceiveWindow(100)
    for offset in range(1, 9):
        window.arrived(offset, 10, 1)
    assert [window.consumed(offset, 128) for offset in range(1, 9)] == [
        None,
        None,
        30,
        None,
        None,
        60,
        None,
        None,
    ]


def test_a_part_of_a_message_frees_nothing():
    window = ReceiveWindow(100)
    window.arrived(10, 100, 1)
    assert window.consumed(9, 128) is None
    assert window.consumed(10, 128) == 100


@pytest.mark.parametrize("consumed", [0, 101])
def test_credit_that_cannot_be_is_an_error(consumed):
    window = SendWindow(1_000)
    window.offer(message("sent", 100))
    window.credit(50, MANY)
    with pytest.raises(WireError):
        window.credit(consumed, MANY)


def test_who_asks_for_room_in_vain_is_remembered():
    window = SendWindow(10)
    assert window.has_room()
    assert not window.watched
    window.offer(message("full", 10))
    assert not window.has_room()
    assert window.watched
    window.credit(10, MANY)
    assert window.has_room()
    assert not window.watched


def test_few_records_are_under_way_to_who_is_slow():
    """However small they are: a barrier waits behind them."""
    window = SendWindow(MANY)
    window.offer(message("before anything was said", 1, records=128))
    assert not window.has_room()
    assert window.credit(1, 10) == []
    assert window.offer(message("ten", 1, records=10))
    assert not window.has_room()
    assert window.offer(message("waits", 1)) == []
    assert window.offer(message("behind", 1, mark=True)) == []
    assert [m.buffers for m in window.credit(2, 10)] == [["waits"], ["behind"]]
    assert window.has_room()


def test_who_has_become_quicker_says_so_at_once():
    window = ReceiveWindow(MANY)
    assert window.consumed(0, 255) is None
    assert window.consumed(0, 256) == 0
    assert window.consumed(0, 300) is None
