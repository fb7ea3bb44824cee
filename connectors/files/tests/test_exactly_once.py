"""Staged files become visible exactly once, whatever dies in between."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgpack
import pytest

from raystreaming.connector import Batch, Terminal, WriterContext
from raystreaming_files import FilesSink, FilesSource, liveness, local_store, staging

LIFE = """
import os, sys, resource
from raystreaming.connector import Batch, WriterContext
from raystreaming_files import FilesSink, staging
path, form, durable, step = sys.argv[1], sys.argv[2], sys.argv[3] == "durable", sys.argv[4]
sink = FilesSink(path, format=form, partition_by=["k"], roll_rows=10)
writer = sink.open(None, WriterContext(owner="job.sink/1", durable=durable))
def at(name):
    if step == name:
        os._exit(7)
def rows(e):
    return [{"k": i % 3, "n": e * 100 + i} for i in range(100)]
writer.write(Batch(rows(0)))
first = writer.prepare(0)()
sink.commit([first])
writer.write(Batch(rows(1)))
at("written")
prepared = writer.prepare(1)
writer.write(Batch(rows(2)))
at("handed over")
committable = prepared()
at("finished")
with open(path + ".manifest", "wb") as f:
    f.write(committable)
at("manifest")
link, unlink, count = os.link, os.unlink, [0]
def counted(real, name):
    def call(*args):
        real(*args)
        count[0] += 1
        at(f"{name} {count[0]}")
    return call
os.link, os.unlink = counted(link, "link"), counted(unlink, "unlink")
sink.commit([committable])
at("committed")
os.link, os.unlink = link, unlink
if step == "alive":
    print("ready", flush=True)
    sys.stdin.read()
