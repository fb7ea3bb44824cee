"""Records that cannot be written: `on_error` says what becomes of them, and their neighbours are written."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from raystreaming import StreamingContext, dead_letter, retry
from raystreaming.connector import Batch, Retryable, Terminal, WriterContext
from raystreaming_files import FilesSink, FilesSource, local_store

COLUMNS = ["parquet", "arrow", "avro", "csv"]
LONG = "x" * 300
"""Too long for the name of a folder."""


def good(n: int) -> dict[str, Any]:
    return {"n": n, "k": f"k{n % 2}"}


BAD: list[Any] = [{"n": "text", "k": "k0"}, {"n": 1, "k": LONG}, {"n": 1}, 5, {1: 2, "k": "k1"}, None]
"""What a sink of the columns n and k, which is partitioned by k, cannot write."""


def write(path: Path, form: str, rows: list[Any], **options: Any) -> list[Any]:
    """Write rows by a job that keeps those it cannot write; return these."""
    letters: list[Any] = []
    ctx = StreamingContext()
    stream = ctx.from_collection(rows).write_files(path, format=form, **options)
    stream.on_error(dead_letter(letters.append, form=lambda letter: letter))
    ctx.execute()
    assert all(letter.error for letter in letters)
    return [letter.record for letter in letters]


@pytest.mark.parametrize("form", COLUMNS)
@pytest.mark.parametrize("schema", [None, pa.schema([("n", pa.int64()), ("k", pa.string())])])
def test_neighbours_of_what_fits_no_type_are_written(
    tmp_path: Path, kit: Any, form: str, schema: Any
) -> None:
    rows: list[Any] = list(map(good, range(200)))
    for n, bad in enumerate(BAD):
        rows.insert(10 + 33 * n, bad)
    assert write(tmp_path, form, rows, partition_by=["k"], schema=schema) == BAD
    found = kit.read(FilesSource(tmp_path, format=form))
    assert kit.bag(found) == kit.bag(list(map(good, range(200))))
    for k in ("k0", "k1"):
        numbers = [row["n"] for row in kit.read(FilesSource(tmp_path / f"k={k}", format=form))]
        assert numbers == sorted(numbers)


def test_neighbours_of_what_is_no_json_are_written(tmp_path: Path, kit: Any) -> None:
    rows: list[Any] = list(map(good, range(50)))
    bad = [{"n": b"bytes", "k": "k1"}, {"n": 1, "k": LONG}, {"n": 1}, 5]
    assert write(tmp_path, "jsonl", rows[:20] + bad + rows[20:], partition_by=["k"]) == bad
    assert kit.bag(kit.read(FilesSource(tmp_path, format="jsonl"))) == kit.bag(rows)


def test_neighbours_of_what_is_no_line_are_written(tmp_path: Path, kit: Any) -> None:
    assert write(tmp_path, "text", ["a", "b\nc", 5, "d", "\ud800", ""]) == ["b\nc", 5, "\ud800"]
    assert kit.read(FilesSource(tmp_path, format="text")) == ["a", "d", ""]


def test_what_a_format_has_no_place_for_widens_nothing(tmp_path: Path, kit: Any) -> None:
    bad = {"n": 1, "more": [1, 2]}
    assert write(tmp_path, "csv", [{"n": 0}, bad, {"n": 2}]) == [bad]
    assert kit.read(FilesSource(tmp_path, format="csv")) == [{"n": 0}, {"n": 2}]


def test_values_that_avro_cannot_hold(tmp_path: Path, kit: Any) -> None:
    """They show in the values only, not in the types."""
    batch = pa.RecordBatch.from_arrays([pa.array([0, 10**8, 1], pa.date32())], names=["day"])
    with pytest.raises(Terminal, match="as Avro"):
        kit.run_sink(FilesSink(tmp_path / "a", format="avro"), [[batch]])
    rejected: list[Any] = []
    kit.run_sink(FilesSink(tmp_path / "b", format="avro"), [[batch]], rejected=rejected.append)
    assert ["100000000" in r.record["day"] for r in rejected] == [True]
    days = [row["day"].day for row in kit.read(FilesSource(tmp_path / "b", format="avro"))]
    assert days == [1, 2]


@pytest.mark.parametrize("form", COLUMNS)
def test_rows_of_arrow_batches_are_rejected_alone(tmp_path: Path, kit: Any, form: str) -> None:
    rejected: list[Any] = []
    sink = FilesSink(tmp_path, format=form, partition_by=["k"])
    writer = sink.open(None, WriterContext(rejected=rejected.append))
    rows = list(map(good, range(100)))
    batch = pa.RecordBatch.from_pylist([*rows[:40], {"n": -1, "k": LONG}, *rows[40:]])
    writer.write(Batch(batch))
    sink.commit([kit.finish(writer.prepare(1))])
    writer.close()
    assert [(r.record, "partition folder" in r.why) for r in rejected] == [({"n": -1, "k": LONG}, True)]
    assert kit.bag(kit.read(FilesSource(tmp_path, format=form))) == kit.bag(rows)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_files_that_go_on_take_the_neighbours_too(tmp_path: Path, kit: Any, form: str) -> None:
    sink = FilesSink(tmp_path, format=form, roll_rows=50, roll_across_checkpoints=True)
    rejected: list[Any] = []
    writer = sink.open(None, WriterContext(durable=True, rejected=rejected.append))
    bad = {"n": object()}
    writer.write(Batch([good(1), bad, good(2)]))
    writer.finish()
    sink.commit([kit.finish(writer.prepare(1))])
    writer.close()
    assert [r.record for r in rejected] == [bad]
    assert kit.bag(kit.read(FilesSource(tmp_path, format=form))) == kit.bag([good(1), good(2)])


def test_a_disk_that_fails_now_and_then_writes_nothing_twice(
    tmp_path: Path, kit: Any, monkeypatch: Any
) -> None:
    """Records may have been taken when it fails: to try again is to start from the checkpoint."""
    real, calls = local_store.create, []

    def create(path: str) -> Any:
        calls.append(path)
        if len(calls) == 3:
            raise OSError(errno.EIO, "Input/output error")
        return real(path)

    monkeypatch.setattr(local_store, "create", create)
    ctx = StreamingContext()
    lines = ctx.from_collection(range(5)).map(lambda n: {"n": n})
    lines.write_files(tmp_path, format="jsonl", roll_rows=1).on_error(retry(3, 0))
    job = ctx.execute()
    assert job.status().restarts == 1
    assert sorted(r["n"] for r in kit.read(FilesSource(tmp_path, format="jsonl"))) == list(range(5))
    writer = FilesSink(tmp_path / "more", format="jsonl", roll_rows=1).open(None, WriterContext())
    calls.clear()
    with pytest.raises(Retryable):
        writer.write(Batch([{"n": n} for n in range(5)]))
    with pytest.raises(Retryable):
        writer.write(Batch([{"n": 6}]))
    writer.close()
