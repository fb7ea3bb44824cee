"""No space for output or for checkpoints: an error names the place; with space the same command goes on."""

import contextlib
import subprocess
import time

import pytest

from raystreaming_test_support.kill_job import KillJob
from raystreaming_test_support.outputs import files

COUNT = 30_000


@contextlib.contextmanager
def small_disk(folder, size):
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk):
    """Write until no byte fits."""
    ballast = disk / "_ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return ballast


def test_output_disk_full(tmp_path):
    job = KillJob("files", tmp_path / "job", COUNT, {"RATE": "5000"}).prepare()
    with small_disk(job.out, "4m"):
        with job.start() as program:
            program.until(lambda: files(job.out), "the first files")
            ballast = fill(job.out)
            assert program.end() == 1
            assert "error: cannot write" in program.stderr
            assert str(job.out) in program.stderr
            assert "No space left on device" in program.stderr
            assert "Traceback" not in program.stderr
        ballast.unlink()
        job.finish()


def test_files_limited_in_size(tmp_path):
    job = KillJob("files", tmp_path / "job", COUNT, {"RATE": "60000"}).prepare()
    # 512 or 1024 bytes each, as the shell has it.
    with job.start("sh", "-c", 'ulimit -f 24; exec "$@"', "sh") as program:
        assert program.end() == 1
        assert "error: cannot write" in program.stderr
        assert str(job.out) in program.stderr
        assert "File too large" in program.stderr
    job.finish()


def test_checkpoint_disk_full(tmp_path):
    job = KillJob("collection", tmp_path / "job", COUNT, {"RATE": "5000"}).prepare()
    with small_disk(job.state, "1m"):
        with job.start() as program:
            program.until(lambda: files(job.out), "the first files")
            ballast = fill(job.state)
            assert program.end() == 1
            assert program.stderr.count("restarts from its last checkpoint") <= 3
            last = program.stderr.splitlines()[-1]
            assert last.startswith("error: checkpoint file ")
            assert str(job.state) in last
            assert "No space left on device" in last
        ballast.unlink()
        job.finish()


def test_checkpoint_disk_full_for_a_moment(tmp_path):
    job = KillJob("collection", tmp_path / "job", COUNT, {"RATE": "10000"}).prepare()
    with small_disk(job.state, "1m"):
        with job.start() as program:
            program.until(lambda: files(job.out), "the first files")
            ballast = fill(job.state)
            program.says("restarts from its last checkpoint")
            time.sleep(0.1)
            ballast.unlink()
            assert program.end() == 0, program.stderr
        job.check()
