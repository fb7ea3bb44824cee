"""CSV, Arrow, Avro and compressed lines: types, dialects, damage, and what a file holds to its last byte."""

from __future__ import annotations

import datetime
import decimal
import gzip
import io
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raystreaming.connector import Batch, KnownSplit, PlanContext, Terminal, WriterContext
from raystreaming_files import FilesSink, FilesSource
from raystreaming_files.codecs import SUFFIXES

EVERY = ["parquet", "jsonl", "csv", "arrow", "avro"]
SCRATCH = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@SCRATCH
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "i": st.none() | st.integers(-(2**63), 2**63 - 1),
                "s": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
                "f": st.none() | st.floats(allow_nan=False, allow_infinity=False),
                "b": st.none() | st.booleans(),
            }
        ),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 7),
)
@pytest.mark.parametrize("form", EVERY)
def test_any_row_comes_back_from_every_format(
    tmp_path_factory: Any, kit: Any, form: str, rows: list[Any], limit: int
) -> None:
    path = tmp_path_factory.mktemp("out")
    schema = pa.schema([("i", pa.int64()), ("s", pa.string()), ("f", pa.float64()), ("b", pa.bool_())])
    typed = None if form == "jsonl" else schema
    kit.run_sink(FilesSink(path, format=form, schema=typed), [[rows]])
    source = FilesSource(path, format=form, schema=schema)
    assert kit.read(source, limit) == rows
    assert kit.read(source, limit, columnar=True) == rows


@pytest.mark.parametrize("codec", list(SUFFIXES))
@pytest.mark.parametrize("form", ["text", "jsonl", "csv"])
def test_compressed_lines(tmp_path: Path, kit: Any, form: str, codec: str) -> None:
    rows: list[Any] = [{"n": i, "t": f"é{i}"} for i in range(500)]
    if form == "text":
        rows = [f"é{i}" for i in range(500)]
    kit.run_sink(FilesSink(tmp_path, format=form, compression=codec, roll_rows=300), [[rows]])
    files = kit.visible(tmp_path)
    assert [p.suffix for p in files] == [SUFFIXES[codec]] * 2
    assert kit.read(FilesSource(tmp_path, format=form), 70) == rows
    packed = [p.read_bytes() for p in files]
    (tmp_path / f"both{SUFFIXES[codec]}").write_bytes(packed[0] + (packed[1] if form != "csv" else b""))
    both = kit.read(FilesSource(tmp_path / f"both{SUFFIXES[codec]}", format=form))
    assert both == (rows if form != "csv" else rows[:300])
    (tmp_path / "unnamed").write_bytes(packed[0])
    assert kit.read(FilesSource(tmp_path / "unnamed", format=form, compression=codec)) == rows[:300]
    for damaged in (packed[0][:-9], packed[0][:20] + b"\0\0\0\0\0\0" + packed[0][26:]):
        files[0].write_bytes(damaged)
        with pytest.raises(Terminal, match=rf"as {codec} .*whole|bad line|header"):
            kit.read(FilesSource(files[0], format=form))


@pytest.mark.parametrize(
    ("content", "lines"),
    [(b"", []), (b"a", ["a"]), (b"a\n\nb\r", ["a", "", "b\r"]), (b"a\n\n", ["a", ""]), (b"\n", [""])],
)
def test_what_compressed_text_holds_to_its_last_byte(
    tmp_path: Path, kit: Any, content: bytes, lines: list[str]
) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(content))
    source = FilesSource(tmp_path, format="text")
    assert kit.read(source) == lines
    split = kit.plan(source)[0][0]
    for k, fetched in enumerate(kit.fetch(source, [(split, None)], 1)):
        again = kit.fetch(source, [(split, fetched.position)], 1)
        assert [line for f in again if f.batch for line in f.batch.values] == lines[k + 1 :]


def test_a_compressed_file_with_an_open_quote(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b'a,b\n1,x\n2,"y\n'))
    with pytest.raises(Terminal, match=r"a\.csv\.gz' at byte 8"):
        kit.read(FilesSource(tmp_path, format="csv"))


