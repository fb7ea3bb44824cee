"""What becomes of the values of messages. Parsing alone needs no broker; the rest has a real one."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal

import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raystreaming import StreamingContext, dead_letter
from raystreaming.connector import PlanContext, ReaderContext, Retryable, Terminal
from raystreaming.records import rows_of
from raystreaming_kafka.formats import BadRecord, make_decoder

SCHEMA = pa.schema(
    [("id", pa.int64()), ("name", pa.string()), ("price", pa.float64()), ("tags", pa.list_(pa.string()))]
)


def decode(values, *, schema=None, on_error="skip", columnar=False, format="json", decoder=None):
    counts = Counter()
    ctx = ReaderContext(columnar=columnar, count=lambda name, n: counts.update({name: n}))
    decoder = decoder or make_decoder(format, schema, on_error, ctx)
    rows = decoder.decode(list(values))
    return ([] if rows is None else rows_of(rows)), dict(counts)


BAD = [
    b"{",
    b"}",
    b"{}}",
    b"{}{}",
    b'{"id":1}{"id":2}',
    b'{"id":1},{"id":2}',
    b'{"id":1}\n{"id":2}',
    b"1,2",
    b"1",
    b"null",
    b"true",
    b'"text"',
    b"[]",
    b'[{"id":1}]',
    b'{"id":NaN}',
    b'{"price":Infinity}',
    b'{"price":-Infinity}',
    b'{"id":1,}',
    b"{'id':1}",
    b'{"name":"a\nb"}',
    b'{"name":"\xff"}',
    b'{"name":"\\ud800"}',
    b'\xef\xbb\xbf{"id":1}',
    b'{"id":1}\x00',
    b'{"name":"\x00"}',
    b'{"id":01}',
    b'{"price":1e400}',
    b"// {}",
]
PAIRS = [  # each is bad; joined, they would be good
    (b'{"tags":["a"', b'"b"]}'),
    (b'{"x":[{}', b"{}]}"),
    (b'{"x":[{}', b'{}]},{"id":1}'),
    (b'{"x":[{}', b',{}]}{"id":1}'),
    (b'{"id":1', b'"name":"x"},{"id":2}'),
    (b'{"id":1', b',"name":"x"}{"id":2}'),
    (b'{"name":"a', b'b"}{"id":1}'),
    (b'{"x":{}', b'"y":{}}'),
    (b'{"id":1}{"id":2}', b" "),
    (b'{"id":1},{"id":2}', b""),
    (b'{"x":"}', b'{"}'),
]
GOOD = [b'{"id":1,"name":"a","price":1.5,"tags":["x"]}', b'{"id":2,"name":"b","price":2.5,"tags":[]}']
KINDS = [
    pytest.param({}, id="dicts"),
    pytest.param({"columnar": True}, id="arrow"),
    pytest.param({"schema": SCHEMA}, id="dicts-schema"),
    pytest.param({"columnar": True, "schema": SCHEMA}, id="arrow-schema"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", BAD, ids=repr)
def test_a_bad_message_is_one_bad_message_wherever_it_is(kind, bad):
    good, _ = decode(GOOD * 2, **kind)
    for place in range(5):
        values = GOOD * 2
        values.insert(place, bad)
        assert decode(values, **kind) == (good, {"skipped": 1})
        with pytest.raises(BadRecord) as caught:
            decode(values, on_error="fail", **kind)
        assert (caught.value.index, caught.value.value) == (place, bad)
    assert decode([bad], **kind) == ([], {"skipped": 1})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pair", PAIRS, ids=repr)
def test_two_bad_messages_do_not_make_a_good_one(kind, pair):
    good, _ = decode(GOOD, **kind)
    blanks = sum(not message.strip() for message in pair)
    expected = {"skipped": 2 - blanks} | ({"blank": blanks} if blanks else {})
    assert decode([*GOOD, *pair], **kind) == (good, expected)
    assert decode([GOOD[0], *pair, GOOD[1]], **kind) == (good, expected)
    assert decode([*pair, *GOOD], **kind) == (good, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_tombstones_and_blank_messages_are_left_out_and_counted(kind):
    good, _ = decode(GOOD, **kind)
    values = [None, GOOD[0], b"", None, b" \n ", GOOD[1]]
    assert decode(values, on_error="fail", **kind) == (good, {"tombstones": 2, "blank": 2})
    assert decode([None, b""], on_error="fail", **kind) == ([], {"tombstones": 1, "blank": 1})


@pytest.mark.parametrize("kind", KINDS)
def test_whitespace_is_no_fault(kind):
    good, _ = decode(GOOD, **kind)
    for values in (
        [value + b"\n" for value in GOOD],
        [b"\r\n" + value + b" \r\n" for value in GOOD],
        [orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2) for value in GOOD],
    ):
        assert decode(values, on_error="fail", **kind) == (good, {})


def test_messages_that_end_with_a_newline_stay_fast():
    decoder = make_decoder("json", SCHEMA, "fail", ReaderContext(columnar=True))
    values = [value + b"\n" for value in GOOD * 50]
    decoder._one_by_one = None  # the slow way would raise
    assert decoder.decode(values).num_rows == 100
    assert decoder.decode(GOOD).num_rows == 2


def test_a_null_never_reaches_pyarrow_which_it_crashes():
    program = """
