"""What is written, in which files and folders, with which types."""

from __future__ import annotations

import datetime
import decimal
import pickle
import string
import threading
import urllib.parse
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raystreaming.connector import Batch, OptionError, Terminal, WriterContext
from raystreaming_files import FilesSink, FilesSource, epoch

ROWS = [{"n": i, "t": f"é{i}", "x": i / 3, "k": f"k{i % 5}"} for i in range(500)]

CSV_SCHEMA = pa.schema([("n", pa.int64()), ("t", pa.string()), ("x", pa.float64()), ("k", pa.string())])
"""CSV does not tell 1 from 1.0."""


def batches(rows: list[Any], size: int = 60) -> list[list[Any]]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


@pytest.mark.parametrize("arrow", [False, True])
@pytest.mark.parametrize("partition_by", [[], ["k"], ["k", "n"]])
@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "arrow", "avro"])
def test_rows_come_back(tmp_path: Path, kit: Any, form: str, partition_by: list[str], arrow: bool) -> None:
    rows = ROWS[:100]
    epochs = [batches(rows[:50], 7), [], batches(rows[50:], 20)]
    if arrow:
        epochs = [[pa.RecordBatch.from_pylist(b) for b in e] for e in epochs]
    sink = pickle.loads(pickle.dumps(FilesSink(tmp_path, format=form, partition_by=partition_by)))
    kit.run_sink(sink, epochs)
    files = kit.visible(tmp_path)
    assert {len(p.relative_to(tmp_path).parts) for p in files} == {len(partition_by) + 1}
    assert not (tmp_path / ".raystreaming").exists()
    if form == "parquet":
        assert kit.bag(kit.read(FilesSource(tmp_path))) == kit.bag(rows)
        folders = pa.schema([(p, pa.int64() if p == "n" else pa.string()) for p in partition_by])
        table = ds.dataset(tmp_path, partitioning=ds.partitioning(folders, flavor="hive")).to_table()
        assert kit.bag(table.to_pylist()) == kit.bag(rows)
        for file in files:
            assert not set(pq.read_schema(file).names) & set(partition_by)
    else:
        schema = CSV_SCHEMA if form == "csv" else None
        assert kit.bag(kit.read(FilesSource(tmp_path, format=form, schema=schema))) == kit.bag(rows)
        for file in files:  # The columns of the folders are not in the files.
            (tmp_path / f"alone{file.suffix}").write_bytes(file.read_bytes())
            alone = kit.read(FilesSource(tmp_path / f"alone{file.suffix}", format=form))
            assert not set(alone[0]) & set(partition_by)


def test_order_is_kept_within_a_partition(tmp_path: Path, kit: Any) -> None:
    kit.run_sink(FilesSink(tmp_path, partition_by=["k"], row_group_rows=30), [batches(ROWS, 13)])
    for file in kit.visible(tmp_path):
        numbers = pq.ParquetFile(file).read().column("n").to_pylist()
        assert numbers == sorted(numbers)
        assert len(numbers) == 100


def test_text(tmp_path: Path, kit: Any) -> None:
    lines = ["", "a", "é" * 100, " x ", "\x00\u2028\x85"]
    kit.run_sink(FilesSink(tmp_path, format="text"), [[lines, lines], [lines]])
    assert [p.suffix for p in kit.visible(tmp_path)] == [".txt", ".txt"]
    assert kit.read(FilesSource(tmp_path, format="text")) == lines * 3
    sink = FilesSink(tmp_path, format="text")
    for bad, why in [("a\nb", "newline"), (3, "type int"), ("\ud800", "Unicode")]:
        writer = sink.open(None, WriterContext(operator="out"))
        with pytest.raises(Terminal, match=rf"{why}.*map it") as caught:
            writer.write(Batch(["fine", bad]))
        assert repr(bad) in str(caught.value)
        assert "(out)" in str(caught.value)
        writer.close()


