"""The job that the README begins with, on a real broker; rows verified by their seq."""

import json
import signal
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from confluent_kafka import Consumer, TopicPartition

from raystreaming import StreamingContext
from raystreaming_test_support.events import EVENT_TYPES, expected_seqs, load_topic, make_events
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.outputs import assert_nothing_left, files, parquet_rows, parquet_seqs
from raystreaming_test_support.programs import Program, command, write_program
from raystreaming_test_support.topics import end_offsets

COUNT = 10_000
EXAMPLE = Path(__file__).parents[2] / "examples" / "kafka_to_parquet.py"


@pytest.fixture
def topic(kafka_broker, kafka_topic):
    name = kafka_topic()
    load_topic(kafka_broker.servers, name, COUNT, partitions=3)
    return name


def expected_rows(count):
    wanted = set(expected_seqs(count))
    return [row for row in map(json.loads, make_events(count)) if row["seq"] in wanted]


def committed(servers, group, topic, partitions):
    consumer = Consumer({"bootstrap.servers": servers, "group.id": group})
    try:
        wanted = [TopicPartition(topic, n) for n in range(partitions)]
        return [p.offset for p in consumer.committed(wanted, timeout=30)]
    finally:
        consumer.close()


@pytest.mark.runtimes("embedded", because="it says nothing of a runtime, and that is its point")
def test_the_example(tmp_path, kafka_broker, topic):
    env = {"KAFKA_SERVERS": kafka_broker.servers, "KAFKA_TOPIC": topic}
    # A new broker makes its topic of offsets when somebody first asks; a job that ends waits six seconds.
    assert max(committed(kafka_broker.servers, "demo", topic, 3)) < 0
    run = command(EXAMPLE)
    run_to_end(run, env=env, cwd=tmp_path)
    out = tmp_path / "out"
    assert sorted(parquet_rows(out), key=lambda r: r["seq"]) == expected_rows(COUNT)
    folders = {p.name for p in out.iterdir()}
    assert folders == {f"event_type={t}" for t in EVENT_TYPES if t != "view"}
    assert "event_type" not in pq.read_schema(files(out)[0]).names
    assert_nothing_left(out, tmp_path / "state")
    # Completed checkpoints are visible to Kafka's own lag tools.
    assert committed(kafka_broker.servers, "demo", topic, 3) == end_offsets(kafka_broker.servers, topic)

    # A finished job goes on with what is new, and says so.
    before = files(out)
    again = run_to_end(run, env=env, cwd=tmp_path)
    assert "finished before" in again.stderr
    assert files(out) == before
    load_topic(kafka_broker.servers, topic, 2_000, partitions=3, start=COUNT, create=False)
    run_to_end(run, env=env, cwd=tmp_path)
    assert sorted(parquet_rows(out), key=lambda r: r["seq"]) == expected_rows(COUNT + 2_000)
    assert committed(kafka_broker.servers, "demo", topic, 3) == end_offsets(kafka_broker.servers, topic)

    # --fresh forgets checkpoints, never what was published.
    run_to_end(command(EXAMPLE, options=("--fresh",)), env=env, cwd=tmp_path)
    assert parquet_seqs(out) == sorted(2 * expected_seqs(COUNT + 2_000))


KEEP = {
    "lambda": lambda e: e["event_type"] != "view",
    "expression": pc.field("event_type") != "view",
}


FAST = pytest.mark.runtimes("embedded", because="on Ray, fewer tasks than partitions, and more, will do")


@pytest.mark.parametrize("how", KEEP)
@pytest.mark.parametrize("parallelism", [pytest.param(1, marks=FAST), 2, pytest.param(3, marks=FAST), 4])
def test_filters_and_parallelism(how, parallelism, tmp_path, kafka_broker, topic):
    ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="50ms")
    (
        ctx.read_kafka(servers=kafka_broker.servers, topics=[topic], stop="latest", format="json")
        .set_parallelism(parallelism)
        .filter(KEEP[how])
        .write_files(tmp_path / "out", format="parquet")
    )
    ctx.execute("job")
    assert sorted(parquet_rows(tmp_path / "out"), key=lambda r: r["seq"]) == expected_rows(COUNT)
    assert_nothing_left(tmp_path / "out", tmp_path / "state")