from raystreaming_kafka.formats import make_decoder
from raystreaming.connector import ReaderContext
for values in ([b"null"], [b"{}", b"null"], [b"null", b"{}"], [b" null"], [b"null\\n"]):
    make_decoder("json", None, "skip", ReaderContext(columnar=True)).decode(values)
print("alive")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "alive\n", done


@pytest.mark.parametrize("columnar", [False, True])
def test_a_schema_types_what_comes(columnar):
    values = [b'{"id":1}', b'{"name":null,"other":{"x":[1]},"price":3}', b"{}"]
    rows, counts = decode(values, schema=SCHEMA, columnar=columnar)
    empty = {"id": None, "name": None, "price": None, "tags": None}
    assert (rows, counts) == ([{**empty, "id": 1}, {**empty, "price": 3.0}, empty], {})
    wrong = [b'{"id":"1"}', b'{"id":1.5}', b'{"name":1}', b'{"tags":"x"}', b'{"id":9223372036854775808}']
    rows, counts = decode([GOOD[0], *wrong, GOOD[1]], schema=SCHEMA, columnar=columnar)
    assert ([row["id"] for row in rows], counts) == ([1, 2], {"skipped": 5})
    with pytest.raises(BadRecord, match="does not fit the schema"):
        decode(wrong, schema=SCHEMA, columnar=columnar, on_error="fail")


def test_a_schema_of_many_types():
    schema = pa.schema(
        [
            ("at", pa.timestamp("us", "UTC")),
            ("exact", pa.decimal128(10, 2)),
            pa.field("must", pa.int32(), nullable=False),
            ("in", pa.struct([("x", pa.float32())])),
        ]
    )
    good = b'{"at":"2024-01-02T03:04:05Z","exact":"1.50","must":5,"in":{"x":0.5,"y":1}}'
    for columnar in (False, True):
        rows, counts = decode([good, b'{"must":null}', b'{"at":null}'], schema=schema, columnar=columnar)
        assert counts == {"skipped": 2}
        assert rows[0]["at"].isoformat() == "2024-01-02T03:04:05+00:00"
        assert (rows[0]["exact"], rows[0]["must"], rows[0]["in"]) == (Decimal("1.50"), 5, {"x": 0.5})


def test_without_a_schema_batches_keep_one_and_widen_it():
    decoder = make_decoder("json", None, "skip", ReaderContext(columnar=True))

    def types(*values):
        batch = decoder.decode(list(values))
        return {field.name: str(field.type) for field in batch.schema}

    assert types(b'{"a":1,"b":null}') == {"a": "int64", "b": "null"}
    assert types(b'{"b":null}') == {"a": "int64", "b": "null"}, "what is missing stays a column"
    assert types(b'{"a":2,"c":"x"}') == {"a": "int64", "b": "null", "c": "string"}
    assert types(b'{"a":2.5}')["a"] == "double"
    assert types(b'{"a":2}')["a"] == "double", "and what was widened stays wide"
    assert types(b'{"b":{"x":1}}')["b"] == "struct<x: int64>"
    assert types(b'{"b":{"y":"z"}}')["b"] == "struct<x: int64, y: string>"
    assert types(b'{"b":{"x":0.5}}', b'{"c":"y"}')["b"] == "struct<x: double, y: string>"
    rows, _ = decode([b'{"a":"text"}', b'{"a":7}'], decoder=decoder)
    assert [row["a"] for row in rows] == [7.0], "what cannot be widened is bad"


def test_a_bad_message_adds_no_column():
    decoder = make_decoder("json", None, "skip", ReaderContext(columnar=True))
    for bad in (b'{"b":1}{"c":2}', b'{"d":1', b'{"e":[1,"x"]}', b'{"a":"x","f":1}'):
        batch = decoder.decode([b'{"a":1}', bad, b'{"a":2}'])
        assert (batch.schema.names, batch.num_rows) == (["a"], 2)