VALUES = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.sampled_from(
        ["", ".", "..", "a/b", "/", "%2F", "%", "x=y", "\\", "a b", "+", "\n", "007", "true", "*?[a]"]
    ),
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=12))
@pytest.mark.parametrize("form", ["parquet", "jsonl"])  # Those that pyarrow.dataset reads back, too.
def test_hostile_partition_values_round_trip(
    tmp_path_factory: Any, kit: Any, form: str, values: list[tuple[Any, Any]]
) -> None:
    path = tmp_path_factory.mktemp("out")
    rows = [{"a": a, "b=/ ": b, "n": i} for i, (a, b) in enumerate(values)]
    kit.run_sink(FilesSink(path, format=form, partition_by=["a", "b=/ "]), [[rows]])
    assert all(len(p.relative_to(path).parts) == 3 for p in kit.visible(path))
    schema = pa.schema([("a", pa.string()), ("b=/ ", pa.string())])
    dataset = ds.dataset(
        path, format="json" if form == "jsonl" else form, partitioning=ds.partitioning(schema, flavor="hive")
    )
    assert kit.bag(dataset.to_table().to_pylist()) == kit.bag(rows)
    typed = FilesSource(path, format=form, schema=pa.schema([*schema, ("n", pa.int64())]))
    assert kit.bag(kit.read(typed)) == kit.bag(rows)


def test_partition_values_of_other_types(tmp_path: Path, kit: Any) -> None:
    day, at = datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4, 5)
    row = {"a": 1.5, "b": True, "c": day, "d": at, "e": decimal.Decimal("1.50"), "f": 2.0, "v": 1}
    for form in ("parquet", "jsonl"):
        rows = [row] if form == "parquet" else [{k: v for k, v in row.items() if k != "e"} | {"e": "1.50"}]
        kit.run_sink(FilesSink(tmp_path / form, format=form, partition_by=list("abcdef")), [[rows]])
        (file,) = kit.visible(tmp_path / form)
        folders = urllib.parse.unquote(str(file.relative_to(tmp_path / form).parent))
        assert folders == "a=1.5/b=true/c=2026-01-02/d=2026-01-02 03:04:05/e=1.50/f=2"


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("__HIVE_DEFAULT_PARTITION__", "missing value"),
        ("é" * 100, "folder name of"),
        (b"x", "type bytes"),
        ([1], "type"),
    ],
)
def test_impossible_partition_values(tmp_path: Path, kit: Any, form: str, value: Any, why: str) -> None:
    writer = FilesSink(tmp_path, format=form, partition_by=["k"]).open(None, WriterContext())

    def write() -> None:  # Arrow batches are grouped later than rows.
        writer.write(Batch([{"k": value, "v": 1}]))
        kit.finish(writer.prepare(1))

    with pytest.raises(Terminal, match=rf"partition folder for 'k' = .*{why}.*map it"):
        write()
    writer.close()
    assert kit.visible(tmp_path) == []


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_record_without_the_partition_column_is_refused(tmp_path: Path, form: str) -> None:
    for rows in ([{"k": 1, "v": 1}, {"v": 2}], [{"v": 2}]):
        writer = FilesSink(tmp_path, format=form, partition_by=["k"]).open(None, WriterContext())
        with pytest.raises(Terminal, match=r"record \{'v': 2\}.*no column 'k'"):
            writer.write(Batch(rows))
        writer.close()


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "arrow", "avro", "text"])
@pytest.mark.parametrize(
    ("count", "limit", "size"), [(40, 1, 7), (200, 10, 7), (200, 100, 500), (200, 64, 33)]
)
def test_rolling_by_rows_is_exact(
    tmp_path: Path, kit: Any, form: str, count: int, limit: int, size: int
) -> None:
    # Few where each row is a file: on Python 3.10 pyarrow looks at all objects for each CSV that it reads.
    rows = ROWS[:count] if form != "text" else [r["t"] for r in ROWS[:count]]
    kit.run_sink(
        FilesSink(tmp_path, format=form, roll_rows=limit), [batches(rows, size), batches(rows, size)]
    )
    counts = [len(kit.read(FilesSource(p, format=form))) for p in kit.visible(tmp_path)]
    tight = FilesSink(tmp_path / "tight", format=form, roll_rows=limit, buffer_bytes=3000)
    kit.run_sink(tight, [batches(rows, size), batches(rows, size)])
    assert sorted(counts) == sorted(
        len(kit.read(FilesSource(p, format=form))) for p in kit.visible(tmp_path / "tight")
    )
    full, rest = divmod(count, limit)
    assert sorted(counts) == sorted(([limit] * full + [rest] * bool(rest)) * 2)
    schema = CSV_SCHEMA if form == "csv" else None
    assert kit.bag(kit.read(FilesSource(tmp_path, format=form, schema=schema))) == kit.bag(rows * 4)


