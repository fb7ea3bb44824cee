"""The loop that makes keys splits the records too, as the partitioner would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.engine.partition import ByKey
from raystreaming.errors import OperatorError
from raystreaming.operators.rows import KeyBy, Map, RowLoop
from raystreaming.records import Batch

keys = st.one_of(
    st.integers(-3, 3), st.booleans(), st.text(max_size=2), st.lists(st.integers(0, 2), max_size=2)
)


def loop(key):
    key_by = KeyBy(key)
    key_by.id = "key_by"
    return RowLoop([Map(lambda v: v), key_by])


def parts(by_key, batch, key):
    return {c: part for made in loop_with(by_key, key).process(batch) for c, part in by_key.split(made)}


def loop_with(by_key, key):
    made = loop(key)
    made.split_by(by_key.owners, len(by_key.channels))
    return made


@given(st.integers(1, 4), st.lists(keys, max_size=30), st.booleans())
def test_the_same_as_the_partitioner_in_the_same_order(n, given_keys, timed):
    by_key = ByKey(range(n), "key_by", 720)
    batch = Batch(list(enumerate(given_keys)), None, list(range(len(given_keys))) if timed else None)

    def key(record):
        return record[1]

    (whole,) = loop(key).process(batch)
    wanted = dict(by_key.split(whole)) if len(whole) else {}
    found = parts(by_key, batch, key)
    assert found.keys() == wanted.keys()
    for channel, part in found.items():
        other = wanted[channel]
        assert (part.values, part.keys, part.timestamps) == (other.values, other.keys, other.timestamps)
        assert part.target == channel


@pytest.mark.parametrize("bad", [float("nan"), {"a": 1}, [1, {"a"}], object()])
def test_a_bad_key_is_told_with_its_operator_and_record(bad):
    by_key = ByKey(range(2), "key_by", 720)
    with pytest.raises(OperatorError, match=r"(?s)operator 'key_by'.*'the record'"):
        parts(by_key, Batch(["fine", "the record"]), lambda v: bad if v == "the record" else v)
