"""What the job master and its workers tell each other. Each knows the class by import; Ray pickles them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from raystreaming.checkpoint.manifest import Manifest
from raystreaming.engine.messages import Report, TaskOrder, TaskReport
from raystreaming.observe.notices import about, log, subject
from raystreaming.observe.status import JobStatus, TaskStatus
from raystreaming.runtime.ray.shipping import Failure

Address = tuple[str, int]
Wish = Literal["stop", "drain", "cancel"]
Phase = Literal["idle", "running"]


@dataclass(frozen=True)
class Ready:
    """A worker has come up.

    Attributes:
        node: Id of its node.
        address: The node's address.
        pid: Its process.
        failure: Why it cannot take part.
    """

    node: str
    address: str
    pid: int
    failure: Failure | None = None


@dataclass(frozen=True)
class StartTasks:
    """What a worker runs in an attempt.

    Attributes:
        attempt: Number of the attempt.
        issuer: Who gives orders.
        tasks: Ids of the tasks.
        manifest: Where they begin.
        files: State files, where checkpoints are kept in the master's memory.
        peers: Addresses of all workers of the attempt, by name.
        homes: The worker of each task.
    """

    attempt: int
    issuer: str
    tasks: tuple[int, ...]
    manifest: Manifest
    files: Mapping[str, bytes]
    peers: Mapping[str, Address]
    homes: Mapping[int, str]


@dataclass(frozen=True)
class Orders:
    """Orders for tasks, in a row.

    Attributes:
        issuer: Who gives them: a master that takes over begins a new row.
        first: Number of the first of them in the row; Ray may deliver calls out of order.
        orders: What to do.
    """

    issuer: str
    first: int
    orders: tuple[TaskOrder, ...]


@dataclass(frozen=True)
class Told:
    """Worker event: a task reports; with the state files it stored where the master keeps them."""

    attempt: int
    report: Report
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Failed:
    """Worker event: the attempt cannot go on there."""

    attempt: int
    failure: Failure


@dataclass(frozen=True)
class Said:
    """Worker event: a line for people.

    Attributes:
        level: As in `logging`.
        line: The text.
        subject: The operator and the task that it is about.
    """

    level: int
    line: str
    subject: Mapping[str, Any]

    @classmethod
    def of(cls, record: logging.LogRecord) -> Said:
        """Return what was logged."""
        return cls(record.levelno, record.getMessage(), subject(record))

    def log(self, job: str) -> None:
        """Log it as a line of `job`, in the process of who follows the job."""
        extra = about(job, self.subject["operator"], self.subject["task"])
        log.log(self.level, "%s", self.line, extra=extra)


Event = Told | Failed | Said


@dataclass(frozen=True)
class Polled:
    """What a worker answers to a poll.

    Attributes:
        first: Number of the first event, as asked for.
        events: What has happened from it on.
        tasks: How its tasks are.
        counts: What connectors have counted in this attempt.
    """

    first: int
    events: tuple[Event, ...]
    tasks: tuple[TaskStatus, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class JobView:
    """What the master tells the driver.

    Attributes:
        status: How the job is.
        was_running: Whether all tasks have been open once.
        over: Whether the job is over.
        failure: Why it failed.
        next_line: Number of the next line.
        lines: Lines for people, from the number asked for on.
        pid: Process of the master.
        rows: What `collect` took, per sink, once the job is over.
        detached: Whether the job has no driver.
    """

    status: JobStatus
    was_running: bool
    over: bool
    failure: Failure | None
    next_line: int
    lines: tuple[Said, ...]
    pid: int
    rows: tuple[list[Any], ...] = ()
    detached: bool = False


@dataclass(frozen=True)
class WorkerReport:
    """How a worker stands, for a master that takes over.

    Attributes:
        phase: What it does.
        attempt: Number of the attempt it is in, or was in last.
        run: Id of that start of the job.
        next_event: Number of the next event it tells; what happened before is in `tasks`.
        tasks: Its tasks.
    """

    phase: Phase
    attempt: int
    run: str
    next_event: int
    tasks: tuple[TaskReport, ...]
