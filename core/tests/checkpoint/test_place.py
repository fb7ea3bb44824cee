"""Places create files all at once and only once; what cannot promise that is refused by name."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from raystreaming.checkpoint.place import FsspecPlace, LocalPlace, MemoryPlace, Place, open_place
from raystreaming.errors import CheckpointError, CheckpointNotWritten, JobLocked


@pytest.fixture(params=["local", "memory", "fsspec"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "local":
        place: Place = LocalPlace(tmp_path / "job")
        place.lock()
        yield place
        place.unlock()
    elif request.param == "memory":
        yield MemoryPlace()
    else:
        yield FsspecPlace(f"memory://{tmp_path}/job")
        fsspec.filesystem("memory").rm(str(tmp_path), recursive=True)


def test_a_file_is_there_once_it_is_created(place: Place):
    place.create("a", b"one")
    assert (place.list(), place.read("a")) == (["a"], b"one")


def test_an_existing_file_is_never_overwritten(place: Place):
    place.create("a", b"one")
    with pytest.raises(FileExistsError):
        place.create("a", b"two")
    assert (place.list(), place.read("a")) == (["a"], b"one")


def test_deleting_twice_is_no_error(place: Place):
    place.create("a", b"")
    place.create("b", b"")
    place.delete("a")
    place.delete("a")
    assert place.list() == ["b"]


def test_a_missing_file_is_not_found(place: Place):
    place.create("a", b"")
    with pytest.raises(FileNotFoundError):
        place.read("nope")


RACE = """
import os, sys
from raystreaming.checkpoint.place import LocalPlace
place = LocalPlace(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for n in range(200):
    try:
        place.create(f"checkpoint-{n}", str(os.getpid()).encode() * 1000)
        print(n)
    except FileExistsError:
        pass
"""


def test_of_many_writers_of_one_name_exactly_one_wins(tmp_path: Path):
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    try:
        for rival in rivals:
            assert rival.stdout.readline() == "ready\n"
        for rival in rivals:
            rival.stdin.write("go\n")
            rival.stdin.flush()
        won = {rival.pid: rival.communicate()[0].split() for rival in rivals}
    finally:
        for rival in rivals:
            rival.kill()
            rival.communicate()
    assert sorted(int(n) for names in won.values() for n in names) == list(range(200))
    for pid, names in won.items():
        for n in names:
            assert (tmp_path / f"checkpoint-{n}").read_bytes() == str(pid).encode() * 1000
    assert len(list(tmp_path.iterdir())) == 200


def test_the_urls_choose_the_place(tmp_path: Path):
    assert isinstance(open_place(None, "j"), MemoryPlace)
    assert isinstance(open_place("memory://x", "j"), FsspecPlace)
    for root in (tmp_path, str(tmp_path), f"file://{tmp_path}"):
        place = open_place(root, "j")
        assert isinstance(place, LocalPlace)
        assert place.name == str(tmp_path / "j")


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("s3://bucket/x", "s3"),  # needs a package that is not installed
        ("zip://x", "zip"),
        ("ftp://host/x", "ftp"),
        ("nosuch://x", "nosuch"),
        ("simplecache::memory://x", "simplecache"),
    ],
)
def test_a_place_that_is_not_proven_is_refused_by_name(url: str, protocol: str):
    with pytest.raises(CheckpointError, match=f"not proven for '{protocol}'.*local or shared disk"):
        open_place(url, "j")


HOLD = """
import sys
from raystreaming.checkpoint.place import LocalPlace
place = LocalPlace(sys.argv[1])
place.lock()
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_locked_folder_is_refused_with_the_pid_until_its_owner_is_killed(tmp_path: Path):
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert owner.stdout.readline() == "locked\n"
        with pytest.raises(JobLocked) as refused:
            LocalPlace(tmp_path).lock()
        assert f"(process {owner.pid})" in str(refused.value)
        assert str(tmp_path) in str(refused.value)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        place = LocalPlace(tmp_path)
        place.lock()
        with pytest.raises(JobLocked, match=rf"\(process {os.getpid()}\)"):
            LocalPlace(tmp_path).lock()
        place.unlock()
    finally:
        owner.kill()
        owner.communicate()


def test_a_lock_given_back_can_be_taken(tmp_path: Path):
    for _ in range(2):
        place = LocalPlace(tmp_path)
        place.lock()
        place.unlock()
        place.unlock()


def test_half_written_files_of_a_killed_run_are_removed_and_nothing_else(tmp_path: Path):
    (tmp_path / ".checkpoint-00000001.manifest.4711").write_bytes(b"half")
    (tmp_path / ".state-00000001-ab12-0.bin.4711").write_bytes(b"half")
    (tmp_path / ".env.local").write_text("mine")
    place = LocalPlace(tmp_path)
    place.lock()
    place.sweep(tasks_run=True)
    assert sorted(p.name for p in tmp_path.glob(".*.4711")) == [".state-00000001-ab12-0.bin.4711"]
    place.sweep()
    place.unlock()
    assert sorted(p.name for p in tmp_path.iterdir()) == [".env.local", ".lock"]


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"cannot be used.*Choose another checkpoint_dir"):
        LocalPlace(tmp_path / "file" / "job").lock()


FULL = """
import resource, sys
from raystreaming.checkpoint.place import LocalPlace
from raystreaming.errors import CheckpointNotWritten
place = LocalPlace(sys.argv[1])
place.lock()
place.create("small", b"x" * 1000)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    place.create("large", b"x" * 10_000)
except CheckpointNotWritten as error:
    print(error)
"""


def test_a_full_disk_leaves_no_half_file_and_says_which_file(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert f"{tmp_path}/large could not be written" in done.stdout
    assert "nothing is lost" in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "small"]


def test_an_unwritable_folder_is_an_error_that_may_pass(tmp_path: Path):
    place = LocalPlace(tmp_path / "job")
    place.lock()
    (tmp_path / "job").rename(tmp_path / "moved")  # as when a disk goes away
    with pytest.raises(CheckpointNotWritten, match="could not be written"):
        place.create("a", b"")
    place.unlock()
