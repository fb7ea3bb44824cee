"""SIGKILL at every named step of start, checkpoint and publish; after each the same command."""

import pytest

from raystreaming.failpoints import STEPS
from raystreaming_test_support.events import load_topic
from raystreaming_test_support.kill_job import KillJob, report_restarts
from raystreaming_test_support.outputs import Watch

COUNT = 20_000
SLOW = {"RATE": "1500"}
"""Records a second: a job has many times the checkpoints that it needs for three kills."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ONLY_WITH_KEYED_STATE = {"state.stored"}
WITH_KEYED_STATE = {"collection", "java", "everywhere"}
WITH_JAVA = {"java", "everywhere"}
ONLY_OF_THE_FILES_SINK = {"commit.file", "commit.files_linked", "commit.file_unstaged"}
ONCE_A_RUN = {"start.planned", "start.manifest", "start.committed", "start.aborted", "finished"}
CASES = [
    (name, step)
    for name in ("kafka", "files", "collection", "java", "everywhere")
    for step in STEPS
    if name in WITH_KEYED_STATE or step not in ONLY_WITH_KEYED_STATE
    if name != "java" or step not in ONLY_OF_THE_FILES_SINK
]


@pytest.fixture(scope="module")
def topic(kafka_broker):
    load_topic(kafka_broker.servers, "named-steps", COUNT, partitions=2)
    return {"SERVERS": kafka_broker.servers, "TOPIC": "named-steps"}


def test_every_step_has_a_case():
    assert {step for _, step in CASES} == set(STEPS)


@pytest.mark.parametrize(("name", "step"), CASES)
def test_kill_at_step(name, step, tmp_path, request):
    fixture = "topic" if name == "kafka" else "classes" if name in WITH_JAVA else None
    env = {} if fixture is None else request.getfixturevalue(fixture)
    job = KillJob(name, tmp_path / "job", COUNT, {**env, **SLOW}).prepare()
    with Watch(job.out):
        # Something to take over: prepared, in a manifest, and not yet published.
        assert job.kill_at("manifest.written:2")
        if step == "finished":
            job.env["RATE"] = "40000"
            assert job.kill_at("finished"), "never came to this step"
        elif step in ONCE_A_RUN:
            assert job.kill_at(step), "never came to this step"
            assert job.kill_at(step), "never came to this step when it had been killed there"
        else:
            # The steps of a commit come at the start too; later ones are those of a checkpoint.
            assert job.kill_at(step), "never came to this step"
            assert job.kill_at(f"{step}:3"), "never came to this step for the third time"
        job.finish()
    report_restarts([job])
