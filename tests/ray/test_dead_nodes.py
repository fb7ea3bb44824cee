"""A machine of the cluster dies, and with it all that runs on it."""

from __future__ import annotations

from functools import partial

import psutil
import pytest

from raystreaming_test_support.programs import Program
from raystreaming_test_support.ray_cluster import RayCluster, eventually
from raystreaming_test_support.ray_jobs import RayJobFiles, build

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]

COUNT = 40_000


@pytest.fixture
def files(tmp_path):
    return RayJobFiles("words", tmp_path, COUNT)


@pytest.mark.parametrize("with_master", [False, True])
def test_a_job_goes_on_without_a_node(with_master, files):
    with RayCluster({"num_cpus": 1}, {"num_cpus": 1}) as cluster, cluster.driver():
        head = cluster.head

        def submit():
            job = build("words", files.folder, spares=0, workers=2, placement="spread").submit("words")
            if (cluster.master("words").node != head) is with_master:
                return job
            job.cancel()  # Ray chooses the master's node at random
            job.wait()
            return None

        job = eventually(submit, "a master on the right node", patience=600)  # the toss of a coin
        eventually(partial(files.has_published, files.published() + 1), "a file")
        nodes = {worker.node for worker in cluster.workers("words", at_least=2)}
        assert len(nodes) == 2
        (other,) = nodes - {head}
        cluster.kill_node(other)
        eventually(partial(files.has_published, files.published() + 1), "a file without the node")
        files.release()
        assert job.wait().status().state == "finished"
        files.check()


def test_the_same_command_goes_on_when_the_head_has_died(files, monkeypatch):
    """Ray ends what runs on the other nodes, too."""
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")  # else they wait a minute for it
    with RayCluster({"num_cpus": 0}, {"num_cpus": 1}) as cluster:
        with Program(files.argv, files.env, files.folder) as program:
            program.until(partial(files.has_published, 1), "a file")
            workers = cluster.workers("words")
            assert cluster.head not in {worker.node for worker in workers}
            cluster.kill_node(cluster.head)
            assert program.end() != 0
        eventually(lambda: not any(psutil.pid_exists(w.pid) for w in workers), "the end of the workers")
    before = files.published()
    files.release()
    with RayCluster({"num_cpus": 1}), Program(files.argv, files.env, files.folder) as program:
        assert program.end() == 0, program.stderr
        assert "goes on from checkpoint" in program.stderr
    assert files.published() > before
    files.check()