def test_a_compressed_file_is_read_once_and_must_not_change(tmp_path: Path, kit: Any) -> None:
    kit.run_sink(FilesSink(tmp_path, format="text", compression="gzip"), [[["a", "b", "c"]]])
    (file,) = kit.visible(tmp_path)
    source = FilesSource(tmp_path, format="text")
    split = kit.plan(source)[0][0]
    fetched = kit.fetch(source, [(split, None)], 2)
    assert [f.position for f in fetched] == [4, 6, -1]
    file.write_bytes(file.read_bytes() + b"more")
    with pytest.raises(Terminal, match="cut or replaced"):
        kit.fetch(source, [(split, 4)])
    file.unlink()
    ended = {split.id: KnownSplit(split, -1, True)}
    assert [f.batch for f in kit.fetch(source, kit.plan(source, {}) or [(split, -1)])] == [None]
    assert list(source.plan(PlanContext(known=ended))) == []


@pytest.mark.parametrize("form", [*EVERY, "text"])
def test_an_empty_file_holds_nothing_until_it_is_written(tmp_path: Path, kit: Any, form: str) -> None:
    (tmp_path / "a").touch()
    source = FilesSource(tmp_path, format=form)
    assert list(source.plan(PlanContext())) == []
    assert kit.read(source) == []
    row: Any = "x" if form == "text" else {"a": 1}
    kit.run_sink(FilesSink(tmp_path / "out", format=form), [[[row]]])
    (tmp_path / "a").write_bytes(kit.visible(tmp_path / "out")[0].read_bytes())
    assert kit.read(FilesSource(tmp_path / "a", format=form)) == [row]


@pytest.mark.parametrize("form", ["csv", "arrow", "avro"])
def test_a_file_that_shrinks_vanishes_or_is_something_else(tmp_path: Path, kit: Any, form: str) -> None:
    rows = [{"n": i} for i in range(1000)]
    kit.run_sink(FilesSink(tmp_path, format=form), [[rows]])
    (file,) = kit.visible(tmp_path)
    source = FilesSource(tmp_path, format=form)
    splits = kit.plan(source)
    whole = file.read_bytes()
    file.write_bytes(whole[:1500])
    with pytest.raises(Terminal, match=rf"part-.*{form}.*planned.*was cut or replaced.*--fresh"):
        kit.fetch(source, splits)
    file.unlink()
    with pytest.raises(Terminal, match=r"cannot read .*part-.*(source).*No such file"):
        kit.fetch(source, splits)
    if form != "csv":
        file.write_bytes(b"this is no such file" + whole[20:])
        with pytest.raises(Terminal, match=rf"as {form.title()} \(source\).*whole and {form.title()}"):
            kit.fetch(source, splits)


def test_row_groups_are_splits(tmp_path: Path, kit: Any) -> None:
    for name in "ab":
        rows = [{"n": i, "f": name} for i in range(100)]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"{name}.parquet", row_group_size=30)
    source = FilesSource(tmp_path, split_by="row_group")
    splits = kit.plan(source)
    names = [s.id.rpartition("/")[2] for s, _ in splits]
    assert names == [f"{n}.parquet#{g}" for n in "ab" for g in range(4)]
    assert kit.bag(kit.read(source)) == kit.bag(kit.read(FilesSource(tmp_path)))
    for number, split in enumerate(splits[:4]):
        fetched = kit.fetch(source, [split], 13)
        rows = [r["n"] for f in fetched if f.batch for r in f.batch.values]
        assert rows == list(range(number * 30, min(100, number * 30 + 30)))
        for k, one in enumerate(fetched):
            again = kit.fetch(source, [(split[0], one.position)], 13)
            assert [r["n"] for f in again if f.batch for r in f.batch.values] == rows[13 * (k + 1) :]
    known = {s.id: KnownSplit(s, [-1, 0], True) for s, _ in splits}
    pq.write_table(pa.table({"n": [1]}), tmp_path / "c.parquet")
    again = source.plan(PlanContext(known=known))
    assert [s for s in again if s.id not in known] == [s for s in again if "c.parquet" in s.id]
    assert {s.id for s in again} > set(known)
    whole = FilesSource(tmp_path).plan(PlanContext(known=known))  # Said otherwise later: none is read twice.
    assert {s.id for s in whole} == {*known, str(tmp_path / "c.parquet")}


CSV = b'id;name;day\r\n1;"a;b";2026-01-02\r\n\r\n2;NA;NA\r\n3;"say ""hi""\nthere";2026-01-03'