def test_without_a_schema_strings_stay_strings():
    value = b'{"at":"2024-01-02","in":{"at":"2024-01-02T03:04:05Z"},"list":["2024-01-02"],"n":1}'
    assert decode([value], columnar=True) == decode([value]) == ([orjson.loads(value)], {})
    decoder = make_decoder("json", None, "fail", ReaderContext(columnar=True))
    decoder.decode([b'{"n":1}'])
    assert decode([value], decoder=decoder) == ([orjson.loads(value)], {})
    assert decode([value.replace(b":1}", b":1.5}")], decoder=decoder)[0][0]["at"] == "2024-01-02"


NUMBERS = st.integers(-(2**63), 2**63 - 1)
FIELDS = {
    "id": st.none() | NUMBERS,
    "name": st.none() | st.text(),
    "price": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "tags": st.none() | st.lists(st.none() | st.text(), max_size=3),
}
OBJECTS = st.fixed_dictionaries(FIELDS).map(orjson.dumps)
ODD = [*BAD, *(message for pair in PAIRS for message in pair), None, b"", b" "]
ANYTHING = OBJECTS | st.sampled_from(ODD) | st.binary()


@settings(max_examples=300, deadline=None)
@given(st.lists(ANYTHING, min_size=1, max_size=30))
def test_arrow_and_dicts_are_equal_and_neighbours_do_not_matter(values):
    arrow, arrow_counts = decode(values, schema=SCHEMA, columnar=True)
    dicts, counts = decode(values, schema=SCHEMA)
    assert (arrow, arrow_counts) == (dicts, counts)
    assert arrow == [row for value in values for row in decode([value], schema=SCHEMA, columnar=True)[0]]
    assert sum(counts.values()) + len(arrow) == len(values)


@settings(max_examples=300, deadline=None)
@given(st.lists(ANYTHING, min_size=1, max_size=30))
def test_without_a_schema_arrow_and_dicts_differ_in_missing_fields_only(values):
    first = orjson.dumps({"id": 1, "name": "n", "price": 1.5, "tags": ["t"]})  # decides the columns
    arrow, counts = decode([first, *values], columnar=True)
    dicts, _ = decode([first, *values])
    assert sum(counts.values()) + len(arrow) == len(values) + 1

    def shared(rows):  # what the odd messages may have beside is not always one type
        found = [{name: row[name] for name in FIELDS if row.get(name) is not None} for row in rows]
        return [row for row in found if row]

    assert shared(arrow) == shared(dicts)


def test_text():
    assert decode([b"a", None, "ü".encode()], format="string") == (["a", None, "ü"], {})
    assert decode([b"a", b"\xff", b"b"], format="string") == (["a", "b"], {"skipped": 1})
    with pytest.raises(BadRecord, match="not UTF-8"):
        decode([b"a", b"\xff"], format="string", on_error="fail")
    assert decode([b"\xff", None], format="bytes") == ([b"\xff", None], {})


# With a broker


def lines(count):
    return [b'{"id":%d,"name":"n%d","price":%d.5,"tags":["%d"]}' % (i, i % 7, i, i) for i in range(count)]


@pytest.mark.parametrize("schema", [None, SCHEMA], ids=["inferred", "schema"])
def test_a_topic_of_json_as_arrow_and_as_dicts(kafka, client, schema):
    topic = kafka.topic(2)
    kafka.produce(topic, lines(3000), 0)
    kafka.produce(topic, lines(500), 1)
    source = kafka.source(topic, client=client, format="json", schema=schema)
    columnar = kafka.read_all(source, columnar=True)
    assert all(isinstance(f.batch.values, pa.RecordBatch) for f in columnar.fetched if f.batch)
    expected = {f"{topic}-{p}": [orjson.loads(x) for x in lines(n)] for p, n in ((0, 3000), (1, 500))}
    assert columnar.rows == kafka.read_all(source).rows == expected


@pytest.mark.parametrize("columnar", [False, True])
def test_a_malformed_message_fails_the_job_and_says_where_it_is(kafka, client, columnar):
    topic = kafka.topic(2)
    good = lines(600)
    bad = b'{"id": 1, "name": "' + b"long " * 100
    kafka.produce(topic, [*good[:431], bad, *good[431:]], 1)
    source = kafka.source(topic, client=client, format="json")
    splits = source.plan(PlanContext())
    reader = kafka.open(source, splits, columnar=columnar, operator="read-orders")
    with pytest.raises(Terminal) as caught:
        kafka.drain(reader, ends=2, limit=100)
    reader.close()
    text = str(caught.value)
    for part in (repr(topic), "partition 1", "offset 431", "read-orders", "not JSON", "on_error='skip'"):
        assert part in text
    assert '{"id": 1, "name": "long' in text
    assert len(text) < 600


