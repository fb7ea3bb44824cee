"""Files to files in every format, collections to files, and word count."""

import json
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from raystreaming import StreamingContext
from raystreaming_test_support.events import expected_seqs, make_events
from raystreaming_test_support.file_formats import file_rows, write_files
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.outputs import assert_nothing_left, files, json_rows, line_rows, parquet_rows
from raystreaming_test_support.programs import command, write_program

COUNT = 9_000
FILES = 3
SCHEMA = pa.schema([("seq", pa.int64()), ("event_type", pa.string()), ("price", pa.float64())])


def write_part(folder, format, n, start, count):
    """Write one input file."""
    folder.mkdir(exist_ok=True)
    events = list(make_events(count, start=start))
    if format == "parquet":
        rows = pa.Table.from_pylist(list(map(json.loads, events)))
        pq.write_table(rows, folder / f"{n}.parquet", row_group_size=700)
    else:
        (folder / f"{n}.{format}").write_bytes(b"\n".join(events) + b"\n")


@pytest.fixture
def write_input(tmp_path):
    def write(format):
        for n in range(FILES):
            write_part(tmp_path / "in", format, n, n * COUNT // FILES, COUNT // FILES)
        return tmp_path / "in"

    return write


def read_output(out, format):
    if format == "parquet":
        return parquet_rows(out)
    return [json.loads(line) for line in line_rows(out)]


def by_seq(rows):
    return sorted(rows, key=lambda row: row["seq"])


def expected_rows(count=COUNT):
    wanted = set(expected_seqs(count))
    return [row for row in map(json.loads, make_events(count)) if row["seq"] in wanted]


FAST = pytest.mark.runtimes("embedded", because="on Ray, one parallelism for each pair of formats will do")


@pytest.mark.parametrize("parallelism", [pytest.param(1, marks=FAST), pytest.param(2, marks=FAST), 4])
@pytest.mark.parametrize("target", ["parquet", "jsonl", "text"])
@pytest.mark.parametrize("source", ["parquet", "jsonl", "text"])
def test_every_format_to_every_format(source, target, parallelism, tmp_path, write_input):
    ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="20ms")
    stream = ctx.read_files(write_input(source), format=source).set_parallelism(parallelism)
    if source == "text":
        stream = stream.map(json.loads)
    stream = stream.filter(lambda e: e["event_type"] != "view")
    if target == "text":
        stream = stream.map(json.dumps)
    stream.write_files(tmp_path / "out", format=target)
    ctx.execute("job")
    assert by_seq(read_output(tmp_path / "out", target)) == expected_rows()
    assert_nothing_left(tmp_path / "out", tmp_path / "state")


@FAST
@pytest.mark.parametrize("columnar", [False, True])
@pytest.mark.parametrize(
    ("source", "target"), [("csv", "arrow"), ("arrow", "avro"), ("avro", "jsonl"), ("jsonl", "csv")]
)
def test_the_other_formats(source, target, columnar, tmp_path):
    write_files(tmp_path / "in", source, list(make_events(COUNT)), parts=FILES)
    ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="20ms")
    (
        ctx.read_files(tmp_path / "in", format=source)
        .set_parallelism(2)
        .filter(pc.field("event_type") != "view" if columnar else lambda e: e["event_type"] != "view")
        .write_files(tmp_path / "out", format=target)
    )
    ctx.execute("job")
    rows = [row for file in files(tmp_path / "out") for row in file_rows(file)]
    assert by_seq(rows) == expected_rows()
    assert_nothing_left(tmp_path / "out", tmp_path / "state")


@pytest.mark.parametrize("schema", [None, SCHEMA])
@pytest.mark.parametrize("source", [pytest.param("parquet", marks=pytest.mark.first_on_ray), "jsonl"])
def test_expressions_keep_arrow(source, schema, tmp_path, write_input):
    ctx = StreamingContext()
    (
        ctx.read_files(write_input(source), format=source, schema=schema)
        .filter(pc.field("event_type") != "view")
        .write_files(tmp_path / "out")
    )
    ctx.execute("job")
    rows = expected_rows()
    if schema is not None:
        rows = [{name: row[name] for name in SCHEMA.names} for row in rows]
    assert by_seq(parquet_rows(tmp_path / "out")) == rows


