"""How a job gets on: rates, where the time goes, and what holds it up; from two statuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raystreaming.observe.status import JobStatus, TaskStatus, total_lag

SATURATED = 0.5
"""From this share of its time on, the busiest operator is what others wait for."""

LONG = 10.0
"""Seconds in one step, of few records, from which they are told: perhaps a function never comes back."""

HELD_UP = 0.1
"""From this share of its time on, an operator is said to be blocked."""


@dataclass(frozen=True, slots=True)
class OperatorProgress:
    """One chain of operators, over all its tasks.

    Attributes:
        name: The ids of its operators.
        tasks: How many tasks it has.
        records_in: Records taken since this start.
        records_out: Records passed on to other tasks since this start.
        rate_in: Records taken per second.
        rate_out: Records passed on per second.
        busy: Share of the time in which a task worked, on average.
        blocked: Share in which it had work but no room for the results.
        idle: Share in which there was nothing to do.
        lag: Records that are known to wait before its tasks, if they are those of a source that knows.
        at_work: Seconds that the longest of the steps has taken so far that its tasks are at.
        nodes: On Ray: the addresses of the nodes where its tasks run.
    """

    name: str
    tasks: int
    records_in: int
    records_out: int
    rate_in: float
    rate_out: float
    busy: float
    blocked: float
    idle: float
    lag: int | None
    at_work: float
    nodes: list[str]


@dataclass(frozen=True, slots=True)
class Progress:
    """One job, between two moments.

    Attributes:
        status: The later status.
        operators: Its chains, inputs before what they feed.
        rate: Records per second that the sources read.
        bottleneck: What holds the job up, in words; None if nothing does.
    """

    status: JobStatus
    operators: tuple[OperatorProgress, ...]
    rate: float
    bottleneck: str | None


def progress(before: JobStatus | None, now: JobStatus) -> Progress:
    """Return how a job got on between two statuses; without the first, since its start.

    Tasks that have started anew between the two are taken from their start.
    """
    old = {(t.chain, t.index): t for t in before.tasks} if before is not None else {}
    operators: dict[int, OperatorProgress] = {}
    for chain, name in enumerate(now.chains):
        tasks = [since(old.get((t.chain, t.index)), t) for t in now.tasks if t.chain == chain]
        if tasks:
            totals = [t for t in now.tasks if t.chain == chain]
            operators[chain] = _operator(name, tasks, totals)
    fed = {to for _, to in now.edges}
    rate = sum(o.rate_in for chain, o in operators.items() if chain not in fed)
    return Progress(now, tuple(operators.values()), rate, _bottleneck(operators, now.edges))


def _operator(name: str, tasks: Sequence[TaskStatus], totals: Sequence[TaskStatus]) -> OperatorProgress:
    time = sum(t.elapsed for t in tasks)

    def share(seconds: float) -> float:
        return min(1.0, seconds / time) if time else 0.0

    return OperatorProgress(
        name,
        len(tasks),
        sum(t.records_in for t in totals),
        sum(t.records_out for t in totals),
        sum(t.records_in / t.elapsed for t in tasks if t.elapsed),
        sum(t.records_out / t.elapsed for t in tasks if t.elapsed),
        share(sum(t.busy for t in tasks)),
        share(sum(t.blocked for t in tasks)),
        share(sum(t.idle for t in tasks)),
        total_lag(totals),
        max(t.at_work for t in totals),
        sorted({t.node for t in totals if t.node}),
    )


def _bottleneck(operators: dict[int, OperatorProgress], edges: Sequence[tuple[int, int]]) -> str | None:
    if not operators:
        return None
    stuck = max(operators.values(), key=lambda o: o.at_work)
    if stuck.at_work >= LONG:
        return f"{_ends(stuck.name)} has been at the same records for {stuck.at_work:.0f} s"
    chain, busiest = max(operators.items(), key=lambda item: item[1].busy)
    if busiest.busy < SATURATED:
        return None
    text = f"{_ends(busiest.name)} is {busiest.busy:.0%} busy"
    feeding = [operators[a] for a, b in edges if b == chain and a in operators]
    held_up = [f"{_ends(o.name)} by {o.blocked:.0%}" for o in feeding if o.blocked >= HELD_UP]
    return text + (f" and blocks {' and '.join(held_up)}" if held_up else "")


def since(before: TaskStatus | None, now: TaskStatus) -> TaskStatus:
    """Return what a task did between two moments; its whole start if it is not the same start."""
    if before is None or before.elapsed >= now.elapsed or before.records_in > now.records_in:
        return now
    return TaskStatus(
        now.name,
        now.records_in - before.records_in,
        now.records_out - before.records_out,
        now.busy - before.busy,
        now.blocked - before.blocked,
        now.idle - before.idle,
        now.chain,
        now.index,
        now.elapsed - before.elapsed,
        now.lag,
        now.at_work,
        now.node,
    )


def _ends(chain: str) -> str:
    """Return the first and the last operator of a chain."""
    first, *others = chain.split(" -> ")
    return f"{first}..{others[-1]}" if others else first


# As text ---------------------------------------------------------------------------------


def short_number(n: float) -> str:
    """Return a count or a rate in a few characters, e.g. ``1.25 M``."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n >= size * 0.9995:
            return f"{n / size:.3g} {unit}"
    return f"{n:.3g}"


def line(progress: Progress) -> str:
    """Return the job in one line."""
    status = progress.status
    parts = [f"{status.job}: {status.state}", f"reads {short_number(progress.rate)} records/s"]
    if status.lag is not None:
        parts.append(f"lag {short_number(status.lag)}")
    if status.checkpoint_age is not None:
        parts.append(f"checkpoint {status.checkpoint_age:.0f} s ago")
    if status.restarts:
        parts.append(f"{status.restarts} restarts")
    parts += [f"{n} {name}" for name, n in sorted(status.counts.items())]
    if progress.bottleneck is not None:
        parts.append(progress.bottleneck)
    return " | ".join(parts)


_HEAD = ("operator", "tasks", "in/s", "out/s", "in", "out", "busy", "blocked", "idle", "lag", "nodes")

_MOST_NODES = 3
"""How many nodes of an operator are named."""


def table(progress: Progress) -> str:
    """Return the operators as a table, and the bottleneck below it."""
    rows: list[tuple[str, ...]] = [_HEAD]
    for o in progress.operators:
        numbers = [short_number(n) for n in (o.rate_in, o.rate_out, o.records_in, o.records_out)]
        shares = [f"{s:.0%}" for s in (o.busy, o.blocked, o.idle)]
        lag = "-" if o.lag is None else short_number(o.lag)
        nodes = ", ".join(o.nodes) if len(o.nodes) <= _MOST_NODES else f"{len(o.nodes)} nodes"
        rows.append((o.name, str(o.tasks), *numbers, *shares, lag, nodes))
    if not any(o.nodes for o in progress.operators):  # the job is in one process
        rows = [row[:-1] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    if progress.bottleneck is not None:
        lines.append(progress.bottleneck)
    return "\n".join(lines)
