"""Text and sequence files through Hadoop's real client, on this machine's files."""

from __future__ import annotations

import gzip
import random
import re
import sys
import time
from pathlib import Path

import pytest

from raystreaming import Job, StreamingContext
from raystreaming.connector import Batch, OptionError, PlanContext, ReaderContext, Terminal, WriterContext
from raystreaming_hadoop import HadoopSink, HadoopSource
from raystreaming_test_support.java import compile_java, java_command
from raystreaming_test_support.killing import run_and_kill, run_to_end

PROGRAM = Path(__file__).with_name("killed_hadoop.py")
LINES = [f"line {n} " + "é" * (n % 13) for n in range(200)]


def rows(source: HadoopSource, parallelism: int = 1) -> list:
    ctx = StreamingContext()
    ctx.source(source).set_parallelism(parallelism).collect()
    return ctx.execute("rows").result()


def shown(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name[0] not in "._")


def staged(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "_raystreaming").iterdir())


@pytest.fixture
def texts(tmp_path) -> Path:
    """Lines in files of every kind, and some files that are to be left out."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("\n".join(LINES[:100]) + "\n", encoding="utf-8")
    (folder / "sub" / "b.txt").write_text("\n".join(LINES[100:150]), encoding="utf-8")  # no end of line
    with gzip.open(folder / "c.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(LINES[150:]) + "\n")
    (folder / "_part").write_text("hidden\n")
    (folder / ".part").write_text("hidden\n")
    (folder / "empty").write_text("")
    return folder


@pytest.mark.parametrize(("split_bytes", "parallelism"), [(1 << 20, 1), (11, 2), (64, 3)])
def test_every_line_is_read_once_however_files_are_cut(texts, split_bytes, parallelism):
    source = HadoopSource(texts, split_bytes=split_bytes)
    assert sorted(rows(source, parallelism)) == sorted(LINES)
    if parallelism == 1:
        assert rows(HadoopSource(texts / "a.txt")) == LINES[:100]
        assert rows(HadoopSource(f"file://{texts}/*.gz")) == LINES[150:]


def test_files_that_appear_are_read_while_the_job_runs_and_after_a_restart(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a").write_text("one\n")
    got: list[str] = []

    def start() -> Job:
        ctx = StreamingContext(checkpoint_dir=tmp_path / "state", checkpoint_interval="50ms")
        ctx.read_hadoop(folder, watch=True, discover_every="50ms").sink(got.append)
        return ctx.submit("watch")

    def until(lines: list[str]) -> None:
        deadline = time.monotonic() + 120
        while got != lines:
            assert time.monotonic() < deadline, got
            time.sleep(0.01)

    job = start()
    until(["one"])
    (folder / ".b").write_text("two\n")
    (folder / ".b").rename(folder / "b")
    until(["one", "two"])
    with open(folder / "a", "a") as file:
        file.write("three\n")
    (folder / "c").mkdir()
    with gzip.open(folder / "c" / ".d", "wt") as packed:
        packed.write("four\n")
    (folder / "c" / ".d").rename(folder / "c" / "d.gz")
    until(["one", "two", "four"])
    job.stop()
    job.wait()
    job = start()  # what was added to a file that had been found
    until(["one", "two", "four", "three"])
    job.stop()
    job.wait()


def test_a_reader_that_watches_has_one_file_open(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text("1\n2\n")
    source = HadoopSource(tmp_path, watch=True)
    assert (source.bounded, source.discovery_interval) == (False, 5.0)
    reader = source.open(ReaderContext())
    reader.add_splits([(split, None) for split in source.plan(PlanContext())])
    read = [reader.read(1, time.monotonic() + 10) for _ in range(6)]
    reader.close()
    assert [fetched.split[-3:] for fetched in read if fetched] == ["a@0"] * 3 + ["b@0"] * 3


def test_compressed_text_is_one_split(texts):
    splits = HadoopSource(texts, split_bytes=50).plan(PlanContext())
    assert [s.id for s in splits if ".gz" in s.id] == [f"file:{texts}/c.txt.gz@0"]
    assert len([s for s in splits if "a.txt" in s.id]) > 5


def prepared(writer, epoch: int) -> bytes | None:
    """End an epoch, with what the worker's I/O thread does of it."""
    rest = writer.prepare(epoch)
    return rest() if callable(rest) else rest


def write(folder: Path, records: list, **options) -> HadoopSink:
    sink = HadoopSink(folder, **options)
    writer = sink.open(None, WriterContext())
    writer.write(Batch(records))
    committable = prepared(writer, 1)
    writer.close()
    sink.commit([committable])
    return sink


