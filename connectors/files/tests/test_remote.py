"""Any fsspec URL: a real S3 server in a process of its own; fsspec's memory and disks for other places."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
import traceback
import uuid
from pathlib import Path
from typing import Any

import fsspec
import pytest

from raystreaming import StreamingContext
from raystreaming.connector import (
    Batch,
    ConnectorError,
    OptionError,
    PlanContext,
    Retryable,
    Secret,
    Terminal,
    WriterContext,
)
from raystreaming_files import FilesSink, FilesSource, remote, remote_store, staging

ROWS = [{"n": i, "k": f"k{i % 3}", "t": f"é{i}"} for i in range(300)]
FORMATS = ["parquet", "jsonl", "csv", "arrow", "avro"]


@pytest.fixture
def s3(s3_server: Any) -> Any:
    """URL of an empty bucket, and the options to reach it."""
    url = s3_server.make_bucket(f"b-{uuid.uuid4().hex[:12]}")
    options = s3_server.storage_options
    return url, {**options, "secret": Secret(options["secret"])}, fsspec.filesystem("s3", **options)


@pytest.fixture
def memory() -> Any:
    folder = f"/b-{uuid.uuid4().hex[:12]}"
    fs = fsspec.filesystem("memory")
    yield f"memory:/{folder}", {}, fs
    if fs.exists(folder):
        fs.rm(folder, recursive=True)


@pytest.fixture
def local(tmp_path: Path) -> Any:
    """fsspec's view of this machine's disks, for the places that rename."""
    return f"local://{tmp_path}", {}, fsspec.filesystem("local")


@pytest.fixture(params=["s3", "memory", "local"])
def place(request: Any) -> Any:
    return request.getfixturevalue(request.param)


def visible(place: Any) -> list[str]:
    """What a reader sees."""
    url, _, fs = place
    fs.invalidate_cache()
    root = f"{fs._strip_protocol(url)}/out"
    return [p for p in fs.find(root) if ".raystreaming" not in p] if fs.exists(root) else []


def uploads(place: Any) -> list[Any]:
    """The multi-part uploads that are open."""
    url, _, fs = place
    return fs.call_s3("list_multipart_uploads", Bucket=url.removeprefix("s3://")).get("Uploads", [])


@pytest.mark.parametrize("form", FORMATS)
def test_rows_come_back_from_any_place(place: Any, kit: Any, form: str) -> None:
    url, options, _ = place
    sink = FilesSink(f"{url}/out", format=form, partition_by=["k"], storage_options=options, roll_rows=40)
    sink = pickle.loads(pickle.dumps(sink))
    kit.run_sink(sink, [[ROWS[:100], ROWS[100:150]], [], [ROWS[150:]]])
    assert len(visible(place)) == 3 * (2 + 2)
    source = pickle.loads(pickle.dumps(FilesSource(f"{url}/out", format=form, storage_options=options)))
    for columnar in (False, True):
        assert kit.bag(kit.read(source, 17, columnar=columnar)) == kit.bag(ROWS)
    some = FilesSource(f"{url}/out/k=k1/*", format=form, storage_options=options)
    assert {r["n"] % 3 for r in kit.read(some)} == {1}
    split = kit.plan(source)[0]
    fetched = kit.fetch(source, [split], 7)
    pieces = [[r["n"] for r in f.batch.values] if f.batch else [] for f in fetched]
    for k, one in enumerate(fetched):
        again = kit.fetch(source, [(split[0], one.position)], 9)
        assert [r["n"] for f in again if f.batch for r in f.batch.values] == [
            n for p in pieces[k + 1 :] for n in p
        ]


def test_what_is_not_there(place: Any, kit: Any) -> None:
    url, options, fs = place
    fs.makedirs(f"{fs._strip_protocol(url)}/in", exist_ok=True)
    fs.pipe_file(f"{fs._strip_protocol(url)}/in/a.txt", b"one\ntwo\n")
    fs.pipe_file(f"{fs._strip_protocol(url)}/in/_b.txt", b"hidden\n")
    source = FilesSource(f"{url}/in", format="text", storage_options=options)
    splits = kit.plan(source)
    assert kit.read(source) == ["one", "two"]
    assert kit.read(FilesSource(f"{url}/in/a.txt", format="text", storage_options=options)) == ["one", "two"]
    fs.pipe_file(f"{fs._strip_protocol(url)}/in/a.txt", b"one\n")
    with pytest.raises(Terminal, match=r"a\.txt' ends at byte 4, 8 were planned"):
        kit.fetch(source, splits)
    fs.rm_file(f"{fs._strip_protocol(url)}/in/a.txt")
    with pytest.raises(
        Terminal, match=r"cannot read '.*a\.txt' \(source\): FileNotFoundError.*check the URL"
    ):
        kit.fetch(source, splits)
    for path, words in [("nope", "cannot read"), ("*.nope", "no file matches")]:
        with pytest.raises(Terminal, match=words):
            FilesSource(f"{url}/{path}", storage_options=options).plan(PlanContext())


STEPS = ["written", "sent", "manifest", "half committed", "committed"]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_loses_and_repeats_nothing(
    place: Any, kit: Any, monkeypatch: Any, step: str
) -> None:
    url, options, _ = place
    sink = FilesSink(f"{url}/out", format="jsonl", roll_rows=10, storage_options=options)
    context = WriterContext(owner="job.sink/1", durable=True)
    other = sink.open(None, WriterContext(owner="job.sink/2", durable=True))
    other.write(Batch(ROWS[:5]))
    others = kit.finish(other.prepare(1))
    writer = sink.open(None, context)
    writer.write(Batch(ROWS[:50]))
    committable = None
    if step != "written":
        prepared = writer.prepare(1)
        committable = kit.finish(prepared)
    if step == "sent":
        committable = None  # No manifest has it.
    assert visible(place) == []
    if step == "half committed":
        files = staging.unpack(committable or b"").files
        store = sink._store()
        store.publish(files[:2])
        if isinstance(store, remote_store.CopyStore):  # Copied, and not yet deleted.
            store._move(f"{store._root}/{files[2].staged}", f"{store._root}/{files[2].final}")
    if step == "committed":
        sink.commit([committable])
    writer.close()
    # The next start.
    if committable:
        sink.commit([committable])
        sink.commit([committable])
    leftovers = sink.list_open("job.sink/1")
    assert len(leftovers) == (5 if step == "sent" else 0)
    sink.abort(leftovers)
    sink.abort(leftovers)
    assert sink.list_open("job.sink/1") == []
    source = FilesSource(f"{url}/out", format="jsonl", storage_options=options)
    assert len(visible(place)) == (5 if committable else 0)
    if committable:
        assert kit.bag(kit.read(source)) == kit.bag(ROWS[:50])
    assert len(sink.list_open("job.sink/2")) == 1, "another job's files were touched"
    sink.commit([others])
    other.close()
    assert len(visible(place)) == (6 if committable else 1)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("fate", ["before the manifest", "before the commit", "after the commit"])
def test_files_go_on_over_checkpoints_and_crashes(place: Any, kit: Any, form: str, fate: str) -> None:
    url, options, fs = place
    options = {"storage_options": options, "format": form}
    lives = kit.Lives(FilesSink(f"{url}/out", roll_rows=25, roll_across_checkpoints=True, **options))
    for number in range(6):
        rows = [{"n": n} for n in range(number * 10, number * 10 + 10)]
        lives.writer.write(Batch(rows))
        if fate == "before the manifest":
            lives.checkpoint(manifest=False, commit=False)
            lives.start()
            lives.writer.write(Batch(rows))
        lives.checkpoint(commit=fate == "after the commit")
        lives.start()
    lives.end()
    assert sorted(r["n"] for r in kit.read(FilesSource(f"{url}/out", **options))) == list(range(60))
    assert len(visible(place)) == 3
    fs.invalidate_cache()
    assert [p for p in fs.find(f"{fs._strip_protocol(url)}/out") if ".raystreaming" in p] == []
    if url.startswith("s3:"):
        assert uploads(place) == []


def test_what_is_gone_is_told(place: Any, kit: Any) -> None:
    url, options, _ = place
    sink = FilesSink(f"{url}/out", storage_options=options)
    writer = sink.open(None, WriterContext())
    writer.write(Batch([{"a": 1}]))
    committable = kit.finish(writer.prepare(1))
    sink.abort([committable])
    with pytest.raises(Terminal, match=r"part-.*cannot be published.*counts on it.*is gone"):
        sink.commit([committable])
    writer.close()
    assert visible(place) == []


def test_large_files_go_in_parts(s3: Any, kit: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(remote_store, "_PART_BYTES", 5 << 20)
    url, options, _ = s3
    lines = [f"{i:07d}" + "x" * 993 for i in range(12_000)]
    kit.run_sink(FilesSink(f"{url}/out", format="text", storage_options=options), [[lines]])
    assert len(visible(s3)) == 1
    assert kit.read(FilesSource(f"{url}/out", format="text", storage_options=options), 10_000) == lines
    assert uploads(s3) == []


def test_the_manifest_in_a_bucket(s3: Any, kit: Any) -> None:
    url, options, fs = s3
    kit.run_sink(FilesSink(f"{url}/out", storage_options=options, manifest=True), [[[{"a": 1}]]])
    (manifest,) = [p for p in visible(s3) if "_manifests" in p]
    assert b'"rows":1' in fs.cat_file(manifest)
    assert kit.read(FilesSource(f"{url}/out", storage_options=options)) == [{"a": 1}]


def test_a_place_that_cannot_publish_files_whole_is_refused() -> None:
    with pytest.raises(Terminal, match=r"'data' can neither rename files nor copy.*write to an object store"):
        FilesSink("data://x").open(None, WriterContext())


SECRETIVE = """
import sys
sys.modules["s3fs"] = None
from raystreaming.connector import PlanContext
from raystreaming_files import FilesSource
try:
    FilesSource("s3://b/x", storage_options={"secret": "canary-1"}).plan(PlanContext())
