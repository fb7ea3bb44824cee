"""The broker goes away for 20 s: one warning, and the job goes on by itself."""

import time

import pytest

from raystreaming_test_support.events import load_topic
from raystreaming_test_support.kafka_broker import LocalBroker
from raystreaming_test_support.kill_job import KillJob
from raystreaming_test_support.outputs import Watch, files

COUNT = 30_000


@pytest.mark.slow
def test_broker_gone_for_20_seconds(tmp_path):
    with LocalBroker() as broker:
        load_topic(broker.servers, "in", COUNT)
        # So little is fetched ahead, and so slow is the job, that it needs the broker to the end.
        env = {"SERVERS": broker.servers, "TOPIC": "in", "PREFETCH": "1MiB", "RATE": "8000"}
        job = KillJob("kafka", tmp_path / "job", COUNT, env).prepare()
        with Watch(job.out), job.start() as program:
            program.until(lambda: files(job.out), "the first files")
            broker.kill()
            gone = time.monotonic()
            program.says("no broker of ")
            assert f"no broker of {broker.servers} reachable for 5 s; waiting" in program.stderr
            time.sleep(max(0.0, 20 - (time.monotonic() - gone)))
            assert program.running
            broker.restart()
            assert program.end() == 0, program.stderr
            assert program.stderr.count("no broker of ") == 1
            assert program.stderr.count("reachable again") == 1
            assert "restarts from its last checkpoint" not in program.stderr
        job.check()