def read_all(source: HadoopSource, split, position) -> list[tuple[object, object]]:
    """Read a split to its end from a position, record by record; return each with the position after it."""
    reader = source.open(ReaderContext())
    reader.add_splits([(split, position)])
    read = []
    while True:
        fetched = reader.read(1, time.monotonic() + 10)
        assert fetched is not None
        if fetched.batch is not None:
            read += [(value, fetched.position) for value in fetched.batch.values.to_pylist()]
        if fetched.end:
            reader.close()
            return read


PAIRS = [[n, f"value {n} " * 20] for n in range(120)]


@pytest.fixture(params=["text", "gzip", "sequence", "block"])
def any_file(request, tmp_path) -> tuple[HadoopSource, list]:
    if request.param in ("text", "gzip"):
        write(tmp_path / "f", LINES, compression="gzip" if request.param == "gzip" else None)
        return HadoopSource(tmp_path / "f", split_bytes=1500), LINES
    block = request.param == "block"
    options = {"io.seqfile.compress.blocksize": "2000"}  # several blocks
    write(
        tmp_path / "f",
        PAIRS,
        format="sequence",
        compression="deflate" if block else None,
        client_options=options,
    )
    return HadoopSource(tmp_path / "f", format="sequence", split_bytes=6_000 if not block else 600), PAIRS


