"""Partitioners: which channel, in which order, for lists and Arrow."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.engine.partition import partitioner
from raystreaming.errors import OperatorError
from raystreaming.graph import OutputEdge, Partitioning
from raystreaming.records import Batch
from raystreaming.state import group_owners, key_group


def make(partitioning, n, task=0, choose=None):
    return partitioner(OutputEdge(partitioning, tuple(range(100, 100 + n)), choose), "op", task, 720)


@given(
    st.sampled_from(list(Partitioning)),
    st.integers(1, 7),
    st.integers(0, 9),
    st.lists(st.lists(st.integers(-99, 99), min_size=1, max_size=20), max_size=5),
)
def test_every_record_goes_out_in_order_with_its_key_and_time(kind, n, task, batches):
    p = make(kind, n, task, choose=lambda value, n: value % n)
    sent, offset = {}, 0
    for values in batches:
        numbered = list(enumerate(values, offset))
        offset += len(values)
        batch = Batch([v for _, v in numbered], [("k", v) for _, v in numbered], [i for i, _ in numbered])
        for channel, part in p.split(batch):
            assert len(part), "never an empty batch"
            assert [k[1] for k in part.keys] == part.values
            sent.setdefault(channel, []).extend(zip(part.timestamps, part.values, strict=True))
    everything = list(enumerate(v for values in batches for v in values))
    for records in sent.values():
        assert records == sorted(records, key=lambda r: r[0]), "order per channel"
    copies = n if kind is Partitioning.BROADCAST else 1
    assert Counter(r for records in sent.values() for r in records) == Counter(everything * copies)
    if kind is Partitioning.FORWARD:
        assert set(sent) <= {100}
    if kind is Partitioning.KEY:
        owners = group_owners(720, n)
        for channel, records in sent.items():
            assert all(owners[key_group(("k", v))] == channel - 100 for _, v in records)
    if kind is Partitioning.CUSTOM:
        assert all(v % n == c - 100 for c, records in sent.items() for _, v in records)
    if kind in (Partitioning.ROUND_ROBIN, Partitioning.RESCALE) and everything:
        counts = [len(sent.get(100 + i, ())) for i in range(n)]
        assert max(counts) - min(counts) <= 1
        first = next(c for c, records in sent.items() if (0, everything[0][1]) in records)
        assert first == 100 + task % n


@pytest.mark.parametrize("kind", list(Partitioning))
@pytest.mark.parametrize("n", [1, 3])
def test_arrow_batches_stay_arrow(kind, n):
    rows = [{"a": i} for i in range(10)]
    p = make(kind, n, choose=lambda row, n: row["a"] % n)
    sent = list(p.split(Batch(pa.RecordBatch.from_pylist(rows), [r["a"] for r in rows])))
    assert all(isinstance(part.values, pa.RecordBatch) for _, part in sent)
    got = Counter(row["a"] for _, part in sent for row in part.values.to_pylist())
    assert got == Counter([r["a"] for r in rows] * (n if kind is Partitioning.BROADCAST else 1))


def test_a_bad_key_names_the_operator():
    with pytest.raises(OperatorError, match=r"operator 'op'.*NaN"):
        list(make(Partitioning.KEY, 2).split(Batch([1], [float("nan")])))


def test_a_partition_function_may_name_several_tasks_and_each_gets_the_record_once():
    p = make(Partitioning.CUSTOM, 3, choose=lambda value, n: [value % n, 0, 0])
    assert [(c, part.values) for c, part in p.split(Batch([0, 1, 2, 4]))] == [
        (100, [0, 1, 2, 4]),
        (101, [1, 4]),
        (102, [2]),
    ]


@pytest.mark.parametrize("target", [-1, 2, None, "0", 1.0, True, [], [0, 2]])
def test_a_partition_function_must_name_a_task(target):
    with pytest.raises(OperatorError, match=r"operator 'op'.*0 to 1"):
        list(make(Partitioning.CUSTOM, 2, choose=lambda value, n: target).split(Batch([1])))


def test_shuffle_is_the_same_for_the_same_task_and_spreads():
    def targets(task):
        return [(c, p.values) for c, p in make(Partitioning.SHUFFLE, 4, task).split(Batch(list(range(1000))))]

    assert targets(1) == targets(1) != targets(2)
    assert all(150 < len(values) < 350 for _, values in targets(1))
