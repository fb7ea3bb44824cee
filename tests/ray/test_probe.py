"""A checkpoint folder that is another one on each node is refused before the job starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from raystreaming import StreamingContext
from raystreaming.errors import CheckpointError
from raystreaming_test_support.ray_cluster import RayCluster

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
]

EACH_ITS_OWN = "/proc/self/cwd/state"
"""One path, and on each node another folder: the one that its processes were started in."""


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory):
    """A cluster whose nodes were started in different folders."""
    folder = tmp_path_factory.mktemp("nodes")
    before = Path.cwd()
    try:
        (folder / "head").mkdir()
        os.chdir(folder / "head")
        with RayCluster({"num_cpus": 1}) as cluster:
            (folder / "second").mkdir()
            os.chdir(folder / "second")
            cluster._cluster.add_node(num_cpus=1)
            os.chdir(before)
            with cluster.driver():
                yield folder, cluster
    finally:
        os.chdir(before)


def job(checkpoint_dir: str) -> StreamingContext:
    ctx = StreamingContext(runtime="ray", spares=0, checkpoint_dir=checkpoint_dir)
    ctx.from_values(1, 2).map(str).collect()
    return ctx


def test_a_folder_of_one_node_is_refused_whatever_node_the_workers_are_on(two_nodes, tmp_path, monkeypatch):
    folder, cluster = two_nodes
    monkeypatch.chdir(tmp_path)  # the master's too
    with pytest.raises(
        CheckpointError, match=r"is not the same on all nodes: .* is not seen on [\d.]+\. Set checkpoint_dir"
    ):
        job(EACH_ITS_OWN).submit("local-state")
    assert cluster.names() == []
    assert not list(folder.glob("*/state/**/probe-*"))


def test_a_shared_folder_is_taken_and_nothing_of_the_probe_stays(two_nodes, tmp_path):
    assert sorted(job(str(tmp_path)).execute("shared-state").result()) == ["1", "2"]
    assert [p.name for p in (tmp_path / "shared-state").iterdir() if "probe" in p.name] == []
    assert [p for p in (tmp_path / "shared-state").iterdir() if "manifest" in p.name] != []


def test_the_doctor_finds_it_too(two_nodes, tmp_path):
    _, cluster = two_nodes
    done = subprocess.run(
        [Path(sys.executable).with_name("raystreaming"), "doctor", "--checkpoint-dir", EACH_ITS_OWN],
        env={**os.environ, **cluster.env, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"problem  checkpoint folder {EACH_ITS_OWN} on all nodes: what is written on")
    assert "mount one shared folder" in last