def test_a_reader_goes_on_from_every_position(any_file):
    source, records = any_file
    found = []
    for split in source.plan(PlanContext()):
        read = read_all(source, split, None)
        found += [value for value, _ in read]
        for i, (_, position) in list(enumerate(read))[:: max(1, len(read) // 12)]:
            assert read_all(source, split, position) == read[i + 1 :]
    assert found == records


def test_several_splits_are_what_the_test_above_reads(any_file):
    source, _ = any_file
    splits = source.plan(PlanContext())
    assert len(splits) > 1 or splits[0].payload["path"].endswith(".gz")
    assert [s.payload["path"] for s in source.plan(PlanContext())] == [s.payload["path"] for s in splits]


def test_values_of_sequence_files(tmp_path):
    for i, values in enumerate([["a", 1], [0.5, b"x"], [True, None], [2**40, ""]]):
        write(tmp_path / str(i), [values], format="sequence")
        assert rows(HadoopSource(tmp_path / str(i), format="sequence")) == [values]


def test_output_is_seen_with_the_commit_and_only_once(tmp_path):
    out = tmp_path / "out"
    sink = HadoopSink(out)
    writer = sink.open(None, WriterContext(owner="job-a_b", run="r1"))
    writer.write(Batch(["one", "two"]))
    first = prepared(writer, 1)
    assert prepared(writer, 2) is None
    writer.write(Batch(["three"]))
    assert shown(out) == []
    assert len(staged(out)) == 2
    sink.commit([first])
    sink.commit([first])
    (file,) = shown(out)
    assert re.fullmatch(r"part-r1-0-[0-9a-f]+-0\.txt", file.name)
    assert file.read_text() == "one\ntwo\n"
    # The run dies; the next one throws away what it had not prepared, and nobody else's.
    assert sink.list_open("job-a") == []
    left = sink.list_open("job-a_b")
    assert len(left) == 1
    sink.abort(left)
    sink.abort(left)
    assert staged(out) == []
    assert shown(out) == [file]


def test_what_was_prepared_and_is_gone_is_said(tmp_path):
    sink = HadoopSink(tmp_path / "out")
    writer = sink.open(None, WriterContext())
    writer.write(Batch(["one"]))
    committable = prepared(writer, 1)
    (file,) = (tmp_path / "out" / "_raystreaming").iterdir()
    file.unlink()
    with pytest.raises(Terminal, match=r"the prepared file .*_raystreaming/.* is gone"):
        sink.commit([committable])


def test_kills(tmp_path):
    count = 3_000
    (tmp_path / "in").mkdir()
    for part in range(2):
        numbers = range(part * count // 2, (part + 1) * count // 2)
        (tmp_path / "in" / f"{part}.txt").write_text("".join(f"{n}\n" for n in numbers))
    command = [sys.executable, str(PROGRAM), str(tmp_path)]
    out = tmp_path / "out"
    dice = random.Random(7)
    for _ in range(2):
        before = len(shown(out)) if out.exists() else 0
        moment = dice.uniform(0.0, 0.2)
        since: list[float] = []

        def now(before=before, moment=moment, since=since):
            if not since and out.exists() and len(shown(out)) > before:
                since.append(time.monotonic())
            return bool(since) and time.monotonic() - since[0] >= moment

        assert run_and_kill(command, when=now).killed
    (tmp_path / "released").touch()
    run_to_end(command)
    lines = [line for file in shown(out) for line in file.read_text().splitlines()]
    assert sorted(map(int, lines)) == list(range(count))
    assert staged(out) == []


@pytest.mark.parametrize(
    ("options", "record", "text"),
    [
        ({}, 1, "takes texts without newlines"),
        ({}, "a\nb", "takes texts without newlines"),
        ({"format": "sequence"}, "a", "takes pairs of a key and a value"),
        ({"format": "sequence"}, ["a", {}], "cannot be a key or value of a sequence file"),
        ({"compression": "zip"}, "a", "Hadoop knows no such codec"),
    ],
)
def test_what_cannot_be_written_is_said(tmp_path, options, record, text):
    with pytest.raises(Terminal, match=text):
        write(tmp_path / "out", [record], **options)


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(Terminal, match=rf"there is nothing at file://{tmp_path}/nowhere"):
        rows(HadoopSource(tmp_path / "nowhere"))
    with pytest.raises(
        Terminal, match=r"no file system of that scheme is known: add its package to java_pack"
    ):
        rows(HadoopSource("s3a://bucket/x"))
    with pytest.raises(OptionError, match="'split_bytes' must be at least 1"):
        HadoopSource("x", split_bytes=0)
    with pytest.raises(OptionError, match="'discover_every': 'soon' is no duration"):
        HadoopSource("x", discover_every="soon")
    mixed = [["a", 1], [1, "a"]]
    with pytest.raises(Terminal, match="here Text and LongWritable; this pair has LongWritable and Text"):
        write(tmp_path / "out", mixed, format="sequence")


JAVA = """
import io.ray.streaming.api.connector.Connectors;
import io.ray.streaming.api.context.StreamingContext;
import io.ray.streaming.api.stream.DataStreamSource;
import java.util.Map;

public class Copy {
  public static void main(String[] args) {
    StreamingContext context = StreamingContext.buildContext();
    DataStreamSource.fromSource(context, Connectors.<String>source("hadoop", Map.of("path", args[0])))
        .map(line -> line.substring(5))
        .sinkTo(Connectors.<Object>sink("hadoop", Map.of("path", args[1], "compression", "gzip")));
    context.execute("copy");
  }
}
"""


def test_from_a_java_program(texts, tmp_path):
    (tmp_path / "Copy.java").write_text(JAVA)
    jars = HadoopSource(texts)._function.settings.jars  # what a build tool would name
    compile_java(tmp_path, tmp_path / "Copy.java", beside=jars)
    out = tmp_path / "out"
    run_to_end(java_command(tmp_path, "Copy", texts, out, beside=jars))
    texts = [gzip.decompress(file.read_bytes()).decode() for file in shown(out)]
    lines = [line for text in texts for line in text.splitlines()]
    assert sorted(lines) == sorted(line[5:] for line in LINES)


def test_what_the_client_is_given_is_in_no_checkpoint_and_no_output(texts, tmp_path, capfd, caplog):
    caplog.set_level("DEBUG", "raystreaming")
    canary = "canary-s3cret"
    secret = {"client_options": {"fs.s3a.secret.key": canary}}
    ctx = StreamingContext(checkpoint_dir=tmp_path / "state")
    ctx.source(HadoopSource(texts, **secret)).sink(HadoopSink(tmp_path / "out", **secret))
    job = ctx.execute("secret")
    files = [path for name in ("state", "out") for path in (tmp_path / name).rglob("*") if path.is_file()]
    assert {path.parts[len(tmp_path.parts)] for path in files} == {"state", "out"}
    told = [path.read_bytes().decode("latin-1") for path in files]
    told += [*capfd.readouterr(), caplog.text, ctx.explain(), repr(job), repr(job.status())]
    assert [text for text in told if canary in text] == []


def test_the_readme(tmp_path):
    readme = Path(__file__).resolve().parents[1] / "README.md"
    (program,) = re.findall(r"^```python\n(.*?)^```", readme.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "logs").mkdir()
    with gzip.open(tmp_path / "logs" / "a.gz", "wt") as file:
        file.write("an ERROR\nfine\n")
    run_to_end([sys.executable, "-c", program], cwd=tmp_path)
    assert [file.read_text() for file in shown(tmp_path / "errors")] == ["an ERROR\n"]
