"""Elements as buffers: nothing changes, large buffers are not copied, slices travel alone."""

import subprocess
import sys
import threading

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.errors import TransferError
from raystreaming.records import Barrier, Batch, EndOfInput
from raystreaming.records.codec import OUT_OF_BAND, decode, encode


def there_and_back(element):
    return decode([bytearray(b) for b in encode(element)])


values = st.lists(
    st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.tuples(st.text(), st.floats(0)))
)


@given(values, st.booleans(), st.booleans())
def test_lists_come_back(column, keyed, timed):
    batch = Batch(column, column if keyed else None, list(range(len(column))) if timed else None)
    assert there_and_back(batch) == batch


@pytest.mark.parametrize("mark", [Barrier(0), Barrier(2**63), EndOfInput()])
def test_marks_come_back(mark):
    assert there_and_back(mark) == mark


class Blob:
    """Pickles as numpy arrays do: its memory apart from its pickle."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        import pickle

        return Blob, (pickle.PickleBuffer(self.data),)


@pytest.mark.parametrize(("size", "buffers"), [(OUT_OF_BAND - 1, 1), (OUT_OF_BAND, 2)])
def test_large_buffers_inside_records_are_not_copied(size, buffers):
    data = bytearray(size)
    encoded = encode(Batch([Blob(data)]))
    assert len(encoded) == buffers
    data[0] = 7
    assert bytes(there_and_back(Batch([Blob(data)])).values[0].data) == bytes(data)
    assert [bytes(b) == bytes(data) for b in encoded[1:]] == [True] * (buffers - 1)


SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), metadata={"unit": "1"}),
        ("text", pa.string()),
        ("parts", pa.list_(pa.int8())),
    ],
    metadata={"made": "here"},
)


def rows(count):
    return pa.record_batch(
        [
            pa.array(range(count)),
            pa.array([f"text {n}" for n in range(count)]),
            pa.array([[1, 2]] * count, pa.list_(pa.int8())),
        ],
        schema=SCHEMA,
    )


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_arrow_comes_back(count):
    batch = Batch(rows(count), list(range(count)), list(range(count)))
    back = there_and_back(batch)
    assert back.values.equals(batch.values, check_metadata=True)
    assert (back.keys, back.timestamps) == (batch.keys, batch.timestamps)


def test_a_slice_leaves_its_parent_behind():
    sliced = Batch(rows(100_000)).slice(50_000, 50_010)
    assert sum(len(b) for b in encode(sliced)) < 2_000
    assert there_and_back(sliced).values.equals(rows(100_000).slice(50_000, 10))


@pytest.mark.parametrize(
    "type_",
    [
        pa.dictionary(pa.int8(), pa.string()),
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
        pa.struct([("a", pa.dictionary(pa.int8(), pa.string()))]),
    ],
)
def test_dictionaries_come_back(type_):
    column = {"dictionary": ["x", "y"], "list": [["x"], ["y"]], "struct": [{"a": "x"}, None]}
    values = next(v for name, v in column.items() if str(type_).startswith(name))
    batch = pa.record_batch({"c": pa.array(values, type_)})
    assert there_and_back(Batch(batch)).values.equals(batch)
    assert there_and_back(Batch(batch.slice(1))).values.equals(batch.slice(1))


def test_arrow_is_read_where_it_was_received():
    (columns, schema, body) = (bytearray(b) for b in encode(Batch(rows(1000))))
    ids = decode([columns, schema, body]).values.column(0)
    start = pa.py_buffer(body).address
    assert start <= ids.buffers()[1].address < start + len(body)


def test_what_no_module_holds_travels_by_value():
    class Local:
        def __init__(self, x):
            self.x = x

    back = there_and_back(Batch([Local(3), lambda: 4]))
    assert back.values[0].x == 3
    assert back.values[1]() == 4


@pytest.mark.parametrize("where", ["record", "key"])
def test_what_cannot_be_pickled_is_named(where):
    lock = threading.Lock()
    batch = Batch([1, lock]) if where == "record" else Batch([1, 2], [3, lock])
    with pytest.raises(
        TransferError, match=f"a {where} of type _thread.lock cannot be sent .*Send what they are"
    ):
        encode(batch)


def test_secrets_of_what_cannot_be_pickled_are_hidden():
    with pytest.raises(TransferError) as failed:
        encode(Batch([{"user": "ann", "password": "canary", "lock": threading.Lock()}]))
    assert "'password': '***', 'user': 'ann'" in str(failed.value)


def test_pyarrow_is_loaded_for_arrow_only():
    code = (
        "import sys; from raystreaming.records import Batch; from raystreaming.records.codec import *;"
        "decode(encode(Batch([1]))); print({'pyarrow', 'cloudpickle'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
