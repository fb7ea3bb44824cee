"""How often a job begins again by itself, and how long it waits before."""

from __future__ import annotations

import pytest

from raystreaming import StreamingContext
from raystreaming.errors import Retryable, WorkerLost
from raystreaming.runtime.restarts import Restarts
from raystreaming.runtime.spec import JobSpec

AWAY = Retryable("the server is away")
LOST = WorkerLost("a worker died")


def restarts(limit):
    return Restarts(JobSpec("job", StreamingContext()._graph, restarts=limit, restart_delay=0.5))


def test_each_wait_in_a_row_is_twice_the_one_before_until_there_were_enough():
    policy = restarts(4)
    assert [policy.failed(AWAY, progressed=False) for _ in range(4)] == [0.5, 1, 2, 4]
    with pytest.raises(Retryable) as raised:
        policy.failed(AWAY, progressed=False)
    assert raised.value is AWAY
    assert policy.total == 4


def test_a_checkpoint_in_between_begins_a_new_row():
    policy = restarts(2)
    waits = [policy.failed(AWAY, progressed) for progressed in (False, False, True, False, True, True)]
    assert waits == [0.5, 1, 0.5, 1, 0.5, 0.5]
    assert policy.total == 6
    policy.failed(AWAY, progressed=False)
    with pytest.raises(Retryable):
        policy.failed(AWAY, progressed=False)


def test_a_lost_worker_is_replaced_at_once_but_not_again_and_again():
    policy = restarts(5)
    assert [policy.failed(LOST, progressed=False) for _ in range(3)] == [0, 1, 2]
    assert policy.failed(LOST, progressed=True) == 0
    assert policy.failed(AWAY, progressed=False) == 1


def test_no_restart_where_none_is_allowed():
    policy = restarts(0)
    with pytest.raises(WorkerLost):
        policy.failed(LOST, progressed=True)
    assert policy.total == 0


def test_each_restart_is_told_with_its_cause_its_wait_and_its_number(caplog):
    policy = restarts(3)
    policy.failed(LOST, progressed=False)
    policy.failed(AWAY, progressed=False)
    assert [record.getMessage() for record in caplog.records] == [
        "job 'job': a worker died; restarts from its last checkpoint now (1 of 3)",
        "job 'job': the server is away; restarts from its last checkpoint in 1 s (2 of 3)",
    ]
