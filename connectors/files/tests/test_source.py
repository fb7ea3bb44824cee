"""What is read, from where, and what a restart repeats."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import os
import pickle
import time
from collections import Counter
from pathlib import Path
from typing import Any

import fastavro
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raystreaming import StreamingContext, count
from raystreaming.connector import KnownSplit, OptionError, PlanContext, ReaderContext, Terminal
from raystreaming.records import rows_of
from raystreaming_files import FilesSource

N = 137


def make(folder: Path, form: str, codec: str = "") -> list[Any]:
    """Write three files of `form`; return their records."""
    records: list[Any] = []
    if form in ("csv", "arrow", "avro"):
        for part in range(3):
            rows = [{"n": part * N + i, "t": f'é{i}\n,"' * (i % 3), "x": i / 2} for i in range(N)]
            write_table(folder / ("sub" * (part == 2)) / f"{part}.{form}{codec}", form, rows, part != 1)
            records += rows
        return records
    for part in range(3):
        rows = [{"n": part * N + i, "t": f"é{i}", "x": i / 2} for i in range(N)]
        file = folder / ("sub" * (part == 2)) / f"{part}.{form}"
        file.parent.mkdir(exist_ok=True)
        if form == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), file, row_group_size=40)
            records += rows
        elif form == "jsonl":
            file.write_bytes(b"\n\r\n".join(map(orjson.dumps, rows)) + b"\n" * (part != 1))
            records += rows
        else:
            lines = [f"{r['n']} é" for r in rows]
            file.write_bytes("\r\n".join(lines).encode() + b"\n" * (part != 1))
            records += lines
    return records


def write_table(file: Path, form: str, rows: list[Any], newline_at_end: bool) -> None:
    """Write rows with another library than the one under test, or its lowest level."""
    file.parent.mkdir(exist_ok=True)
    if form == "arrow":
        batches = pa.Table.from_pylist(rows).to_batches(40)
        new = pa.ipc.new_file if newline_at_end else pa.ipc.new_stream  # Both kinds are read.
        with new(file, batches[0].schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
    elif form == "avro":
        types = {"n": "long", "t": "string", "x": ["null", "double"]}
        fields = [{"name": n, "type": t} for n, t in types.items()]
        schema = fastavro.parse_schema({"type": "record", "name": "r", "fields": fields})
        with open(file, "wb") as out:
            fastavro.writer(out, schema, rows, codec="deflate", sync_interval=300)
    else:
        text = io.StringIO()
        writer = csv.DictWriter(text, ["n", "t", "x"], lineterminator="\r\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        writer.writerows(rows)
        data = text.getvalue().encode()
        data = data if newline_at_end else data[:-2]
        file.write_bytes({".gz": gzip.compress, ".bz2": bz2.compress}.get(file.suffix, bytes)(data))


@pytest.mark.parametrize("columnar", [False, True])
@pytest.mark.parametrize(
    "form", ["parquet", "jsonl", "text", "jsonl+schema", "csv", "csv+schema", "csv+.gz", "arrow", "avro"]
)
def test_every_position_restores_without_loss_or_repetition(
    tmp_path: Path, kit: Any, form: str, columnar: bool
) -> None:
    form, _, more = form.partition("+")
    typed = more == "schema"
    want = make(tmp_path, form, more if more.startswith(".") else "")
    schema = pa.schema([("n", pa.int64()), ("t", pa.string()), ("x", pa.float64())]) if typed else None
    source = pickle.loads(pickle.dumps(FilesSource(tmp_path, format=form, schema=schema)))
    splits = kit.plan(source)
    assert len(splits) == 3
    assert kit.bag(kit.read(source, limit=1000, columnar=columnar)) == kit.bag(want)
    for split in splits:
        fetched = kit.fetch(source, [split], 7, columnar=columnar)
        assert [f.end for f in fetched] == [False] * (len(fetched) - 1) + [True]
        pieces = [rows_of(f.batch.values) if f.batch else [] for f in fetched]
        assert sum(map(len, pieces)) == N
        if columnar:
            assert all(isinstance(f.batch.values, pa.RecordBatch) for f in fetched[:-1])
        for k in range(len(fetched)):
            again = kit.fetch(source, [(split[0], fetched[k].position)], 11, columnar=columnar)
            rows = [r for f in again if f.batch for r in rows_of(f.batch.values)]
            assert rows == [r for p in pieces[k + 1 :] for r in p]


def test_one_reader_serves_many_splits_and_idles_until_its_deadline(tmp_path: Path, kit: Any) -> None:
    want = make(tmp_path, "text")
    source = FilesSource(tmp_path, format="text")
    reader = source.open(ReaderContext())
    begin = time.monotonic()
    assert reader.read(10, begin + 0.05) is None
    assert time.monotonic() - begin > 0.04
    got = []
    for split in kit.plan(source):
        reader.add_splits([split])
        while not (fetched := reader.read(50, time.monotonic() + 1)).end:
            got += fetched.batch.values
    assert got == want
    assert reader.read(10, time.monotonic()) is None
    reader.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["", "a", "é\r", "xyz", "\r", "long" * 9])),
    st.booleans(),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
)
def test_text_is_cut_at_newlines_only(
    tmp_path: Path, kit: Any, lines: list[str], last: bool, limit: int, columnar: bool, gz: bool
) -> None:
    data = "\n".join(lines).encode() + b"\n" * last
    (tmp_path / "a.txt").write_bytes(gzip.compress(data) if gz else data)
    text = "\n".join(lines) + "\n" * last
    want = text.split("\n")
    tail = want.pop()
    want = [w.removesuffix("\r") for w in want] + [tail] * bool(tail)
    source = FilesSource(tmp_path / "a.txt", format="text", compression="gzip" if gz else "none")
    assert kit.read(source, limit=limit, columnar=columnar) == want


@pytest.mark.parametrize("columnar", [False, True])
def test_lines_longer_than_a_chunk(tmp_path: Path, kit: Any, columnar: bool) -> None:
    lines = ["x" * 3_000_000, "", "y" * 1_048_576, "z"]
    (tmp_path / "a").write_text("\n".join(lines))
    assert kit.read(FilesSource(tmp_path / "a", format="text"), columnar=columnar) == lines


@pytest.mark.parametrize("columnar", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_lines_that_are_no_text(tmp_path: Path, kit: Any, columnar: bool, limit: int) -> None:
    (tmp_path / "a").write_bytes(b"fine\nb\xffd\r\nlast\r")
    rejected: list[Any] = []
    source = FilesSource(tmp_path / "a", format="text", on_error="skip")
    found = kit.fetch(source, kit.plan(source), limit, columnar=columnar, rejected=rejected.append)
    assert [r for f in found if f.batch for r in rows_of(f.batch.values)] == ["fine", "last\r"]
    assert [(r.record, r.at) for r in rejected] == [(b"b\xffd", f"{tmp_path / 'a'} at byte 6")]
    with pytest.raises(Terminal, match="at byte 6"):
        kit.read(FilesSource(tmp_path / "a", format="text"), limit=limit, columnar=columnar)


def test_words_are_counted_in_columns(tmp_path: Path, kit: Any) -> None:
    lines = [f"{'to be or not '[: n % 13]}{n % 7}" for n in range(5000)]
    (tmp_path / "in").mkdir()
    for part in range(3):
        (tmp_path / "in" / f"{part}.txt").write_text("\n".join(lines[part::3]))
    ctx = StreamingContext(checkpoint_dir=tmp_path / "state")
    words = ctx.read_files(tmp_path / "in", format="text").select(
        word=pc.split_pattern(pc.field("value"), " ")
    )
    counts = words.explode("word").filter(pc.field("word") != "").key_by("word").agg(n=count())
    counts.write_files(tmp_path / "out")
    assert "reads Arrow" in ctx.explain()
    ctx.execute("words")
    found = {row["word"]: row["n"] for row in kit.read(FilesSource(tmp_path / "out"))}
    assert found == Counter(" ".join(lines).split())


def test_a_growing_file_is_read_to_its_planned_size_then_goes_on(tmp_path: Path, kit: Any) -> None:
    file = tmp_path / "a.log"
    file.write_text("one\ntwo")
    source = FilesSource(tmp_path, format="text")
    splits = kit.plan(source)
    file.write_text("one\ntwo\nthree\n")
    first = kit.fetch(source, splits)
    assert [f.batch.values for f in first[:-1]] == [["one", "two"]]
    known = {splits[0][0].id: KnownSplit(splits[0][0], first[-1].position, True)}
    second = kit.fetch(source, kit.plan(source, known))
    assert [f.batch.values for f in second[:-1]] == [["three"]]
    split = kit.plan(source, known)[0][0]
    known = {split.id: KnownSplit(split, second[-1].position, True)}
    third = kit.fetch(source, kit.plan(source, known))
    assert [(f.batch, f.end) for f in third] == [(None, True)]
    file.write_text("one\n")
    with pytest.raises(Terminal, match=r"4 bytes, 14 have been read.*--fresh"):
        source.plan(PlanContext(known=known))


def test_a_read_parquet_file_is_not_read_again_even_if_gone(tmp_path: Path, kit: Any) -> None:
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "a.parquet")
    source = FilesSource(tmp_path)
    splits = kit.plan(source)
    end = kit.fetch(source, splits)[-1]
    known = {splits[0][0].id: KnownSplit(splits[0][0], end.position, True)}
    pq.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "a.parquet", row_group_size=1)
    pq.write_table(pa.table({"a": [9]}), tmp_path / "b.parquet")
    again = kit.fetch(source, kit.plan(source, known))
    assert [f.batch and f.batch.values for f in again] == [None, [{"a": 9}], None]


def test_a_parquet_file_replaced_while_the_job_runs_is_refused(tmp_path: Path, kit: Any) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    source = FilesSource(tmp_path)
    splits = kit.plan(source)
    pq.write_table(pa.table({"a": list(range(100))}), tmp_path / "a.parquet")
    with pytest.raises(Terminal, match=r"a\.parquet.*were planned.*replaced"):
        kit.fetch(source, splits)


def test_a_text_file_cut_while_the_job_runs_is_refused(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "a").write_text("one\ntwo\n")
    source = FilesSource(tmp_path, format="text")
    splits = kit.plan(source)
    (tmp_path / "a").write_text("one\n")
    with pytest.raises(Terminal, match=r"ends at byte 4, 8 were planned"):
        kit.fetch(source, splits)


def test_hidden_entries_are_left_out_of_folders_and_globs(tmp_path: Path) -> None:
    root = tmp_path / ".base"  # The path itself may be hidden.
    for name in ["a.txt", ".b.txt", "_c.txt", ".raystreaming/j/d.txt", "_d=1/e.txt", "s/_t/f.txt", "s/g.txt"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    os.symlink(root, root / "s" / "loop")

    def names(path: Any) -> list[str]:
        return [os.path.relpath(s.id, root) for s in FilesSource(path, format="text").plan(PlanContext())]

    assert names(root) == ["_d=1/e.txt", "a.txt", "s/g.txt"]
    assert names(f"file://{root}") == names(root)
    assert names(root / "*.txt") == ["a.txt"]
    assert names(root / "*") == ["_d=1/e.txt", "a.txt", "s/g.txt"]
    assert set(names(root / "**" / "*.txt")) >= {"_d=1/e.txt", "a.txt", "s/g.txt"}
    assert names(root / "a.txt") == ["a.txt"]


def test_ids_do_not_depend_on_the_working_directory(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_text("x")
    monkeypatch.chdir(tmp_path)
    source = FilesSource("in", format="text")
    monkeypatch.chdir("/")
    assert [s.id for s in source.plan(PlanContext())] == [str(tmp_path / "in" / "a")]


def test_what_does_not_exist_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match=r"cannot read '.*nope'.*no such file.*check the path"):
        FilesSource(tmp_path / "nope").plan(PlanContext())
    with pytest.raises(Terminal, match="no file matches"):
        FilesSource(tmp_path / "*.nope").plan(PlanContext())
    assert list(FilesSource(tmp_path).plan(PlanContext())) == []


def test_a_file_that_is_not_parquet_or_gone_is_named(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "a.parquet").write_text("hello, this is not a Parquet file")
    with pytest.raises(Terminal, match=r"a\.parquet.*as Parquet"):
        kit.read(FilesSource(tmp_path))
    for form in ("text", "parquet"):
        source = FilesSource(tmp_path, format=form)
        (tmp_path / "a.parquet").write_text("x")
        splits = kit.plan(source)
        (tmp_path / "a.parquet").unlink()
        with pytest.raises(Terminal, match=r"a\.parquet.*[Nn]o such file"):
            kit.fetch(source, splits)


BAD = [
    b'{"n": 1}',
    b'{"n":',
    b"  ",
    b'{"n": 2}{"n": 3}',
    b'{"n": 4}\r',
    b"\xff",
    b"",
    b'{"n": 5}',
    b'{"n": "\xff"}',
]


@pytest.mark.parametrize("schema", [None, pa.schema([("n", pa.int64())])])
@pytest.mark.parametrize("columnar", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_one_malformed_line_is_one_outcome(
    tmp_path: Path, kit: Any, schema: Any, columnar: bool, limit: int
) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(BAD))
    counted: list[tuple[str, int]] = []
    source = FilesSource(tmp_path, format="jsonl", schema=schema, on_error="skip")
    rows = kit.read(source, limit, columnar=columnar, count=lambda *a: counted.append(a))
    assert rows == [{"n": 1}, {"n": 4}, {"n": 5}]
    assert counted == [("skipped", 1)] * 4
    with pytest.raises(Terminal, match=r"a\.jsonl' at byte 9 \(source\)"):
        kit.read(FilesSource(tmp_path, format="jsonl", schema=schema), limit, columnar=columnar)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            ['{"a":1}', '{"a":"x"}', "[1", "2]", '{"a":{}', "}", "{", '{"a":2} {"a":3}', "", '{"b":1}', "{}"]
        )
    )
)
def test_lines_are_judged_alone(tmp_path: Path, kit: Any, lines: list[str]) -> None:
    """Neighbours must not complete each other, whether Arrow or orjson reads them."""
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    schema = pa.schema([("a", pa.int64())])
    good = {'{"a":1}': {"a": 1}, '{"b":1}': {"a": None}, "{}": {"a": None}}
    want = [good[line] for line in lines if line in good]
    for columnar in (False, True):
        counts: list[int] = []
        source = FilesSource(tmp_path, format="jsonl", schema=schema, on_error="skip")
        rows = kit.read(source, columnar=columnar, count=lambda _, n, counts=counts: counts.append(n))
        assert rows == want
        assert sum(counts) == len([line for line in lines if line and line not in good])


def test_undecodable_text_names_the_byte_or_is_counted(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "a.txt").write_bytes(b"ok\r\nb\xe4d\r\nfine")
    with pytest.raises(Terminal, match=r"a\.txt' at byte 5 .*not UTF-8"):
        kit.read(FilesSource(tmp_path, format="text"))
    counted: list[int] = []
    source = FilesSource(tmp_path, format="text", on_error="skip")
    assert kit.read(source, count=lambda _, n: counted.append(n)) == ["ok", "fine"]
    assert counted == [1]


@pytest.mark.parametrize(("form", "bad", "good"), [("jsonl", b"[1", b"{}"), ("text", b"\xff", b"x")])
def test_positions_come_before_the_end_of_a_stretch_of_skipped_lines(
    tmp_path: Path, kit: Any, form: str, bad: bytes, good: bytes
) -> None:
    (tmp_path / f"a.{form}").write_bytes(b"\n".join([bad] * 100 + [good]))
    counts: list[int] = []
    source = FilesSource(tmp_path, format=form, on_error="skip")
    (split,) = source.plan(PlanContext())
    position = None
    for told in range(1, 4):  # each by a new reader, as if the one before had been killed
        reader = source.open(ReaderContext(count=lambda _, n: counts.append(n)))
        reader.add_splits([(split, position)])
        fetched = reader.read(7, 0.0)  # a deadline that has passed
        reader.close()
        position = told * 7 * (len(bad) + 1)
        assert fetched == (split.id, None, position, False)
    assert sum(counts) == 21


def test_columns_and_schema(tmp_path: Path, kit: Any) -> None:
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), tmp_path / "a.parquet")
    assert kit.read(FilesSource(tmp_path, columns=["b"])) == [{"b": "x"}, {"b": "y"}]
    with pytest.raises(Terminal, match=r"no column 'c'.*'a', 'b'"):
        kit.read(FilesSource(tmp_path, columns=["c"]))
    schema = pa.schema([("c", pa.date32()), ("a", pa.float32())])
    assert kit.read(FilesSource(tmp_path, schema=schema)) == [{"c": None, "a": 1.0}, {"c": None, "a": 2.0}]
    assert kit.read(FilesSource(tmp_path, schema=schema, columns=["a"])) == [{"a": 1.0}, {"a": 2.0}]
    with pytest.raises(Terminal, match="schema"):
        kit.read(FilesSource(tmp_path, schema=pa.schema([("b", pa.int64())])))
    (tmp_path / "j").mkdir()
    (tmp_path / "j" / "a.jsonl").write_text('{"a": 1, "b": 2}\n{"b": 3}\n5\n')
    source = FilesSource(tmp_path / "j", format="jsonl", columns=["a"], on_error="skip")
    for columnar in (False, True):
        assert kit.read(source, columnar=columnar) == [{"a": 1}, {"a": None}]


def test_wide_rows_come_in_batches_of_about_four_megabytes(tmp_path: Path, kit: Any) -> None:
    pq.write_table(pa.table({"a": ["x" * 10_000] * 3000}), tmp_path / "a.parquet", use_dictionary=False)
    source = FilesSource(tmp_path)
    sizes = [
        f.batch.values.nbytes for f in kit.fetch(source, kit.plan(source), 10**6, columnar=True) if f.batch
    ]
    assert sum(sizes) >= 30_000_000
    assert max(sizes) < 5_000_000


def test_constructing_is_inert_and_wrong_options_are_told_together() -> None:
    FilesSource("/nope/*.parquet")
    with pytest.raises(OptionError, match=r"'columns' must name at least one.*'quote' must be one ASCII"):
        FilesSource("x", columns=[], quote="ab")
    with pytest.raises(OptionError, match=r"scheme 's4', which fsspec does not know"):
        FilesSource("s4://bucket/x")
    with pytest.raises(OptionError, match="chains file systems"):
        FilesSource("simplecache::http://host/x")
    with pytest.raises(OptionError, match="'path' holds a password, which would show") as caught:
        FilesSource("ftp://me:canary-7@host/x")
    assert "canary" not in str(caught.value)
    with pytest.raises(OptionError, match=r"'header' is for CSV.*'compression' is for.*'split_by' says"):
        FilesSource("x", format="avro", header=False, compression="gzip", split_by="row_group")
    with pytest.raises(OptionError, match=r"'columns' is for records with columns"):
        FilesSource("x", format="text", columns=["a"])
    with pytest.raises(OptionError, match="'columns' names 'b'"):
        FilesSource("x", schema=pa.schema([("a", pa.int64())]), columns=["b"])


@pytest.mark.parametrize(
    "lines",
    [
        ['{"a":1}', '{"a":2} {"a":3}', "{", "}", '{"a":4}'],  # As many objects as lines.
        ['{"a":1} {"a":2}', "{", '"a":3}', '{"a":4}'],
    ],
)
def test_a_line_too_many_does_not_make_up_for_one_too_few(tmp_path: Path, kit: Any, lines: list[str]) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    want = [{"a": int(line[5])} for line in lines if len(line) == 7 and line[0] == "{"]
    for schema in (None, pa.schema([("a", pa.int64())])):
        source = FilesSource(tmp_path, format="jsonl", schema=schema, on_error="skip")
        assert kit.read(source) == want
        assert kit.read(source, columnar=True) == want


@pytest.mark.parametrize("columnar", [False, True])
def test_bytes_that_are_not_utf8_do_not_get_into_strings(tmp_path: Path, kit: Any, columnar: bool) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"a":"x"}\n{"a":"\xff"}\n{"a":"\xc3\xa9"}\n')
    schema = pa.schema([("a", pa.string())])
    with pytest.raises(Terminal, match="at byte 10"):
        kit.read(FilesSource(tmp_path, format="jsonl", schema=schema), columnar=columnar)
    source = FilesSource(tmp_path, format="jsonl", schema=schema, on_error="skip")
    assert kit.read(source, columnar=columnar) == [{"a": "x"}, {"a": "é"}]


def test_a_half_read_parquet_file_that_was_replaced_is_refused(tmp_path: Path, kit: Any) -> None:
    pq.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "a.parquet")
    source = FilesSource(tmp_path)
    split = kit.plan(source)[0][0]
    pq.write_table(pa.table({"a": list(range(100))}), tmp_path / "a.parquet")
    with pytest.raises(Terminal, match="replaced"):
        kit.fetch(source, kit.plan(source, {split.id: KnownSplit(split, [0, 1], False)}))