@pytest.mark.parametrize(
    ("source", "middle", "sink"),
    [(1, 2, 3), pytest.param(3, 2, 1, marks=pytest.mark.first_on_ray), (2, 3, 3)],
)
def test_keyed_in_the_middle(source, middle, sink, tmp_path, kafka_broker, topic):
    ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="50ms")
    (
        ctx.read_kafka(servers=kafka_broker.servers, topics=[topic], stop="latest", format="json")
        .set_parallelism(source)
        .map(lambda e: {"type": e["event_type"], "n": 1, "sum": e["seq"]})
        .key_by(lambda e: e["type"])
        .reduce(lambda a, b: {"type": a["type"], "n": a["n"] + 1, "sum": a["sum"] + b["sum"]})
        .set_parallelism(middle)
        .map(lambda e: e)
        .set_parallelism(sink)
        .write_files(tmp_path / "out", format="parquet")
        .set_parallelism(sink)
    )
    ctx.execute("job")
    rows = parquet_rows(tmp_path / "out")
    events = list(map(json.loads, make_events(COUNT)))
    for kind in EVENT_TYPES:
        seqs = [e["seq"] for e in events if e["event_type"] == kind]
        mine = sorted((r["n"], r["sum"]) for r in rows if r["type"] == kind)
        assert [n for n, _ in mine] == list(range(1, len(seqs) + 1))
        assert mine[-1][1] == sum(seqs)


UNBOUNDED = """
    import os
    from raystreaming import StreamingContext

    ctx = StreamingContext(checkpoint_interval="100ms", runtime=os.environ["RUNTIME"], spares=0, workers=2)
    stream = ctx.read_kafka(
        servers=os.environ["SERVERS"], topics=[os.environ["TOPIC"]], group=os.environ["TOPIC"],
        stop=os.environ.get("STOP"), format="json",
    )
    if os.environ.get("MIXED"):
        stream = stream.union(ctx.from_collection([{"seq": -n, "event_type": "own"} for n in range(1, 101)]))
    stream.filter(lambda e: e["event_type"] != "view").map(
        lambda e: {"seq": e["seq"]}
    ).write_files("out", format="parquet")
    ctx.execute("job")
"""


def until_published(program, out, count):
    wanted = expected_seqs(count)
    program.until(lambda: parquet_seqs(out) == wanted, f"the rows of {count} events")


def test_until_ctrl_c_and_on_from_there(tmp_path, kafka_broker, topic):
    servers, out = kafka_broker.servers, tmp_path / "out"
    run = command(write_program(tmp_path, UNBOUNDED), options=("--checkpoint-dir", "here"))
    env = {"SERVERS": servers, "TOPIC": topic}
    total = COUNT
    for start in range(3):
        with Program(run, env, tmp_path) as program:
            until_published(program, out, total)
            # Published while it runs, and just before it is stopped.
            load_topic(servers, topic, 500, partitions=3, start=total, create=False)
            total += 500
            until_published(program, out, total)
            load_topic(servers, topic, 500, partitions=3, start=total, create=False)
            total += 500
            program.signal(signal.SIGINT)
            assert program.end() == 0, program.stderr
            assert "stopping: taking a checkpoint" in program.stderr
            assert "is stopped" in program.stderr
            assert ("goes on from checkpoint" in program.stderr) == (start > 0)
        # Nothing twice, nothing of the middle left out: what came last may wait for the next start.
        seqs = parquet_seqs(out)
        assert len(set(seqs)) == len(seqs)
        assert set(expected_seqs(total - 500)) <= set(seqs) <= set(expected_seqs(total))
        assert_nothing_left(out, tmp_path / "here")
        # What lag tools see is never past what is published. Seq s is in partition s % 3 at offset s // 3.
        offsets = committed(servers, topic, topic, 3)
        assert {s for s in expected_seqs(total) if s // 3 < offsets[s % 3]} <= set(seqs)
        # Messages while nothing runs.
        load_topic(servers, topic, 500, partitions=3, start=total, create=False)
        total += 500


RARE = """
    import os
    from pathlib import Path
    from raystreaming import StreamingContext

    LAST = int(os.environ["LAST"])

    def keep(event):
        if event["seq"] == LAST:
            Path("last-came").touch()
        return event["event_type"] != "view"

    ctx = StreamingContext(
        checkpoint_dir="state", checkpoint_interval="1h", runtime=os.environ["RUNTIME"], spares=0, workers=2
    )
    (
        ctx.read_kafka(servers=os.environ["SERVERS"], topics=[os.environ["TOPIC"]], format="json")
        .filter(keep)
        .write_files("out", format="parquet")
    )
    ctx.execute("job")
"""


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.first_on_ray), signal.SIGTERM]
)
def test_ctrl_c_takes_a_checkpoint(number, tmp_path, kafka_broker, kafka_topic):
    servers, name, out = kafka_broker.servers, kafka_topic(), tmp_path / "out"
    load_topic(servers, name, COUNT, partitions=1)
    run = command(write_program(tmp_path, RARE))
    total = COUNT
    for _ in range(2):
        env = {"SERVERS": servers, "TOPIC": name, "LAST": str(total - 1)}
        with Program(run, env, tmp_path) as program:
            program.until((tmp_path / "last-came").exists, "the last record")
            program.signal(number)
            assert program.end() == 0, program.stderr
        # No checkpoint was due: what is here came with the one that Ctrl-C took.
        assert parquet_seqs(out) == expected_seqs(total)
        (tmp_path / "last-came").unlink()
        load_topic(servers, name, 500, partitions=1, start=total, create=False)
        total += 500


