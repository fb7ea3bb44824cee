"""A job that cannot start says why within seconds, and harms nobody."""

import signal

import pytest

from raystreaming_test_support.events import expected_seqs, load_topic
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.outputs import files, json_rows, parquet_seqs
from raystreaming_test_support.programs import Program, command, fails, write_program

JOB = """
    import os
    from raystreaming import StreamingContext

    ctx = StreamingContext(checkpoint_dir=os.environ.get("STATE", "state"), checkpoint_interval="200ms")
    (
        ctx.read_kafka(
            servers=os.environ["SERVERS"], topics=[os.environ["TOPIC"]], format="json",
            stop=os.environ.get("STOP"),
        )
        .filter(lambda e: e["event_type"] != "view")
        .write_files("out", format="parquet")
    )
    ctx.execute("job")
"""

SMALL = """
    import sys
    from raystreaming import StreamingContext

    ctx = StreamingContext(checkpoint_dir="state", checkpoint_interval="50ms")
    ctx.from_collection(range(int(sys.argv[1]))).write_files("out", format="jsonl")
    ctx.execute("job")
"""


def test_second_run_on_the_same_checkpoints(tmp_path, kafka_broker, kafka_topic):
    servers, topic = kafka_broker.servers, kafka_topic()
    load_topic(servers, topic, 2_000)
    run = command(write_program(tmp_path, JOB))
    env = {"SERVERS": servers, "TOPIC": topic}
    with Program(run, env, tmp_path) as first:
        first.until(lambda: files(tmp_path / "out"), "the first files")
        for _ in range(2):
            said = fails(run, env, tmp_path)
            assert f"process {first.pid}" in said
            assert str(tmp_path / "state" / "job") in said
            assert "Traceback" not in said
        load_topic(servers, topic, 2_000, start=2_000, create=False)
        first.until(lambda: len(parquet_seqs(tmp_path / "out")) == len(expected_seqs(4_000)), "all rows")
        first.signal(signal.SIGINT)
        assert first.end() == 0, first.stderr
    assert parquet_seqs(tmp_path / "out") == expected_seqs(4_000)


@pytest.mark.parametrize("kind", ["file", "proc"])
def test_checkpoint_folder_that_cannot_be_written(kind, tmp_path, kafka_broker, kafka_topic):
    topic = kafka_topic()
    load_topic(kafka_broker.servers, topic, 10)
    (tmp_path / "file").write_text("")
    state = tmp_path / "file" / "state" if kind == "file" else "/proc/state"
    env = {"SERVERS": kafka_broker.servers, "TOPIC": topic, "STOP": "latest", "STATE": str(state)}
    said = fails(command(write_program(tmp_path, JOB)), env, tmp_path)
    assert said.startswith(f"error: checkpoint folder {state}/job cannot be used")
    assert not (tmp_path / "out").exists()


def test_no_kafka_at_start(tmp_path):
    env = {"SERVERS": "127.0.0.1:1", "TOPIC": "in", "STOP": "latest"}
    said = fails(command(write_program(tmp_path, JOB)), env, tmp_path)
    assert "127.0.0.1:1" in said
    assert "Check that a broker runs there" in said
    assert "Traceback" not in said


def test_unknown_topic(tmp_path, kafka_broker, kafka_topic):
    topic = kafka_topic()
    load_topic(kafka_broker.servers, topic, 10)
    env = {"SERVERS": kafka_broker.servers, "TOPIC": topic + "s", "STOP": "latest"}
    run = command(write_program(tmp_path, JOB))
    said = fails(run, env, tmp_path)
    assert f"no topic '{topic}s' (did you mean '{topic}'?)" in said
    assert "Traceback" not in said
    run_to_end(run, env={**env, "TOPIC": topic}, cwd=tmp_path)
    assert parquet_seqs(tmp_path / "out") == expected_seqs(10)


def test_missing_connector(tmp_path):
    # As where only raystreaming[files] was installed.
    text = """
        import importlib.metadata as metadata
        everything = metadata.entry_points
        metadata.entry_points = lambda **k: [e for e in everything(**k) if e.name in NAMES]
        from raystreaming import StreamingContext
        StreamingContext().read_kafka(topics=["in"], servers="127.0.0.1:9092").print()
    """
    said = fails(command(write_program(tmp_path, text.replace("NAMES", "['files']"))))
    missing = "source 'kafka' needs a package that is not installed: pip install raystreaming-kafka"
    assert said == f"error: {missing}\n"
    text = text.replace("NAMES", "['files', 'kafka']").replace("read_kafka", "read_kafak")
    said = fails(command(write_program(tmp_path, text)))
    assert said.startswith("error: no installed plugin has a source 'kafak' (did you mean 'kafka'?)")


def damage(manifest):
    content = bytearray(manifest.read_bytes())
    content[len(content) // 2] ^= 1
    manifest.write_bytes(content)


@pytest.mark.parametrize(
    "how", [damage, lambda m: m.write_bytes(m.read_bytes()[:-5]), lambda m: m.write_bytes(b"")]
)
def test_damaged_manifest(how, tmp_path):
    program = write_program(tmp_path, SMALL)
    run_to_end(command(program, 1000), cwd=tmp_path)
    manifest = max((tmp_path / "state" / "job").glob("*.manifest"))
    intact = manifest.read_bytes()
    how(manifest)
    said = fails(command(program, 1500), cwd=tmp_path)
    assert f"error: checkpoint file {manifest} is damaged" in said
    assert sorted(json_rows(tmp_path / "out")) == list(range(1000))
    manifest.write_bytes(intact)
    run_to_end(command(program, 1500), cwd=tmp_path)
    assert sorted(json_rows(tmp_path / "out")) == list(range(1500))
    how(max((tmp_path / "state" / "job").glob("*.manifest")))
    run_to_end(command(program, 10, options=("--fresh",)), cwd=tmp_path)
    assert sorted(json_rows(tmp_path / "out")) == sorted([*range(1500), *range(10)])
