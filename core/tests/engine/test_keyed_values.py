"""Snapshots of keyed state, full and by delta, put together and restored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.connector.operator import OperatorContext, PieceLimit
from raystreaming.operators.keyed import Reduce
from raystreaming.operators.rows import KeyBy, fuse
from raystreaming.records import Batch
from raystreaming.state import KeyedValues, group_owners, key_group

GROUPS = 24


def put(state, key, value):
    if key not in state.table:
        state.check_new(key)
    state.table[key] = value
    if state.tracking:
        state.changed.add(key)


def merge(groups, snapshot):
    """What the coordinator does with the snapshots of one task."""
    if snapshot.full:
        groups.clear()
    groups.update(snapshot.groups)


updates = st.lists(st.tuples(st.integers(0, 60), st.integers()), max_size=40)


@given(st.lists(updates, max_size=8), st.sampled_from([0, 5, 50_000]), st.integers(0, 3), st.integers(1, 5))
def test_snapshots_restore_everything_at_any_parallelism(epochs, small, deltas, parallelism):
    with pytest.MonkeyPatch.context() as mp:
        mp.setattr(KeyedValues, "SMALL", small)
        mp.setattr(KeyedValues, "DELTAS_BEFORE_FULL", deltas)
        state, groups, sizes = KeyedValues(GROUPS), {}, []
        for epoch in epochs:
            for key, value in epoch:
                put(state, key, value)
            snapshot = state.snapshot()
            sizes.append((snapshot.full, len(snapshot.groups)))
            merge(groups, snapshot)
        tasks = [KeyedValues(GROUPS) for _ in range(parallelism)]
        owners = group_owners(GROUPS, parallelism)
        for group, data in groups.items():
            tasks[owners[group]].restore(group, data)
        together = {}
        for index, task in enumerate(tasks):
            assert all(owners[key_group(key, GROUPS)] == index for key in task.table)
            together |= task.table
        assert together == state.table
        # A restored table has everything in its own first snapshot.
        for task in tasks:
            again = task.snapshot()
            assert again.full
            copy = KeyedValues(GROUPS)
            for group, data in again.groups.items():
                copy.restore(group, data)
            assert copy.table == task.table


def test_a_delta_has_the_changed_groups_only(monkeypatch):
    monkeypatch.setattr(KeyedValues, "SMALL", 0)
    state = KeyedValues(720)
    for key in range(500):
        put(state, key, 0)
    assert state.snapshot().full
    put(state, 7, 1)
    delta = state.snapshot()
    assert not delta.full
    assert list(delta.groups) == [key_group(7, 720)]
    assert not state.snapshot().groups


def test_full_snapshots_come_back(monkeypatch):
    monkeypatch.setattr(KeyedValues, "SMALL", 0)
    state = KeyedValues(720)
    put(state, 1, 1)
    kinds = []
    for _ in range(23):
        kinds.append(state.snapshot().full)
    assert [i for i, full in enumerate(kinds) if full] == [0, 11, 22]


def test_two_keyed_operators_in_one_loop(monkeypatch):
    """Each notes the keys it changed; those of the other are none of its own."""
    monkeypatch.setattr(KeyedValues, "SMALL", 0)
    first, second = Reduce(lambda a, b: a + b, 32_768), Reduce(lambda a, b: a + b, 32_768)
    (loop,) = fuse([first, KeyBy(lambda v: f"other-{v}"), second])
    for op in (first, second):
        op.open(OperatorContext("op", 0, 1, PieceLimit()))

    def snapshots(values):
        list(loop.process(Batch(values, values)))
        return first.state.snapshot(), second.state.snapshot()

    assert all(s.full for s in snapshots(list(range(100))))
    one, other = snapshots([5])
    assert not one.full
    assert not other.full
    for snapshot, op, key in ((one, first, 5), (other, second, "other-10")):
        groups = {key_group(k, 32_768) for k in op.state.table}
        assert key_group(key, 32_768) in snapshot.groups
        assert set(snapshot.groups) <= groups
        assert len(snapshot.groups) <= 2, "its own, and by chance one that both tables have"
