"""Which Ray a job runs on where nobody says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

import psutil
import pytest

from raystreaming import StreamingContext
from raystreaming_test_support.programs import write_program
from raystreaming_test_support.ray_cluster import eventually

pytestmark = pytest.mark.ray


def process_of(**settings):
    """Return the process in which a job's function runs."""
    ctx = StreamingContext(**settings)
    ctx.from_values(1).map(lambda n: os.getpid()).collect()
    (pid,) = ctx.execute("joined").result()
    return pid


def test_a_program_that_has_joined_a_cluster_runs_its_jobs_there_unless_told_otherwise(ray_driver):
    assert process_of(spares=0) != os.getpid()
    assert process_of(runtime="embedded") == os.getpid()


PROGRAM = """
    import os
    from raystreaming import StreamingContext

    ctx = StreamingContext(spares=0)
    ctx.from_values(1, 2).map(lambda n: (n, os.getpid())).collect()
    (one, pid), (two, _) = ctx.execute("alone").result()
    print(one, two, pid != os.getpid())
"""


@pytest.fixture
def ray_folder():
    """Where Ray keeps its sessions; short, for the paths of sockets."""
    folder = tempfile.mkdtemp(prefix="rj-")
    yield folder
    shutil.rmtree(folder)


def test_run_ray_without_an_address_starts_ray_which_ends_with_the_program(tmp_path, ray_folder):
    command = [sys.executable, "-m", "raystreaming", "run", "--ray", write_program(tmp_path, PROGRAM)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        command,
        env={**environment, "HOME": str(tmp_path), "RAY_TMPDIR": ray_folder},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "1 2 True\n", done.stderr
    assert "starting Ray on this machine; it ends with this process" in done.stderr

    def left():  # by the environment: workers have other words in place of their command line
        return [p for p in psutil.process_iter(["environ"]) if ray_folder in str(p.info["environ"])]

    eventually(lambda: not left(), "the end of that Ray")