@pytest.mark.parametrize("columnar", [False, True])
def test_malformed_messages_are_skipped_and_counted(kafka, client, columnar):
    topic = kafka.topic()
    good = lines(300)
    values = list(good)
    for place in (0, 100, 101, 300):
        values.insert(place, b"oops")
    kafka.produce(topic, [*values, None, b""])
    counts = Counter()
    source = kafka.source(topic, client=client, format="json", on_error="skip")
    drained = kafka.read_all(source, columnar=columnar, count=lambda name, n: counts.update({name: n}))
    assert drained.rows == {f"{topic}-0": [orjson.loads(value) for value in good]}
    assert counts == {"skipped": 4, "tombstones": 1, "blank": 1}
    assert drained.positions == {f"{topic}-0": 306}


def test_a_stretch_of_nothing_but_skipped_messages(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, [b"oops"] * 500 + lines(1) + [b"oops"] * 500)
    source = kafka.source(topic, client=client, format="json", on_error="skip")
    reader = kafka.open(source, source.plan(PlanContext()))
    drained = kafka.drain(reader, ends=1, limit=50)
    reader.close()
    assert drained.count == 1
    assert math.isclose(drained.rows[f"{topic}-0"][0]["price"], 0.5)
    assert drained.positions == {f"{topic}-0": 1001}


def test_positions_come_before_the_end_of_a_stretch_of_skipped_messages(kafka, client):
    topic = kafka.topic(2)
    for partition in range(2):
        kafka.produce(topic, [b"oops"] * 300, partition)
    source = kafka.source(topic, client=client, format="json", on_error="skip", stop=None)
    splits = source.plan(PlanContext())
    counts = Counter()
    told = dict.fromkeys((split.id for split in splits), 0)

    def read(limit, deadline):
        fetched = reader.read(limit, deadline)
        if fetched is not None:
            assert (fetched.batch, fetched.end) == (None, False)
            assert fetched.position > told[fetched.split]
            told[fetched.split] = fetched.position

    reader = kafka.open(source, splits, count=lambda name, n: counts.update({name: n}))
    give_up = time.monotonic() + 60
    while not any(told.values()):
        assert time.monotonic() < give_up
        read(40, 0.0)  # a deadline that has passed: one look at what is there
    assert sum(told.values()) <= 40
    while sum(told.values()) < 600:
        assert time.monotonic() < give_up
        read(1000, time.monotonic() + 0.5)
    assert reader.read(1000, time.monotonic() + 0.2) is None
    kafka.produce(topic, [b"oops", *lines(1)])
    drained = kafka.drain(reader, records=1, limit=1)
    assert drained.positions == {f"{topic}-0": 302}
    assert reader.read(1000, time.monotonic() + 0.2) is None
    reader.close()
    assert counts == {"skipped": 601}


def test_a_restart_does_not_count_skipped_messages_again(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, [b"oops"] * 5000)
    failures = iter([Retryable("once")])
    rows = []

    def fail_once(row):
        for failure in failures:
            raise failure
        return row

    ctx = StreamingContext(checkpoint_interval="50ms")
    source = kafka.source(topic, client=client, format="json", on_error="skip", stop=None)
    ctx.source(source).map(fail_once).sink(rows.append)
    job = ctx.submit()

    def until(condition):
        give_up = time.monotonic() + 60
        while not condition(job.status()):
            assert time.monotonic() < give_up, job.status()
            time.sleep(0.01)

    until(lambda status: status.counts.get("skipped") == 5000)
    at = job.status().checkpoint
    until(lambda status: status.checkpoint > at + 3)  # the position after them is in a checkpoint
    kafka.produce(topic, lines(1))
    until(lambda _: rows)
    job.stop()
    job.wait()
    assert job.status().counts == {"skipped": 5000}


@pytest.mark.parametrize("columnar", [False, True])
def test_dead_letters_say_where_messages_were_and_keep_what_they_held(kafka, client, columnar):
    topic = kafka.topic(2)
    kafka.produce(topic, [*lines(3), b"oops", *lines(2), b"[1]"], 1)
    letters, rows = [], []
    ctx = StreamingContext()
    source = kafka.source(topic, client=client, format="json", schema=SCHEMA if columnar else None)
    stream = ctx.source(source).on_error(dead_letter(letters.append, form=lambda letter: letter))
    stream.sink(rows.append)
    assert ctx.execute().status().counts == {"dead letters": 2}
    assert len(rows) == 5
    assert [(letter.at, letter.record) for letter in letters] == [
        (f"topic {topic!r}, partition 1, offset 3", b"oops"),
        (f"topic {topic!r}, partition 1, offset 6", b"[1]"),
    ]
    assert letters[0].error.startswith("it is not JSON: ")
