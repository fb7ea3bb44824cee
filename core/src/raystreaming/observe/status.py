"""`JobStatus`: what can be told about a job at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """One task.

    Attributes:
        name: The chain, and the instance where there are several.
        records_in: Records taken since this start.
        records_out: Records passed on to other tasks since this start.
        busy: Seconds in which it worked.
        blocked: Seconds in which it had work but no room for the results.
        idle: Seconds in which there was nothing to do.
        chain: Number of the chain that it is an instance of.
        index: Which instance it is.
        elapsed: Seconds since this start.
        lag: Records that are known to wait before a source task, in the outside (as it was within the last
            second) and between its reader and the task; None if that is not known, and for other tasks.
        at_work: Seconds since it began on the records that it is at; 0 between two such steps.
        node: On Ray: the address of the node where it runs.
    """

    name: str
    records_in: int
    records_out: int
    busy: float = 0.0
    blocked: float = 0.0
    idle: float = 0.0
    chain: int = 0
    index: int = 0
    elapsed: float = 0.0
    lag: int | None = None
    at_work: float = 0.0
    node: str = ""


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job.

    Attributes:
        job: Its name.
        state: ``running``, ``restarting``, ``finished``, ``stopped``, ``cancelled`` or ``failed``.
        checkpoint: Number of the last complete checkpoint.
        restarts: How often it has restarted by itself.
        counts: Outcomes of ``on_error`` (``skipped``, ``dead letters``, ``retries``), and counters of
            connectors, e.g. ``{"tombstones": 3}``.
        tasks: Its tasks.
        checkpoint_age: Seconds since a checkpoint was complete, or since this start if none was; None where
            the job does not run.
        chains: Names of the chains, by number.
        edges: Which chain feeds which, by number.
    """

    job: str
    state: str
    checkpoint: int = 0
    restarts: int = 0
    counts: dict[str, int] = field(default_factory=dict[str, int])
    tasks: list[TaskStatus] = field(default_factory=list[TaskStatus])
    checkpoint_age: float | None = None
    chains: tuple[str, ...] = ()
    edges: tuple[tuple[int, int], ...] = ()

    @property
    def lag(self) -> int | None:
        """Records that are known to wait before the sources; None if no source knows."""
        return total_lag(self.tasks)


def total_lag(tasks: Iterable[TaskStatus]) -> int | None:
    """Return the lag of all tasks that know theirs; None if none does."""
    known = [task.lag for task in tasks if task.lag is not None]
    return sum(known) if known else None
