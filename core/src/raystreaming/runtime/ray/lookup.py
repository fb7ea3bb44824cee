"""Jobs of a cluster as the command line finds them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from raystreaming.errors import JobError, nearest
from raystreaming.observe.notices import log
from raystreaming.observe.status import JobStatus
from raystreaming.runtime.ray import names
from raystreaming.runtime.ray.cluster import connect
from raystreaming.runtime.ray.job import Follower
from raystreaming.runtime.ray.messages import Wish


def join(address: str | None) -> None:
    """Join a cluster that runs: the one at the address, of ``RAY_ADDRESS``, or on this machine.

    Raises:
        JobError: There is none.
    """
    connect(address or os.environ.get("RAY_ADDRESS") or "auto")


def find(job: str, wishes: Sequence[Wish] = ()) -> Follower:
    """Return a job to follow, without being its driver.

    Raises:
        JobError: There is none of that name; says which there are.
    """
    master = names.find(names.master_name(job))
    if master is None:
        jobs = names.jobs()
        there = f"there are: {', '.join(jobs)}" if jobs else "none runs there"
        raise JobError(f"no job {job!r} on this cluster{nearest(job, jobs)}; {there}")
    follower = Follower(job, master, drives=False)
    follower.wishes.extend(wishes)
    return follower


def statuses() -> list[JobStatus]:
    """Return how all jobs of the cluster are; those that end meanwhile are left out."""
    found: list[JobStatus] = []
    for job in names.jobs():
        try:
            found.append(find(job).ask(wait=0).status)
        except JobError as error:
            log.warning("%s", error)
    return found
