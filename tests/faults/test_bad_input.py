"""Input that cannot be read, and functions that raise: what fails says where, and nothing is lost."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raystreaming_test_support.events import expected_seqs, load_topic, make_events
from raystreaming_test_support.kill_job import KillJob
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.outputs import files, json_rows, parquet_seqs
from raystreaming_test_support.programs import command, fails, write_program
from raystreaming_test_support.topics import produce_all

COUNT = 100_000
HALF = COUNT // 2

KAFKA = """
    import os
    import pyarrow.compute as pc
    from raystreaming import StreamingContext

    arrow = os.environ["ARROW"] == "1"
    ctx = StreamingContext(checkpoint_dir="state", checkpoint_interval="100ms")
    (
        ctx.read_kafka(
            servers=os.environ["SERVERS"], topics=[os.environ["TOPIC"]], stop="latest", format="json",
            on_error=os.environ["ON_ERROR"],
        )
        .filter(pc.field("event_type") != "view" if arrow else lambda e: e["event_type"] != "view")
        .write_files("out", format="parquet")
    )
    ctx.execute("job")
"""


@pytest.mark.parametrize("arrow", ["0", "1"])
def test_one_malformed_message_in_100_000(arrow, tmp_path, kafka_broker, kafka_topic):
    servers, topic = kafka_broker.servers, kafka_topic()
    load_topic(servers, topic, HALF, partitions=2)
    produce_all(servers, topic, [(1, b'{"seq": 1, "event_type": "cart')])
    load_topic(servers, topic, COUNT - HALF, partitions=2, start=HALF, create=False)
    run = command(write_program(tmp_path, KAFKA))
    env = {"SERVERS": servers, "TOPIC": topic, "ARROW": arrow}

    said = fails(run, {**env, "ON_ERROR": "fail"}, cwd=tmp_path)
    assert f"topic {topic!r}, partition 1, offset {HALF // 2}" in said
    assert '{"seq": 1, "event_type": "cart' in said
    assert "Traceback" not in said
    if files(tmp_path / "out"):
        assert set(parquet_seqs(tmp_path / "out")) <= set(expected_seqs(COUNT))

    ended = run_to_end(run, env={**env, "ON_ERROR": "skip"}, cwd=tmp_path)
    assert parquet_seqs(tmp_path / "out") == expected_seqs(COUNT)
    assert "1 skipped" in ended.stderr.splitlines()[-1]


FILES = """
    import os, sys
    from raystreaming import StreamingContext

    def check(row):
        if row["seq"] == 150_000 // 2 and os.environ.get("BROKEN"):
            raise ValueError("seventy-five thousand")
        return row["event_type"] != "view"

    ctx = StreamingContext(checkpoint_dir="state", checkpoint_interval="50ms")
    (
        ctx.read_files(sys.argv[1], format=sys.argv[2], on_error=os.environ.get("ON_ERROR", "fail"))
        .filter(check)
        .write_files("out", format="jsonl")
    )
    ctx.execute("job")
"""


def seqs(out):
    return sorted(row["seq"] for row in json_rows(out))


def test_one_malformed_line_in_100_000(tmp_path):
    events = list(make_events(COUNT))
    events.insert(HALF, b'{"seq": 1, "event_type": "cart')
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(events) + b"\n")
    run = command(write_program(tmp_path, FILES), "in.jsonl", "jsonl")
    said = fails(run, cwd=tmp_path)
    offset = sum(map(len, events[:HALF])) + HALF
    assert f"{str(tmp_path / 'in.jsonl')!r} at byte {offset}" in said
    ended = run_to_end(run, env={"ON_ERROR": "skip"}, cwd=tmp_path)
    assert seqs(tmp_path / "out") == expected_seqs(COUNT)
    assert "1 skipped" in ended.stderr.splitlines()[-1]


def test_a_function_that_raises_is_mended(tmp_path):
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(make_events(COUNT)) + b"\n")
    program = write_program(tmp_path, FILES)
    run = command(program, "in.jsonl", "jsonl")
    said = fails(run, {"BROKEN": "1"}, cwd=tmp_path)
    assert "ValueError: seventy-five thousand" in said
    assert "read_files.filter" in said
    line = program.read_text().splitlines().index('        raise ValueError("seventy-five thousand")') + 1
    assert f'job.py", line {line}' in said
    assert '"seq": 75000' in said or "'seq': 75000" in said
    assert said.count("seventy-five thousand") <= 2
    run_to_end(run, cwd=tmp_path)
    assert seqs(tmp_path / "out") == expected_seqs(COUNT)


def write_parquet(path, start, count):
    rows = [json.loads(e) for e in make_events(count, start=start)]
    pq.write_table(pa.Table.from_pylist(rows), path)


def test_a_damaged_file_is_named(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    write_parquet(folder / "a.parquet", 0, HALF)
    good = tmp_path / "good.parquet"
    write_parquet(good, HALF, COUNT - HALF)
    (folder / "b.parquet").write_bytes(good.read_bytes()[:-100] + bytes(100))
    run = command(write_program(tmp_path, FILES), "in", "parquet")
    said = fails(run, cwd=tmp_path)
    assert str(folder / "b.parquet") in said
    assert "Traceback" not in said
    (folder / "b.parquet").write_bytes(good.read_bytes())
    run_to_end(run, cwd=tmp_path)
    assert seqs(tmp_path / "out") == expected_seqs(COUNT)


def test_a_file_that_vanishes_is_named(tmp_path):
    job = KillJob("files", tmp_path / "job", COUNT, {"RATE": "5000"}).prepare()
    assert job.kill_after(0.2, since="file")  # Long before it comes to the last file.
    last = job.folder / "in" / "2.jsonl"
    content = last.read_bytes()
    last.unlink()
    with job.start() as program:
        assert program.end() == 1
        assert program.stderr.startswith("error: ")
        assert str(last) in program.stderr
        assert "Traceback" not in program.stderr
    last.write_bytes(content)
    job.finish()


@pytest.mark.parametrize("kind", ["missing", "folder", "dangling"])
def test_a_file_that_is_none(kind, tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    if kind == "missing":
        path = path / "in.jsonl"
    elif kind == "folder":
        path = path / "*.jsonl"
    else:
        path = path / "in.jsonl"
        path.symlink_to(tmp_path / "nowhere")
    said = fails(command(write_program(tmp_path, FILES), path, "jsonl"), cwd=tmp_path)
    assert str(path) in said
    assert "Traceback" not in said