def test_endless_before_and_bounded_now(tmp_path, kafka_broker, topic):
    run = command(write_program(tmp_path, UNBOUNDED), options=("--checkpoint-dir", "here"))
    env = {"SERVERS": kafka_broker.servers, "TOPIC": topic}
    with Program(run, env, tmp_path) as program:
        until_published(program, tmp_path / "out", COUNT)
        program.signal(signal.SIGINT)
        assert program.end() == 0, program.stderr
    load_topic(kafka_broker.servers, topic, 500, partitions=3, start=COUNT, create=False)
    run_to_end(run, env={**env, "STOP": "latest"}, cwd=tmp_path)
    assert parquet_seqs(tmp_path / "out") == expected_seqs(COUNT + 500)


def test_bounded_before_and_endless_now(tmp_path, kafka_broker, topic):
    run = command(write_program(tmp_path, UNBOUNDED), options=("--checkpoint-dir", "here"))
    env = {"SERVERS": kafka_broker.servers, "TOPIC": topic}
    run_to_end(run, env={**env, "STOP": "latest"}, cwd=tmp_path)
    load_topic(kafka_broker.servers, topic, 500, partitions=3, start=COUNT, create=False)
    with Program(run, env, tmp_path) as program:
        until_published(program, tmp_path / "out", COUNT + 500)
        load_topic(kafka_broker.servers, topic, 500, partitions=3, start=COUNT + 500, create=False)
        until_published(program, tmp_path / "out", COUNT + 1_000)


def test_second_ctrl_c_ends_at_once_and_loses_nothing(tmp_path, kafka_broker, topic):
    run = command(write_program(tmp_path, UNBOUNDED), options=("--checkpoint-dir", "here"))
    env = {"SERVERS": kafka_broker.servers, "TOPIC": topic}
    with Program(run, env, tmp_path) as program:
        program.until(lambda: files(tmp_path / "out"), "the first files")
        program.signal(signal.SIGINT)
        program.says("stopping")
        program.signal(signal.SIGINT)
        program.end()
    load_topic(kafka_broker.servers, topic, 500, partitions=3, start=COUNT, create=False)
    with Program(run, env, tmp_path) as program:
        until_published(program, tmp_path / "out", COUNT + 500)
        program.signal(signal.SIGTERM)
        assert program.end() == 0
    assert parquet_seqs(tmp_path / "out") == expected_seqs(COUNT + 500)
    assert_nothing_left(tmp_path / "out", tmp_path / "here")


@pytest.mark.first_on_ray
def test_bounded_and_unbounded_in_one_job_and_drain(tmp_path, kafka_broker, topic):
    out = tmp_path / "out"
    own = list(range(-100, 0))
    options = ("--checkpoint-dir", "here", "--drain")
    run = command(write_program(tmp_path, UNBOUNDED), options=options)
    env = {"SERVERS": kafka_broker.servers, "TOPIC": topic, "MIXED": "1"}
    with Program(run, env, tmp_path) as program:
        program.until(lambda: parquet_seqs(out) == own + expected_seqs(COUNT), "all rows")
        # Checkpoints go on when one source has ended.
        load_topic(kafka_broker.servers, topic, 500, partitions=3, start=COUNT, create=False)
        program.until(lambda: parquet_seqs(out) == own + expected_seqs(COUNT + 500), "the new rows")
        program.signal(signal.SIGINT)
        assert program.end() == 0, program.stderr
        assert "draining" in program.stderr
        assert "is finished" in program.stderr
    load_topic(kafka_broker.servers, topic, 500, partitions=3, start=COUNT + 500, create=False)
    with Program(run, env, tmp_path) as program:
        program.says("finished before")
        program.until(lambda: parquet_seqs(out) == own + expected_seqs(COUNT + 1_000), "what is new")
        program.signal(signal.SIGINT)
        assert program.end() == 0, program.stderr
    assert parquet_seqs(out) == own + expected_seqs(COUNT + 1_000)


def test_two_sinks_of_one_stream(tmp_path, kafka_broker, topic):
    ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="50ms")
    stream = ctx.read_kafka(servers=kafka_broker.servers, topics=[topic], stop="latest", format="json")
    kept = stream.filter(lambda e: e["event_type"] != "view")
    kept.write_files(tmp_path / "out", format="parquet")
    kept.map(lambda e: str(e["seq"])).write_files(tmp_path / "text", format="text")
    stream.filter(pc.field("event_type") == "view").write_files(tmp_path / "views", format="parquet")
    ctx.execute("job")
    wanted = expected_seqs(COUNT)
    assert parquet_seqs(tmp_path / "out") == wanted
    assert sorted(int(s) for f in files(tmp_path / "text") for s in f.read_text().split()) == wanted
    assert parquet_seqs(tmp_path / "views") == sorted(set(range(COUNT)) - set(wanted))
