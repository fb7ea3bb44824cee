"""What people are told when a job that can be gone on with begins and ends."""

from __future__ import annotations

from raystreaming.graph.explain import guarantee
from raystreaming.observe.notices import about, log
from raystreaming.observe.status import JobStatus
from raystreaming.runtime.spec import JobSpec


def say_start(spec: JobSpec) -> None:
    """Say what the job guarantees."""
    if spec.checkpoint_dir is not None:
        sinks = ", ".join(f"{op.name} {guarantee(op, True)}" for op in spec.graph.sinks)
        log.info("job %r runs: %s", spec.name, sinks, extra=about(spec.name))


def say_end(spec: JobSpec, status: JobStatus) -> None:
    """Say how the job ended, and what connectors have counted."""
    if spec.checkpoint_dir is not None:
        counts = "".join(f", {n} {name}" for name, n in sorted(status.counts.items()))
        log.info(
            "job %r is %s: checkpoint %d%s",
            spec.name,
            status.state,
            status.checkpoint,
            counts,
            extra=about(spec.name),
        )