"""


def live(path: Path, form: str, durable: bool, step: str) -> None:
    args = [sys.executable, "-c", LIFE, str(path), form, "durable" if durable else "fleeting", step]
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr


STEPS = ["written", "handed over", "finished", "manifest", "link 1", "link 7", "link 12"]
STEPS += ["unlink 13", "unlink 18", "unlink 24", "committed"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("form", ["parquet", "jsonl"])  # The steps are the same for every format.
def test_a_crash_at_any_step_loses_and_repeats_nothing(
    tmp_path: Path, kit: Any, form: str, step: str
) -> None:
    path = tmp_path / "out"
    live(path, form, True, step)
    sink = FilesSink(path, format=form)
    for file in kit.visible(path):  # Whatever is visible is whole.
        assert kit.read(FilesSource(file, format=form))
    manifest = Path(f"{path}.manifest")
    if manifest.exists():
        sink.commit([manifest.read_bytes()])
        sink.commit([manifest.read_bytes()])
    leftovers = sink.list_open("job.sink/1")
    assert sink.list_open("job.sink") == []
    sink.abort(leftovers)
    sink.abort(leftovers)
    assert sink.list_open("job.sink/1") == []
    rows = [{"n": n} for n in range(200 if manifest.exists() else 100)]
    assert kit.bag([{"n": r["n"]} for r in kit.read(FilesSource(path, format=form))]) == kit.bag(rows)
    sink.open(None, WriterContext(owner="job.sink/1", durable=True)).close()
    assert not (path / ".raystreaming").exists()
    if manifest.exists():
        sink.commit([manifest.read_bytes()])
        assert len(kit.visible(path)) == 24


def test_nothing_is_visible_before_commit_nor_after_close(tmp_path: Path, kit: Any) -> None:
    sink = FilesSink(tmp_path, format="jsonl", roll_rows=1)
    writer = sink.open(None, WriterContext())
    writer.write(Batch([{"a": i} for i in range(5)]))
    committable = kit.finish(writer.prepare(1))
    writer.write(Batch([{"a": i} for i in range(5)]))
    assert kit.visible(tmp_path) == []
    assert len(list((tmp_path / ".raystreaming").rglob("*.jsonl"))) == 10
    writer.close()
    writer.close()
    assert kit.visible(tmp_path) == []
    assert len(list((tmp_path / ".raystreaming").rglob("*.jsonl"))) == 5  # Those of the committable.
    sink.commit([committable])
    assert len(kit.read(FilesSource(tmp_path, format="jsonl"))) == 5


def test_abort_of_what_was_prepared(tmp_path: Path, kit: Any) -> None:
    sink = FilesSink(tmp_path)
    writer = sink.open(None, WriterContext())
    writer.write(Batch([{"a": 1}]))
    committable = kit.finish(writer.prepare(1))
    sink.abort([committable])
    writer.close()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Terminal, match=r"part-.*counts on it.*is gone; restore"):
        sink.commit([committable])


def prepared(path: Path, kit: Any) -> tuple[FilesSink, bytes, staging.Staged]:
    sink = FilesSink(path)
    writer = sink.open(None, WriterContext())
    writer.write(Batch([{"a": 1}]))
    committable = kit.finish(writer.prepare(1))
    writer.close()
    (file,) = staging.unpack(committable).files
    return sink, committable, file


def test_a_damaged_staged_file_is_not_published(tmp_path: Path, kit: Any) -> None:
    sink, committable, file = prepared(tmp_path, kit)
    os.truncate(tmp_path / file.staged, 10)
    with pytest.raises(Terminal, match="has 10 bytes instead of"):
        sink.commit([committable])
    assert kit.visible(tmp_path) == []


def test_nothing_is_ever_replaced(tmp_path: Path, kit: Any) -> None:
    sink, committable, file = prepared(tmp_path, kit)
    (tmp_path / file.final).write_text("precious")
    with pytest.raises(Terminal, match="another file stands there"):
        sink.commit([committable])
    assert (tmp_path / file.final).read_text() == "precious"


def test_a_file_of_another_size_does_not_pass_for_the_committed_one(tmp_path: Path, kit: Any) -> None:
    sink, committable, file = prepared(tmp_path, kit)
    os.unlink(tmp_path / file.staged)
    (tmp_path / file.final).write_text("other")
    with pytest.raises(Terminal, match="is gone"):
        sink.commit([committable])


def test_file_systems_without_hard_links(tmp_path: Path, kit: Any, monkeypatch: Any) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    sink, committable, file = prepared(tmp_path, kit)
    sink.commit([committable])
    sink.commit([committable])
    assert len(kit.read(FilesSource(tmp_path))) == 1
    sink, committable, file = prepared(tmp_path, kit)
    (tmp_path / file.final).write_text("precious")
    with pytest.raises(Terminal, match="another file stands there"):
        sink.commit([committable])


def test_a_committable_of_a_later_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Terminal, match="format 2"):
        FilesSink(tmp_path).commit([msgpack.packb({"version": 2})])


def test_what_was_only_found_cannot_be_committed(tmp_path: Path, kit: Any) -> None:
    sink, _, _ = prepared(tmp_path, kit)
    with pytest.raises(Terminal, match="not prepared"):
        sink.commit(sink.list_open("job-sink"))


@pytest.mark.parametrize("owner", ["..", ".", "", "a/b", "é" * 200, "a.b", "lock", "x" * 300])
def test_any_owner_has_a_folder_of_its_own(tmp_path: Path, kit: Any, owner: str) -> None:
    sink = FilesSink(tmp_path / "out")
    writer = sink.open(None, WriterContext(owner=owner, durable=True))
    writer.write(Batch([{"a": 1}]))
    kit.finish(writer.prepare(1))
    writer.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    assert len(list((tmp_path / "out" / ".raystreaming").iterdir())) == 1
    assert len(sink.list_open(owner)) == 1
    sink.abort(sink.list_open(owner))
    assert list((tmp_path / "out").iterdir()) == []


def open_and_close(path: Path, owner: str) -> None:
    FilesSink(path).open(None, WriterContext(owner=owner)).close()


def test_leftovers_of_a_dead_fleeting_owner_are_swept(tmp_path: Path) -> None:
    live(tmp_path, "parquet", False, "finished")
    assert len(FilesSink(tmp_path).list_open("job.sink/1")) > 0
    open_and_close(tmp_path, "other")
    assert FilesSink(tmp_path).list_open("job.sink/1") == []
    assert not (tmp_path / ".raystreaming").exists()


def test_durable_owners_are_never_swept(tmp_path: Path) -> None:
    live(tmp_path, "parquet", True, "finished")
    before = FilesSink(tmp_path).list_open("job.sink/1")
    open_and_close(tmp_path, "other")
    assert FilesSink(tmp_path).list_open("job.sink/1") == before != []
    open_and_close(tmp_path, "job.sink/1")  # The same name, without checkpoints.
    open_and_close(tmp_path, "other")
    assert FilesSink(tmp_path).list_open("job.sink/1") == before


def test_a_live_fleeting_owner_is_not_swept_until_it_is_killed(tmp_path: Path) -> None:
    args = [sys.executable, "-c", LIFE, str(tmp_path), "jsonl", "fleeting", "alive"]
    with subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        lock = next((tmp_path / ".raystreaming").iterdir()) / liveness.LOCK_NAME
        assert lock.exists()
        open_and_close(tmp_path, "other")
        assert lock.exists()
        child.kill()
    open_and_close(tmp_path, "other")
    assert not lock.exists()


def test_writers_of_one_process_share_the_lock_and_it_outlives_them_until_the_commit(
    tmp_path: Path, kit: Any
) -> None:
    sink = FilesSink(tmp_path)
    one, two = (sink.open(None, WriterContext(task=t)) for t in range(2))
    one.write(Batch([{"a": 1}]))
    committable = kit.finish(one.prepare(1))
    code = "import sys; from raystreaming_files import FilesSink\n"
    code += "from raystreaming.connector import WriterContext\n"
    code += "FilesSink(sys.argv[1]).open(None, WriterContext(owner='other')).close()"

    def other_process() -> None:
        subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)

    one.close()
    other_process()
    two.close()
    other_process()  # Nobody writes, but the commit is still to come.
    assert len(sink.list_open("job-sink")) == 1
    sink.commit([committable])
    assert [p.suffix for p in tmp_path.iterdir()] == [".parquet"]


FULL = """
import resource, sys
from raystreaming.connector import Batch, Terminal, WriterContext
from raystreaming_files import FilesSink
sink = FilesSink(sys.argv[1], format=sys.argv[2], row_group_rows=2000)
writer = sink.open(None, WriterContext(operator="out"))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    for i in range(100):
        writer.write(Batch([{"t": f"{i} {j} " + "xyz" * (j % 97)} for j in range(1000)]))
    writer.prepare(1)()