@pytest.mark.parametrize("form", ["parquet", "jsonl", "csv", "arrow", "avro", "text"])
def test_rolling_by_bytes(tmp_path: Path, kit: Any, form: str) -> None:
    import random

    texts = [random.Random(i).randbytes(100).hex() for i in range(5000)]
    rows = texts if form == "text" else [{"t": t} for t in texts]
    kit.run_sink(
        FilesSink(tmp_path, format=form, roll_bytes=100_000, compression="none"),
        [batches(rows, 100)],
    )
    sizes = sorted(p.stat().st_size for p in kit.visible(tmp_path))
    assert len(sizes) >= 5
    assert sizes[1] >= 100_000
    assert sizes[-1] < (2_000_000 if form == "parquet" else 180_000)
    assert kit.bag(kit.read(FilesSource(tmp_path, format=form))) == kit.bag(rows)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_many_partitions_stay_within_memory_and_open_files(
    tmp_path: Path, kit: Any, monkeypatch: Any, form: str
) -> None:
    monkeypatch.setattr(epoch, "MAX_OPEN_FILES", 8)
    budget = 300_000
    writer = FilesSink(tmp_path, format=form, partition_by=["k"], buffer_bytes=budget).open(
        None, WriterContext()
    )
    rows = [{"k": (i * 7919) % 100, "n": i, "t": "x" * 50} for i in range(30_000)]
    for batch in batches(rows, 1000):
        writer.write(Batch(batch if form == "jsonl" else pa.RecordBatch.from_pylist(batch)))
        files = writer._epoch
        assert files._size <= budget + (64 << 10)
        assert len(files._open) <= 8
        assert files._size == sum(p.size for p in files._parts.values())
    FilesSink(tmp_path).commit([kit.finish(writer.prepare(1))])
    writer.close()
    got = kit.read(FilesSource(tmp_path, format=form))
    assert sorted(r["n"] for r in got) == list(range(30_000))


def test_row_groups_have_the_rows_asked_for(tmp_path: Path, kit: Any) -> None:
    rows = [{"n": i} for i in range(10_000)]
    kit.run_sink(FilesSink(tmp_path, row_group_rows=3000, compression="zstd"), [batches(rows, 700)])
    (file,) = kit.visible(tmp_path)
    meta = pq.ParquetFile(file).metadata
    assert [meta.row_group(i).num_rows for i in range(meta.num_row_groups)] == [3000, 3000, 3000, 1000]
    assert meta.row_group(0).column(0).compression == "ZSTD"


