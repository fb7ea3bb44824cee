"""`JobStatus`: what can be told about a job at one moment."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One job.

    Attributes:
        job: Its name.
        state: ``running``, ``restarting``, ``finished``, ``stopped``, ``cancelled`` or ``failed``.
        checkpoint: Number of the last complete checkpoint.
        restarts: How often it has restarted by itself.
        counts: Counters of connectors, e.g. ``{"skipped": 3}``.
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
