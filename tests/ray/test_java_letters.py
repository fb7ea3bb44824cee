"""A Java program on a cluster: its tasks are where their resources are, its dead letters are written once."""

from __future__ import annotations

import signal

import pytest

from raystreaming_test_support.letters import JOB, Letters
from raystreaming_test_support.programs import Program
from raystreaming_test_support.ray_cluster import eventually

pytestmark = pytest.mark.ray


def test_a_worker_with_dead_letters_is_killed(tmp_path, ray_cluster):
    letters = Letters(tmp_path, count=10_000, batch=1)
    command = letters.command(runtime="ray", address=ray_cluster.address, spares=0)
    with Program(command, {**ray_cluster.env, "RAY_ADDRESS": ""}, tmp_path) as program:
        program.until(lambda: all(letters.letters()), "letters of both languages")
        workers = ray_cluster.workers(JOB, at_least=2)
        assert len({worker.node for worker in workers}) == len(workers) == 2
        (refusing,) = (worker for worker in workers if worker.node != ray_cluster.head)
        before = letters.letters()
        refusing.signal(signal.SIGKILL)
        program.until(lambda: letters.letters() != before, "more letters")
        letters.release()
        assert program.end() == 0, program.stderr
        assert "restart" in program.stderr
    letters.check()
    eventually(lambda: not ray_cluster.names(), "an empty cluster")