def test_the_schema_widens_by_starting_new_files(tmp_path: Path, kit: Any) -> None:
    steps: list[list[Any]] = [
        [{"a": 1, "b": None}],
        [{"a": 2, "b": None}],
        [{"a": 2.5, "b": None}],
        [{"a": 3, "b": "x"}],
        [{"a": 4, "b": None, "c": [1]}],
        [{"c": [None, 1.5]}, {"b": "y"}],
        [{"a": None, "b": None, "c": []}],
    ]
    kit.run_sink(FilesSink(tmp_path), [steps])
    schemas = [pq.read_schema(p) for p in kit.visible(tmp_path)]
    types = [[str(f.type).replace("element", "item") for f in s] for s in schemas]
    assert types == [
        ["int64", "null"],
        ["double", "null"],
        ["double", "string"],
        ["double", "string", "list<item: int64>"],
        ["double", "string", "list<item: double>"],
    ]
    tables = [pq.ParquetFile(p).read() for p in kit.visible(tmp_path)]
    got = pa.concat_tables(tables, promote_options="permissive").to_pylist()
    names = {"a": None, "b": None, "c": None}
    assert got == [names | row for step in steps for row in step]


def test_the_wider_schema_stays_over_epochs_and_within_partitions(tmp_path: Path, kit: Any) -> None:
    epochs = [[[{"k": "p", "a": 1}], [{"k": "q", "a": 2.5}]], [[{"k": "p", "a": 3}]]]
    kit.run_sink(FilesSink(tmp_path, partition_by=["k"]), epochs)
    types = [str(pq.read_schema(p).field("a").type) for p in kit.visible(tmp_path)]
    assert types == ["int64", "double", "double"]


def test_arrow_batches_widen_too(tmp_path: Path, kit: Any) -> None:
    kit.run_sink(
        FilesSink(tmp_path),
        [
            [
                pa.record_batch({"a": pa.array([1], pa.int32())}),
                pa.record_batch({"a": pa.array([2], pa.int64())}),
                pa.record_batch({"a": pa.array([3], pa.int16()), "b": pa.array(["x"]).dictionary_encode()}),
                pa.record_batch({"b": pa.array(["y"])}),
                [{"a": 5}],
            ]
        ],
    )
    tables = [pq.ParquetFile(p).read() for p in kit.visible(tmp_path)]
    assert [t.column("a").to_pylist() for t in tables] == [[1], [2], [3], [None, 5]]
    assert tables[-1].column("b").to_pylist() == ["y", None]


@pytest.mark.parametrize(
    ("first", "bad", "words"),
    [
        ({"a": 1}, {"a": "x"}, "'a'.*int64.*string"),
        ({"a": "x"}, {"a": 1}, "'a'.*string.*int64"),
        ({"a": True}, {"a": 1}, "'a'.*bool.*int64"),
        ({"a": 1.5}, {"a": 2**60 + 1}, "'a'.*double.*int"),
        ({"a": 1}, {"a": 2**70}, "'a'.*int64.*int"),
        ({"a": {"b": 1}}, {"a": {"b": "x"}}, "'a'.*struct.*struct"),
        ({"a": 1}, {"a": object}, "'a'.*int64.*type"),
        ({"a": 1}, {3: 1}, "column name 3"),
        ({"a": 1}, [1], "type list"),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_what_cannot_be_widened_is_named(
    tmp_path: Path, first: Any, bad: Any, words: str, together: bool
) -> None:
    writer = FilesSink(tmp_path).open(None, WriterContext(operator="out"))
    good = {k: (v + 1 if isinstance(v, int) and not isinstance(v, bool) else v) for k, v in first.items()}
    if not together:
        writer.write(Batch([first]))
    with pytest.raises(Terminal, match=words) as caught:
        writer.write(Batch([first, good, bad] if together else [good, bad]))
    assert repr(bad) in str(caught.value)
    assert "(out)" in str(caught.value)
    writer.close()


def test_an_incompatible_arrow_batch_is_named(tmp_path: Path) -> None:
    writer = FilesSink(tmp_path).open(None, WriterContext())
    writer.write(Batch([{"a": 1}]))
    with pytest.raises(Terminal, match=r"'a'.*int64.*\{'a': 'x'\}.*string"):
        writer.write(Batch(pa.record_batch({"a": pa.array([None, "x"])})))
    with pytest.raises(Terminal, match="comes twice"):
        writer.write(Batch(pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])))
    writer.close()