@pytest.mark.parametrize("target", [pytest.param("parquet", marks=pytest.mark.first_on_ray), "jsonl"])
def test_folders_and_rolling(target, tmp_path, write_input):
    out = tmp_path / "out"
    ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="50ms")
    (
        ctx.read_files(write_input("jsonl"), format="jsonl")
        .set_parallelism(2)
        .map(lambda e: {**e, "half": e["seq"] % 2})
        .write_files(out, format=target, partition_by=["event_type", "half"], roll_rows=100)
    )
    ctx.execute("job")
    rows = []
    for file in files(out):
        kind, half = (part.split("=")[1] for part in file.relative_to(out).parts[:2])
        content = pq.ParquetFile(file).read().to_pylist() if target == "parquet" else json_rows_of(file)
        assert 0 < len(content) <= 100
        assert all("event_type" not in row and "half" not in row for row in content)
        assert all(row["seq"] % 2 == int(half) for row in content)
        rows += [{**row, "event_type": kind} for row in content]
    assert by_seq(rows) == list(map(json.loads, make_events(COUNT)))
    if target == "parquet":  # What was written in folders is read back with them.
        again = StreamingContext()
        again.read_files(out).collect()
        back = again.execute("again").result()
        assert {(r["seq"], r["event_type"], r["half"]) for r in back} == {
            (r["seq"], r["event_type"], r["seq"] % 2) for r in rows
        }
        assert len(back) == COUNT


def json_rows_of(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize("format", ["parquet", pytest.param("jsonl", marks=pytest.mark.first_on_ray), "text"])
def test_a_finished_job_goes_on_with_what_is_new(format, tmp_path, write_input):
    folder = write_input(format)

    def run():
        ctx = StreamingContext(checkpoint_dir=tmp_path / "state")
        stream = ctx.read_files(folder, format=format)
        if format == "text":
            stream = stream.map(json.loads)
        stream.filter(lambda e: e["event_type"] != "view").write_files(tmp_path / "out")
        ctx.execute("job")
        return by_seq(parquet_rows(tmp_path / "out"))

    assert run() == expected_rows()
    before = files(tmp_path / "out")
    assert run() == expected_rows()
    assert files(tmp_path / "out") == before
    write_part(folder, format, 9, COUNT, 500)
    count = COUNT + 500
    assert run() == expected_rows(count)
    if format != "parquet":  # Files of lines may grow.
        with open(folder / f"1.{format}", "ab") as file:
            file.write(b"\n".join(make_events(500, start=count)) + b"\n")
        count += 500
        assert run() == expected_rows(count)
    assert set(before) < set(files(tmp_path / "out"))


@pytest.mark.parametrize("target", ["parquet", "jsonl", "text"])
def test_collection_to_files(target, tmp_path):
    ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="20ms")
    shape = str if target == "text" else lambda n: {"seq": n}
    ctx.from_collection(range(COUNT)).map(shape).write_files(tmp_path / "out", format=target)
    ctx.execute("job")
    if target == "text":
        assert sorted(map(int, line_rows(tmp_path / "out"))) == list(range(COUNT))
    else:
        assert sorted(r["seq"] for r in read_output(tmp_path / "out", target)) == list(range(COUNT))


WORDS = """
    import os
    import sys
    from raystreaming import StreamingContext

    ctx = StreamingContext(checkpoint_interval="50ms", runtime=os.environ["RUNTIME"], spares=0, workers=2)
    (
        ctx.read_text_file(sys.argv[1])
        .flat_map(lambda line: line.split())
        .map(lambda word: (word, 1))
        .key_by(lambda pair: pair[0])
        .reduce(lambda a, b: (a[0], a[1] + b[1]))
        .set_parallelism(3)
        .map(lambda pair: {"word": pair[0], "count": pair[1]})
        .write_files("out", format="jsonl")
    )
    ctx.execute("word-count")
"""


def test_word_count(tmp_path):
    words = [f"word{n * n % 97}" for n in range(20_000)]
    lines = [" ".join(words[n : n + 10]) for n in range(0, len(words), 10)]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n")
    program = write_program(tmp_path, WORDS)
    run = command(program, "in.txt", options=("--checkpoint-dir", "state", "--checkpoint-interval", "20ms"))
    run_to_end(run, cwd=tmp_path)
    rows = json_rows(tmp_path / "out")
    totals = Counter(words)
    # Each record of a key gives its count so far: 1, 2, 3 ... to the total.
    for word, total in totals.items():
        counts = sorted(r["count"] for r in rows if r["word"] == word)
        assert counts == list(range(1, total + 1))
    assert len(rows) == len(words)
    # Counts go on where they were when the file has grown.
    with open(tmp_path / "in.txt", "a") as file:
        file.write("word0 another\n")
    run_to_end(run, cwd=tmp_path)
    assert len(json_rows(tmp_path / "out")) == len(words) + 2
    assert {"word": "word0", "count": totals["word0"] + 1} in json_rows(tmp_path / "out")
    assert {"word": "another", "count": 1} in json_rows(tmp_path / "out")
    # And from nothing when that is wished; what was published stays.
    fresh = command(program, "in.txt", options=("--checkpoint-dir", "state", "--fresh"))
    run_to_end(fresh, cwd=tmp_path)
    assert len(json_rows(tmp_path / "out")) == 2 * (len(words) + 2)