except Exception as error:
    print(error)
"""


def test_what_to_install_is_told() -> None:
    done = subprocess.run([sys.executable, "-c", SECRETIVE], capture_output=True, text=True, check=True)
    assert "pip install 'raystreaming-files[s3]'" in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_secrets_never_show(s3: Any, kit: Any, caplog: Any, capfd: Any, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG, "raystreaming")
    url, options, _ = s3
    mine, token, anon = (uuid.uuid4().hex for _ in range(3))
    wrong = {**options, "secret": Secret(mine), "token": token}
    said: list[str] = []
    for sink in (FilesSink(f"{url}/out", storage_options=wrong), FilesSource(url, storage_options=wrong)):
        said += [repr(sink), str(sink)]
    for work in (
        lambda: FilesSource(url, storage_options=wrong).plan(PlanContext()),
        lambda: kit.run_sink(FilesSink(f"{url}/out", storage_options=wrong), [[[{"a": 1}]]]),
        lambda: FilesSink(f"{url}/out", storage_options=wrong).list_open("x"),
        lambda: FilesSink(url, storage_options={**wrong, "asynchronous": {}, "anon": anon}, roll_rows=0),
        lambda: FilesSink(url, storage_options={1: anon}),  # type: ignore[dict-item]
        lambda: FilesSource("/tmp", storage_options=wrong),
    ):
        with pytest.raises((ConnectorError, OptionError)) as caught:
            work()
        said.append("".join(traceback.format_exception(caught.value)))
    sink = FilesSink(f"{url}/out", storage_options=options)
    writer = sink.open(None, WriterContext())
    writer.write(Batch([{"a": 1}]))
    committable = kit.finish(writer.prepare(1))
    writer.close()
    said += [committable.decode(errors="replace"), repr(sink.list_open("job-sink")), caplog.text]
    said += [*capfd.readouterr()]
    sink.abort([committable])
    secrets = [options["secret"].reveal(), mine, token, anon]
    assert not [text for text in said if any(secret in text for secret in secrets)]


def test_a_job_that_succeeds_leaves_no_secret(
    s3: Any, kit: Any, tmp_path: Path, caplog: Any, capfd: Any
) -> None:
    """In no log, graph or checkpoint, of files that go on over checkpoints too."""
    caplog.set_level(logging.DEBUG, "raystreaming")
    url, options, fs = s3
    fs.pipe_file(f"{fs._strip_protocol(url)}/in/a.jsonl", b'{"n": 1}\n{"n": 2}\n')
    ctx = StreamingContext(checkpoint_dir=tmp_path, checkpoint_interval="20ms", retain_checkpoints=100)
    rows = ctx.read_files(f"{url}/in", format="jsonl", storage_options=options)
    rows.write_files(f"{url}/out", storage_options=options, manifest=True)
    lasting = {"roll_across_checkpoints": True, "roll_rows": 10}
    rows.write_files(f"{url}/out", format="csv", storage_options=options, **lasting)
    said = [repr(ctx), ctx.explain(), *(ctx.graph(format=form) for form in ("text", "mermaid", "dot", "svg"))]
    job = ctx.execute("job")
    said += [repr(job), repr(job.status()), caplog.text, *capfd.readouterr()]
    checkpoints = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(checkpoints) > 1
    said += [path.read_bytes().decode("latin-1") for path in checkpoints]
    assert len(visible(s3)) == 3
    assert not [text for text in said if options["secret"].reveal() in text]


def test_what_a_file_system_says_is_shown_without_secrets() -> None:
    secret = uuid.uuid4().hex
    place = remote.Remote("memory://x", {"a": {"b": [Secret(secret)]}})
    cause = PermissionError(f"user me, password {secret}")
    cause.__cause__ = OSError(5, f"no {secret}")
    error = place.fault("read", "memory://x/y", "in", cause)
    assert secret not in "".join(traceback.format_exception(cause))
    assert str(error) == (
        "cannot read 'memory://x/y' (in): PermissionError: user me, password ***; check the credentials in "
        "storage_options and what they allow"
    )


def test_a_server_that_does_not_answer_may_come_back(kit: Any) -> None:
    options = {
        "key": "k",
        "secret": "s3cret",
        "endpoint_url": "http://127.0.0.1:9",
        "config_kwargs": {"retries": {"max_attempts": 0}},
    }
    with pytest.raises(Retryable, match=r"cannot read 's3://b/x'.*may pass"):
        FilesSource("s3://b/x", storage_options=options).plan(PlanContext())