def test_a_given_schema_is_kept_to(tmp_path: Path, kit: Any) -> None:
    schema = pa.schema([("k", pa.string()), pa.field("a", pa.float32(), nullable=False), ("d", pa.date32())])
    sink = FilesSink(tmp_path, schema=schema, partition_by=["k"])
    day = datetime.date(2026, 1, 1)
    kit.run_sink(sink, [[[{"k": "p", "a": 1}], pa.record_batch({"k": ["p"], "d": [day], "a": [2]})]])
    (file,) = kit.visible(tmp_path)
    assert pq.read_schema(file) == pa.schema([schema.field("a"), schema.field("d")])
    assert pq.ParquetFile(file).read().to_pylist() == [{"a": 1.0, "d": None}, {"a": 2.0, "d": day}]
    for rows, words in [
        ([{"k": "p", "a": 1, "z": 1}], "column 'z' is not in schema="),
        (pa.record_batch({"k": ["p"], "a": [1.0], "z": [1]}), "column 'z' is not in schema="),
        ([{"k": "p", "a": None}], "'a'.*does not allow nulls"),
        ([{"k": "p", "a": 1.0}, {"k": "p", "a": "x"}], r"'a'.*float.*\{'a': 'x', 'k': 'p'\}.*str"),
        ([{"k": "p"}], "'a'.*does not allow nulls"),
    ]:
        writer = sink.open(None, WriterContext())
        with pytest.raises(Terminal, match=words):
            writer.write(Batch(rows))
        writer.close()


def test_types_that_arrow_and_json_know(tmp_path: Path, kit: Any) -> None:
    row = {
        "i": -(2**63),
        "j": 2**63 - 1,
        "f": 1e308,
        "b": b"\x00\xff",
        "s": string.printable + "é\U0001f600",
        "t": datetime.datetime(2026, 1, 1, 1, 2, 3, 4),
        "d": datetime.date(2026, 1, 1),
        "m": decimal.Decimal("1.23"),
        "l": [[1], None],
        "o": {"x": {"y": None}},
        "n": None,
    }
    kit.run_sink(FilesSink(tmp_path / "p"), [[[row, dict.fromkeys(row)]]])
    assert kit.read(FilesSource(tmp_path / "p")) == [row, dict.fromkeys(row)]
    plain = {k: row[k] for k in "ijfslon"}
    kit.run_sink(FilesSink(tmp_path / "j", format="jsonl"), [[[plain, {}, dict.fromkeys(plain)]]])
    assert kit.read(FilesSource(tmp_path / "j", format="jsonl")) == [plain, {}, dict.fromkeys(plain)]
    writer = FilesSink(tmp_path, format="jsonl").open(None, WriterContext())
    with pytest.raises(Terminal, match=r"as JSON \(sink\).*bytes.*map it"):
        writer.write(Batch([{"a": 1}, {"b": b"x"}]))
    writer.close()


@pytest.mark.parametrize(
    ("form", "partition_by"),
    [("parquet", ["k"]), ("parquet", []), ("jsonl", ["k"]), ("jsonl", []), ("text", [])],
)
def test_secrets_of_records_that_cannot_be_written_are_hidden(
    tmp_path: Path, form: str, partition_by: list[str]
) -> None:
    rows = [{"password": 1, "odd": 1}, {"password": "canary", "odd": object()}]
    writer = FilesSink(tmp_path, format=form, partition_by=partition_by).open(None, WriterContext())
    with pytest.raises(Terminal, match=r"'password': '\*\*\*'") as failed:
        writer.write(Batch(rows))
    assert "canary" not in str(failed.value)
    writer.close()


def test_records_without_columns_are_refused(tmp_path: Path) -> None:
    writer = FilesSink(tmp_path, partition_by=["k"]).open(None, WriterContext())
    with pytest.raises(Terminal, match="no column is left"):
        writer.write(Batch([{"k": 1}]))
    writer.close()


