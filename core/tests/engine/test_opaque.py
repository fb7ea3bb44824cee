"""What another language holds passes through batches, partitioners, channels and chains unseen."""

import pytest

from raystreaming.connector import Batch, Sink
from raystreaming.connector.operator import FusedOperator, Operator
from raystreaming.engine.partition import partitioner
from raystreaming.errors import TransferError
from raystreaming.graph import OutputEdge, Partitioning
from raystreaming.operators.rows import Map, RowLoop, fuse
from raystreaming.operators.sink import SinkOperator
from raystreaming.records import OpaqueColumn, rows_of
from raystreaming.records.codec import decode, encode
from raystreaming.state import group_owners, key_group


class Sealed(OpaqueColumn):
    """A column in "another language": Python objects that may be looked at only where it is allowed."""

    def __init__(self, inside, open_to_python=True):
        self.inside = inside
        self.open_to_python = open_to_python

    def __len__(self):
        return len(self.inside)

    def slice(self, start, length):
        return Sealed(self.inside[start : start + length], self.open_to_python)

    def take(self, indices):
        return Sealed([self.inside[i] for i in indices], self.open_to_python)

    def to_pylist(self):
        assert self.open_to_python, "nobody asked for Python objects"
        return self.inside

    def split(self, key_groups, owners, parts):
        found = [owners[key_group(k, key_groups)] for k in self.inside]
        return [[i for i, owner in enumerate(found) if owner == part] for part in range(parts)]

    def __reduce__(self):
        if "poison" in self.inside:
            raise TransferError("operator 'o': poison cannot travel")
        return Sealed, (self.inside, self.open_to_python)


def sealed_batch(*values):
    keys = Sealed([f"k{v}" for v in values], False)
    return Batch(Sealed(list(values), False), keys, Sealed([7] * len(values), False))


def inside(batch):
    return [column.inside for column in (batch.values, batch.keys, batch.timestamps)]


def test_a_batch_is_cut_without_looking():
    batch = sealed_batch(1, 2, 3)
    assert len(batch) == 3
    assert inside(batch.slice(1, 3)) == [[2, 3], ["k2", "k3"], [7, 7]]
    assert inside(batch.take([2, 0])) == [[3, 1], ["k3", "k1"], [7, 7]]


@pytest.mark.parametrize("kind", [k for k in Partitioning if k is not Partitioning.CUSTOM])
@pytest.mark.parametrize("n", [1, 3])
def test_a_partitioner_spreads_it_without_looking(kind, n):
    edge = OutputEdge(kind, tuple(range(n)))
    sent = list(partitioner(edge, "op", 0, 720).split(sealed_batch(*range(20))))
    assert all(len(part) for _, part in sent)
    values = sorted(v for _, part in sent for v in part.values.inside)
    assert values == sorted(list(range(20)) * (n if kind is Partitioning.BROADCAST else 1))
    if kind is Partitioning.KEY:
        owners = group_owners(720, n)
        for channel, part in sent:
            assert {owners[key_group(k)] for k in part.keys.inside} == {channel}
            assert part.keys.inside == [f"k{v}" for v in part.values.inside]


def test_it_travels_by_its_own_pickle():
    assert inside(decode([bytes(b) for b in encode(sealed_batch(1, 2))])) == [[1, 2], ["k1", "k2"], [7, 7]]


def test_what_it_says_of_a_value_that_cannot_travel_comes_through():
    with pytest.raises(TransferError, match=r"^operator 'o': poison cannot travel$"):
        encode(Batch(Sealed(["poison"])))


class Kept(Sink):
    opaque = (Sealed,)

    def open(self, state, ctx):
        return self


def test_only_a_sink_that_takes_it_gets_it(monkeypatch):
    def written(sink, batch):
        operator = SinkOperator(sink, None)
        seen = []
        operator._writer = type("Writer", (), {"write": lambda self, batch: seen.append(batch)})()
        list(operator.process(batch))
        return seen[0]

    batch = Batch(Sealed([1, 2]))
    assert written(Kept(), batch) is batch
    monkeypatch.setattr(Kept, "opaque", ())
    monkeypatch.setattr(Kept, "columnar", True)  # Arrow, that is
    assert written(Kept(), batch).values == [1, 2]


def test_python_sees_rows_keys_and_times():
    loop = RowLoop([Map(lambda v: v + 1)])
    (result,) = loop.process(Batch(Sealed([1, 2]), None, Sealed([7, 8])))
    assert (result.values, result.timestamps) == ([2, 3], [7, 8])
    assert rows_of(Sealed([1])) == [1]


class Seen(FusedOperator):
    family = "seen"

    @classmethod
    def stage(cls, operators):
        return Stage(operators)


class Other(Seen):
    family = "other"


class Stage(Operator):
    def __init__(self, operators):
        self.operators = operators

    def process(self, batch):
        yield batch


def test_neighbours_of_one_family_are_one_stage():
    a, b, c, d = Seen(), Seen(), Other(), Seen()
    stages = fuse([Map(str), a, b, c, Map(str), Map(str), d])
    shapes = [s.operators if isinstance(s, Stage) else type(s) for s in stages]
    assert shapes == [RowLoop, [a, b], [c], RowLoop, [d]]