except Terminal as error:
    print(error)
    writer.close()
"""


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_full_disk_is_told_and_nothing_is_left(tmp_path: Path, kit: Any, form: str) -> None:
    args = [sys.executable, "-W", "error", "-c", FULL, str(tmp_path), form]
    done = subprocess.run(args, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "cannot write" in done.stdout
    assert str(tmp_path) in done.stdout
    assert "(out): File too large; raise the limit" in done.stdout
    assert kit.visible(tmp_path) == []
    assert not (tmp_path / ".raystreaming").exists()


def test_no_space_is_terminal_with_what_to_do(tmp_path: Path, kit: Any, monkeypatch: Any) -> None:
    def refuse(_: Any) -> None:
        raise OSError(28, "No space left on device")

    sink = FilesSink(tmp_path)
    writer = sink.open(None, WriterContext(operator="out"))
    writer.write(Batch([{"a": 1}]))
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(Terminal, match=r"cannot sync .*\(out\): No space left on device; free space"):
        kit.finish(writer.prepare(1))
    writer.close()
    assert kit.visible(tmp_path) == []


def test_a_path_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    for path in (tmp_path / "x", tmp_path / "x" / "y"):
        with pytest.raises(Terminal, match=r"cannot write to .*x.*choose another path"):
            FilesSink(path).open(None, WriterContext())


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    code = "import os, sys; from raystreaming_files import FilesSink\n"
    code += "from raystreaming.connector import WriterContext\n"
    code += "os.geteuid() or os.setuid(65534)\n"
    code += "try: FilesSink(sys.argv[1]).open(None, WriterContext())\n"
    code += "except Exception as e: print(type(e).__name__, e)"
    (tmp_path / "closed").mkdir()
    tmp_path.chmod(0o755)
    (tmp_path / "closed").chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "closed")], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"Terminal cannot write to '{tmp_path}/closed'")
    assert "Permission denied; let this user in" in done.stdout


def test_what_is_prepared_and_committed_is_on_the_disk(tmp_path: Path, kit: Any, monkeypatch: Any) -> None:
    synced: list[str] = []
    real = local_store.sync
    monkeypatch.setattr(
        local_store, "sync", lambda path: (synced.append(os.path.relpath(path, tmp_path)), real(path))
    )
    sink = FilesSink(tmp_path / "new" / "out", partition_by=["k"])
    writer = sink.open(None, WriterContext())
    writer.write(Batch([{"k": 1, "a": 1}, {"k": 2, "a": 1}]))
    committable = kit.finish(writer.prepare(1))
    files = staging.unpack(committable).files
    base = "new/out"
    assert {f"{base}/{f.staged}" for f in files} <= set(synced)
    assert {f"{base}/.raystreaming/job-sink.live", f"{base}/.raystreaming", base, "new", "."} <= set(synced)
    synced.clear()
    sink.commit([committable])
    assert {f"{base}/k=1", f"{base}/k=2", base} <= set(synced)
    synced.clear()
    sink.commit([committable])  # The first may have died before it came to syncing.
    assert {f"{base}/k=1", f"{base}/k=2", base} <= set(synced)
    writer.close()


def test_a_folder_swept_between_opening_and_locking_its_lock(tmp_path: Path, monkeypatch: Any) -> None:
    real, swept = liveness.fcntl.flock, []

    def flock(handle: int, how: int) -> None:
        if not swept:
            swept.append(True)
            assert liveness.sweep(str(tmp_path / ".raystreaming"), "") != []
        real(handle, how)

    monkeypatch.setattr(liveness.fcntl, "flock", flock)
    writer = FilesSink(tmp_path).open(None, WriterContext())
    monkeypatch.undo()
    assert (tmp_path / ".raystreaming" / "job-sink.live" / liveness.LOCK_NAME).exists()
    assert liveness.sweep(str(tmp_path / ".raystreaming"), "") == []
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_swept_and_taken_again_is_not_swept(
    tmp_path: Path, kit: Any, monkeypatch: Any
) -> None:
    """The lock that the slow sweeper gets is that of the dead owner, the files are another's."""
    live(tmp_path, "parquet", False, "finished")
    real, taken = liveness.fcntl.flock, []

    def flock(handle: int, how: int) -> None:
        if not taken:
            taken.append(None)
            liveness.sweep(str(tmp_path / ".raystreaming"), "")
            taken.append(FilesSink(tmp_path).open(None, WriterContext(owner="job.sink/1")))
            taken[1].write(Batch([{"a": 1}]))
            kit.finish(taken[1].prepare(1))
        real(handle, how)

    monkeypatch.setattr(liveness.fcntl, "flock", flock)
    assert liveness.sweep(str(tmp_path / ".raystreaming"), "") == []
    assert len(FilesSink(tmp_path).list_open("job.sink/1")) == 1
    taken[1].close()


def test_a_staged_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("precious")
    with pytest.raises(FileExistsError):
        local_store.create(str(tmp_path / "x"))