def test_batches_are_not_changed_and_empty_ones_are_nothing(tmp_path: Path, kit: Any) -> None:
    for form in ("parquet", "jsonl"):
        rows = [{"k": 1, "v": 2}, {"k": 2}]
        writer = FilesSink(tmp_path, format=form, partition_by=["k"]).open(None, WriterContext())
        assert writer.prepare(0) is None
        writer.write(Batch([]))
        writer.write(Batch(pa.RecordBatch.from_pylist([], pa.schema([("k", pa.int64())]))))
        assert writer.prepare(1) is None
        writer.write(Batch(rows))
        assert rows == [{"k": 1, "v": 2}, {"k": 2}]
        writer.close()
    assert kit.visible(tmp_path) == []


def test_the_next_epoch_is_written_while_the_last_is_finished(tmp_path: Path, kit: Any) -> None:
    sink = FilesSink(tmp_path, partition_by=["k"], row_group_rows=50, roll_rows=70)
    writer = sink.open(None, WriterContext())
    committables: list[bytes] = []
    threads = []
    for number in range(20):
        for batch in batches(ROWS, 90):
            writer.write(Batch([r | {"epoch": number} for r in batch]))
        prepared = writer.prepare(number)
        threads.append(threading.Thread(target=lambda p=prepared: committables.append(p())))
        threads[-1].start()
    for thread in threads:
        thread.join()
    writer.close()
    assert kit.visible(tmp_path) == []
    sink.commit(committables)
    want = [r | {"epoch": number} for r in ROWS for number in range(20)]
    assert kit.bag(kit.read(FilesSource(tmp_path))) == kit.bag(want)


def test_two_writers_never_collide(tmp_path: Path, kit: Any) -> None:
    """Not even those of one task that restarts within its run, before or after a commit."""
    sink = FilesSink(tmp_path)
    writers = [sink.open(None, WriterContext(task=0)) for _ in range(5)]
    writers += [sink.open(None, WriterContext(task=1)), sink.open(None, WriterContext(owner="x", run="../r"))]
    committables = []
    for number in range(3):
        for w in writers:
            w.write(Batch([{"n": number}]))
        committables += [kit.finish(w.prepare(number)) for w in writers]
    sink.commit(committables)
    for w in writers:
        w.close()
    assert len(kit.visible(tmp_path)) == 21
    assert len(kit.read(FilesSource(tmp_path))) == 21
    assert [p for p in tmp_path.iterdir() if p.is_dir()] == []


def test_wrong_options() -> None:
    FilesSink("/nope/at/all")
    with pytest.raises(OptionError, match=r"'compression' of 'jsonl' files must be.*'schema' is for form"):
        FilesSink("x", format="jsonl", compression="snappy", schema=pa.schema([("a", pa.int64())]))
    with pytest.raises(OptionError, match=r"'header' is for CSV.*'delimiter' is for CSV.*'roll_after'"):
        FilesSink("x", header=False, delimiter=";", roll_after="soon")
    with pytest.raises(OptionError, match="'storage_options' is for URLs"):
        FilesSink("x", storage_options={"key": "k"})
    with pytest.raises(OptionError, match="'partition_by' is for records with columns"):
        FilesSink("x", format="text", partition_by=["a"])
    with pytest.raises(OptionError, match=r"partition_by.*twice.*roll_rows.*at least 1"):
        FilesSink("b", partition_by=["a", "a"], roll_rows=0)
    with pytest.raises(OptionError, match="'schema' does not have"):
        FilesSink("x", partition_by=["k"], schema=pa.schema([("a", pa.int64())]))
    with pytest.raises(OptionError, match="absolute path after file://"):
        FilesSink("file://host/x")
    assert FilesSink("x").delivery == "exactly-once"
    assert FilesSink("x").columnar
    assert not FilesSink("x", format="text").columnar
