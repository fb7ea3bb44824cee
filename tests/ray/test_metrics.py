"""Metrics as Prometheus would scrape them from the nodes of a real cluster."""

from __future__ import annotations

import re
import signal
import time
import urllib.request
from collections import Counter as Counts

import pytest

from raystreaming import StreamingContext
from raystreaming.observe.status import JobStatus, TaskStatus
from raystreaming_test_support.ray_cluster import eventually

pytestmark = pytest.mark.ray

SAMPLE = re.compile(r"^ray_raystreaming_(\w+)\{(.*)\} ([\d.e+-]+)$", re.MULTILINE)

COUNT = 1_000_000


def slowly(n):
    time.sleep(0.01)
    if n % 10 == 0:
        raise ValueError(n)
    return n


def scraped(job: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return name -> (operator, task) or (what is counted,) -> value of a job's metrics, over all nodes."""
    import ray

    found: dict[str, dict[tuple[str, ...], float]] = {}
    for node in ray.nodes():
        if not node["Alive"] or node["MetricsExportPort"] <= 0:  # its agent is not up yet
            continue
        url = f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                text = answer.read().decode()
        except OSError:  # the agent comes up, or is busy: whoever waits asks again
            continue
        for name, tags, value in SAMPLE.findall(text):
            tag = dict(re.findall(r'(\w+)="([^"]*)"', tags))
            if tag.get("job") == job:
                of = (tag["what"],) if "what" in tag else (tag.get("operator", ""), tag.get("task", ""))
                found.setdefault(name, {})[of] = float(value)
    return found


@pytest.mark.slow  # Not in CI: after some of the other tests, Ray names no export ports of its nodes.
def test_metrics_of_a_job_are_on_the_nodes_export_ports_under_stable_names(ray_driver):
    ctx = StreamingContext(runtime="ray", spares=0, checkpoint_interval="1s")
    slow = ctx.from_collection(range(COUNT)).map(slowly).set_parallelism(2).on_error("skip")
    slow.sink(lambda n: None)
    job = ctx.submit("measured")  # it goes on until its metrics have come
    ray_driver.workers("measured")[0].signal(signal.SIGKILL)

    def complete() -> dict[str, dict[tuple[str, ...], float]] | None:
        now = scraped("measured")
        there = sum(now.get("records_in_total", {}).values()) > 500 and now.keys() >= {
            "restarts_total",
            "counted_total",
            "blocked_seconds_total",
            "checkpoint_age_seconds",
        }
        return now if there else None

    try:
        found = eventually(complete, "500 records in the metrics")
    finally:
        job.cancel()
        job.wait()
    assert found.keys() >= {
        "records_in_total",
        "records_out_total",
        "busy_seconds_total",
        "idle_seconds_total",
        "blocked_seconds_total",
        "lag_records",
        "restarts_total",
        "counted_total",
        "checkpoint",
        "checkpoint_age_seconds",
    }
    source, rest = ("from_collection", "0"), "from_collection.map -> from_collection.sink"
    tasks = {source, (rest, "0"), (rest, "1")}
    assert found["records_in_total"].keys() == tasks
    assert found["records_out_total"].keys() == {source}
    assert found["lag_records"].keys() == {source}
    assert 0 < found["lag_records"][source] < COUNT
    assert source in found["blocked_seconds_total"], "it waits for the slow ones"
    assert found["restarts_total"].keys() == {("", "")}
    assert found["restarts_total"]["", ""] > 0
    assert found["counted_total"].keys() == {("skipped",)}
    assert found["counted_total"]["skipped",] > 0
    assert found["checkpoint_age_seconds"].keys() == {("", "")}
    assert 0 <= found["checkpoint_age_seconds"]["", ""] < 60


def test_counters_never_count_twice_and_go_on_after_a_restart(ray_cluster, monkeypatch):
    from raystreaming.runtime.ray.metrics import JobMetrics

    counted: Counts[str] = Counts()
    monkeypatch.setattr(
        "ray.util.metrics.Counter.inc", lambda self, value, tags: counted.update({self.info["name"]: value})
    )
    monkeypatch.setattr("ray.util.metrics.Gauge.set", lambda self, value, tags: None)
    metrics = JobMetrics("job")

    def told(records: int, elapsed: float, **values: object) -> None:
        task = TaskStatus("read", records, 0, busy=elapsed / 2, elapsed=elapsed)
        metrics.update(JobStatus("job", "running", tasks=[task], chains=("read",), **values))

    told(10, 1.0)
    told(10, 1.0)  # no news
    told(30, 2.0, counts={"skipped": 2})
    told(5, 0.5, restarts=1, counts={"skipped": 2})  # a new start
    told(8, 1.0, restarts=1, counts={"skipped": 3})
    assert counted == {
        "raystreaming_records_in_total": 38,
        "raystreaming_busy_seconds_total": 1.5,
        "raystreaming_restarts_total": 1,
        "raystreaming_counted_total": 3,
    }
