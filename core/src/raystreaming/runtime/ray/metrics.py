"""A job's metrics, which Ray exports to Prometheus under stable names."""

from __future__ import annotations

from collections import Counter as Counts

from ray.util.metrics import Counter, Gauge

from raystreaming.observe.progress import since
from raystreaming.observe.status import JobStatus, TaskStatus

PREFIX = "raystreaming_"
"""Ray puts its own ``ray_`` before it."""

TASK_COUNTERS = {
    "records_in": "Records taken.",
    "records_out": "Records passed on to other tasks.",
    "busy_seconds": "Seconds in which a task worked.",
    "blocked_seconds": "Seconds in which a task had work but no room for the results.",
    "idle_seconds": "Seconds in which a task had nothing to do.",
}


class JobMetrics:
    """Turns statuses of one job into metrics.

    Args:
        job: The job's name.
    """

    def __init__(self, job: str) -> None:
        tags = ("job", "operator", "task")
        self._tags = {"job": job}
        self._of_tasks = {n: Counter(f"{PREFIX}{n}_total", text, tags) for n, text in TASK_COUNTERS.items()}
        self._lag = Gauge(f"{PREFIX}lag_records", "Records known to wait before a source.", tags)
        self._restarts = Counter(f"{PREFIX}restarts_total", "Restarts by itself.", ("job",))
        self._counted = Counter(f"{PREFIX}counted_total", "What connectors count.", ("job", "what"))
        self._checkpoints = Gauge(f"{PREFIX}checkpoint", "Number of the last complete checkpoint.", ("job",))
        self._age = Gauge(
            f"{PREFIX}checkpoint_age_seconds", "Seconds since a checkpoint was complete.", ("job",)
        )
        self._tasks: dict[tuple[int, int], TaskStatus] = {}
        self._seen: Counts[str] = Counts()

    def update(self, status: JobStatus) -> None:
        """Add what has happened since the last call."""
        for task in status.tasks:
            before = self._tasks.get((task.chain, task.index))
            if before is None or before.elapsed != task.elapsed:  # else there is no news of it
                self._add(since(before, task), status.chains[task.chain])
                self._tasks[task.chain, task.index] = task
        self._count("restarts", status.restarts, self._restarts, self._tags)
        for what, n in status.counts.items():
            self._count(f"counted {what}", n, self._counted, {**self._tags, "what": what})
        self._checkpoints.set(status.checkpoint, self._tags)
        if status.checkpoint_age is not None:
            self._age.set(status.checkpoint_age, self._tags)

    def _add(self, done: TaskStatus, operator: str) -> None:
        tags = {**self._tags, "operator": operator, "task": str(done.index)}
        amounts = (done.records_in, done.records_out, done.busy, done.blocked, done.idle)
        for counter, amount in zip(self._of_tasks.values(), amounts, strict=True):
            if amount > 0:
                counter.inc(amount, tags)
        if done.lag is not None:
            self._lag.set(done.lag, tags)

    def _count(self, name: str, total: int, counter: Counter, tags: dict[str, str]) -> None:
        if total > self._seen[name]:
            counter.inc(total - self._seen[name], tags)
            self._seen[name] = total