@pytest.mark.parametrize("columnar", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_csv_dialect(tmp_path: Path, kit: Any, columnar: bool, limit: int) -> None:
    day = datetime.date(2026, 1, 2)
    rows = [
        {"id": 1, "name": "a;b", "day": day},
        {"id": 2, "name": None, "day": None},
        {"id": 3, "name": 'say "hi"\nthere', "day": day.replace(day=3)},
    ]
    (tmp_path / "a.csv").write_bytes(CSV)
    source = FilesSource(tmp_path, format="csv", delimiter=";", nulls=["NA"])
    assert kit.read(source, limit, columnar=columnar) == rows
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + CSV)
    assert kit.read(source, limit, columnar=columnar) == rows
    some = FilesSource(tmp_path, format="csv", delimiter=";", nulls=["NA"], columns=["day", "id"])
    assert kit.read(some, limit) == [{"day": r["day"], "id": r["id"]} for r in rows]
    schema = pa.schema([("id", pa.string()), ("extra", pa.int8())])
    typed = FilesSource(tmp_path, format="csv", delimiter=";", schema=schema)
    assert kit.read(typed, limit) == [{"id": str(r["id"]), "extra": None} for r in rows]
    (tmp_path / "a.csv").write_bytes(CSV.partition(b"\n")[2])
    bare = FilesSource(tmp_path, format="csv", delimiter=";", nulls=["NA"], header=False)
    assert kit.read(bare, limit) == [dict(zip(("f0", "f1", "f2"), r.values(), strict=True)) for r in rows]
    (tmp_path / "a.csv").write_bytes(b"a|b\n'x\\'|y'|5\" pipe\n")
    odd = FilesSource(tmp_path, format="csv", delimiter="|", quote="'", escape="\\")
    assert kit.read(odd, limit) == [{"a": "x'|y", "b": '5" pipe'}]
    (tmp_path / "a.csv").write_bytes(b'a,b\n5" pipe,1\n6" pipe,2\n7",3\n')
    lines = FilesSource(tmp_path, format="csv", newlines_in_values=False)
    assert [r["b"] for r in kit.read(lines, limit)] == [1, 2, 3]


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_one_bad_csv_row_is_one_outcome(tmp_path: Path, kit: Any, limit: int) -> None:
    good = [b"1,x", b"2,y", b"3,\xc3\xa9"]
    bad = [b"4", b"5,z,6", b"seven,t", b"8,\xff"]
    lines = [b"n,t", good[0], bad[0], bad[1], good[1], b"", bad[2], bad[3], good[2]]
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines))
    schema = pa.schema([("n", pa.int64()), ("t", pa.string())])
    counted: list[Any] = []
    source = FilesSource(tmp_path, format="csv", schema=schema, on_error="skip")
    rows = kit.read(source, limit, count=lambda *a: counted.append(a))
    assert rows == [{"n": 1, "t": "x"}, {"n": 2, "t": "y"}, {"n": 3, "t": "é"}]
    assert counted == [("skipped", 1)] * 4
    with pytest.raises(Terminal, match=r"a\.csv' at byte 8 \(source\): .*Expected 2 columns.*skip"):
        kit.read(FilesSource(tmp_path, format="csv", schema=schema), limit)


def test_csv_types_are_those_of_the_first_rows_wherever_reading_goes_on(tmp_path: Path, kit: Any) -> None:
    rows = [f"{i},{'' if i < 1000 else 'x'}" for i in range(300_000)]
    (tmp_path / "a.csv").write_text("\n".join(["n,t", *rows, "1.5,x"]))
    source = FilesSource(tmp_path, format="csv", on_error="skip")
    split = kit.plan(source)[0][0]
    fetched = kit.fetch(source, [(split, None)], 50_000, columnar=True)
    later = kit.fetch(source, [(split, fetched[3].position)], 50_000, columnar=True)
    for f in [f for f in fetched + later if f.batch]:
        assert f.batch.values.schema == pa.schema([("n", pa.int64()), ("t", pa.string())])
    assert sum(len(f.batch) for f in fetched if f.batch) == 300_000
    with pytest.raises(Terminal, match=r"'1\.5'.*the line is.*those of its first rows"):
        kit.read(FilesSource(tmp_path, format="csv"), 50_000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,a\n1,2\n", "a name twice"),
        (b"\xff,b\n1,2\n", "no row of text.*utf-8"),
        (b"a,b\n1,2\n", "no column 'c'"),
    ],
)
def test_a_csv_header_that_will_not_do(tmp_path: Path, kit: Any, content: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(Terminal, match=rf"a\.csv.*{words}"):
        kit.read(FilesSource(tmp_path, format="csv", columns=["c"] if "no col" in words else None))


def test_a_quote_that_is_never_closed(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "a.csv").write_bytes(b'a,b\n1,"x\n' + b"2,y\n" * 4_500_000)
    with pytest.raises(Terminal, match=r"longer than 16 MB.*quote is not closed"):
        kit.read(FilesSource(tmp_path, format="csv"))


@pytest.mark.parametrize("row", [{"a": [1]}, {"a": {"b": 1}}])
def test_nested_values_have_no_place_in_csv(tmp_path: Path, kit: Any, row: Any) -> None:
    writer = FilesSink(tmp_path, format="csv").open(None, WriterContext(operator="out"))
    writer.write(Batch([row]))
    with pytest.raises(Terminal, match=r"columns a: .* as CSV \(out\).*map lists and structs"):
        kit.finish(writer.prepare(1))
    writer.close()
    assert kit.visible(tmp_path) == []


AVRO_ROW = {
    "i": 2**31,
    "b": b"\x00\xff",
    "t": datetime.datetime(2026, 1, 1, 1, 2, 3, 4),
    "u": datetime.datetime(2026, 1, 1, 1, 2, 3, 4, datetime.timezone.utc),
    "d": datetime.date(2026, 1, 1),
    "c": datetime.time(1, 2, 3, 4),
    "m": decimal.Decimal("1.23"),
    "l": [[1], None],
    "o": {"x": {"y": 1.5}, "z": [{"w": "a"}]},
    "n": None,
    "e": True,
}


def test_types_that_avro_knows(tmp_path: Path, kit: Any) -> None:
    empty = dict.fromkeys(AVRO_ROW)
    kit.run_sink(FilesSink(tmp_path, format="avro"), [[[AVRO_ROW, empty]]])
    for columnar in (False, True):
        assert kit.read(FilesSource(tmp_path, format="avro"), columnar=columnar) == [AVRO_ROW, empty]
    (file,) = kit.visible(tmp_path)
    with open(file, "rb") as raw:  # Any reader of Avro sees the same.
        assert list(fastavro.reader(raw)) == [AVRO_ROW, empty]


@pytest.mark.parametrize(
    ("row", "words"),
    [({"a b": 1}, "'a b' as Avro.*rename"), ({"a": datetime.timedelta(1)}, "'a' as Avro.*duration.*cast")],
)
def test_what_has_no_place_in_avro(tmp_path: Path, kit: Any, row: Any, words: str) -> None:
    writer = FilesSink(tmp_path, format="avro").open(None, WriterContext())
    writer.write(Batch([row]))
    with pytest.raises(Terminal, match=words):
        kit.finish(writer.prepare(1))
    writer.close()


def test_avro_types_without_a_place_in_arrow_come_as_dicts(tmp_path: Path, kit: Any) -> None:
    types = {"v": ["int", "string"], "m": {"type": "map", "values": "int"}}
    fields = [{"name": n, "type": t} for n, t in types.items()]
    rows = [{"v": 1, "m": {"a": 1}}, {"v": "x", "m": {}}]
    out = io.BytesIO()
    fastavro.writer(out, {"type": "record", "name": "r", "fields": fields}, rows)
    (tmp_path / "a.avro").write_bytes(out.getvalue())
    for columnar in (False, True):
        assert kit.read(FilesSource(tmp_path, format="avro"), columnar=columnar) == rows
    assert kit.read(FilesSource(tmp_path, format="avro", columns=["v"])) == [{"v": 1}, {"v": "x"}]


def test_arrow_batches_pass_without_becoming_objects(tmp_path: Path, kit: Any, monkeypatch: Any) -> None:
    batch = pa.record_batch({"k": ["a", "b"] * 5, "d": pa.array(["x"] * 10).dictionary_encode()})
    for form in ("arrow", "csv", "parquet"):
        kit.run_sink(FilesSink(tmp_path / form, format=form, partition_by=["k"]), [[batch, batch]])
        source = FilesSource(tmp_path / form, format=form)
        fetched = kit.fetch(source, kit.plan(source), columnar=True)
        assert {type(f.batch.values) for f in fetched if f.batch} == {pa.RecordBatch}
        assert kit.bag(kit.read(source)) == kit.bag(batch.to_pylist() * 2)
