"""`Crew`: the workers of a job, as its master sees them: hired, listened to, dismissed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from raystreaming.errors import JobError, WorkerLost
from raystreaming.runtime.ray.awake import AwakeClock
from raystreaming.runtime.ray.cluster import actor, free_resources
from raystreaming.runtime.ray.job_worker import JobWorker
from raystreaming.runtime.ray.messages import Event, Polled, Ready
from raystreaming.runtime.ray.names import NAMESPACE, new_worker_name
from raystreaming.runtime.ray.options import RayOptions
from raystreaming.runtime.ray.placing import Post
from raystreaming.runtime.ray.shipping import Installed

POLL_WAIT = 1.0
"""Seconds a poll waits for news."""

GROUPS = {"control": 1, "polls": 3}


@dataclass
class Member:
    """One worker.

    Attributes:
        name: Its name.
        handle: Its actor.
        resources: What it asked the cluster for.
        ready: What it said of itself.
        polled: Its last answer.
        answered: When that came, by the crew's clock.
        next_event: Number of the next event wanted of it.
        listening: Whether it is polled.
    """

    name: str
    handle: Any
    resources: Mapping[str, Any]
    ready: Ready | None = None
    polled: Polled | None = None
    answered: float = 0.0
    next_event: int = 0
    listening: bool = False

    @property
    def address(self) -> str:
        """Address of its node."""
        assert self.ready is not None, "it has not come up"
        return self.ready.address

    def call(self, method: str, *args: Any) -> Any:
        """Call a method in its control group; returns a reference."""
        return getattr(self.handle, method).options(concurrency_group="control").remote(*args)


class Crew:
    """All workers of a job.

    Args:
        job: The job's name.
        packed: The job, packed.
        dists: The driver's versions of what its connectors come from.
        options: Options of the runtime.
        told: Called in the crew's thread with what a worker tells.
        lost: Called in the crew's thread with a worker that is no more.
    """

    def __init__(
        self,
        job: str,
        packed: Any,
        dists: Mapping[str, Installed],
        options: RayOptions,
        told: Callable[[Member, Sequence[Event]], None],
        lost: Callable[[Member, WorkerLost], None],
    ) -> None:
        self._job = job
        self._packed = packed
        self._dists = dists
        self._options = options
        self._told = told
        self._lost = lost
        self._clock = AwakeClock()
        self._polls: dict[Any, Member] = {}
        self._lock = threading.Lock()
        self._dismissed: set[str] = set()
        self.members: dict[str, Member] = {}
        threading.Thread(target=self._listen, name="crew", daemon=True).start()

    def hire(self, post: Post) -> Member:
        """Ask the cluster for a worker; `await_ready` waits for it."""
        name = new_worker_name(self._job)
        options = post.actor_options()
        resources = dict(options)
        if post.resources.placement == "pack":
            here = ray.get_runtime_context().get_node_id()
            options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(here, soft=True)
        if self._options.runtime_env:
            options["runtime_env"] = dict(self._options.runtime_env)
        handle = (
            actor(JobWorker, GROUPS)
            .options(
                name=name,
                namespace=NAMESPACE,
                lifetime="detached",
                max_restarts=0,
                max_task_retries=0,
                **options,
            )
            .remote(name, self._packed, self._dists, self._options)
        )
        return self._join(Member(name, handle, resources))

    def adopt(self, name: str, handle: Any, post: Post, next_event: int) -> Member:
        """Take over a worker of a master that died."""
        ready: Ready = ray.get(handle.ready.options(concurrency_group="control").remote())
        return self._join(Member(name, handle, post.actor_options(), ready, next_event=next_event))

    def _join(self, member: Member) -> Member:
        member.answered = self._clock()
        self.members[member.name] = member
        return member

    def await_ready(self, members: Sequence[Member]) -> None:
        """Wait until workers are up, and listen to each from then on: until then its lease runs.

        Raises:
            JobError: The cluster has no room for them.
            WorkerLost: A worker died before it was up; all that did are dismissed.
            Exception: What a worker found wrong with the job or its node.
        """
        calls = {m.call("ready"): m for m in members if m.ready is None}
        waiting = list(calls)
        lost: RayError | None = None
        while waiting:
            up, waiting = ray.wait(waiting, timeout=self._options.start_timeout)
            if not up:
                raise self._no_room([calls[call] for call in waiting])
            member = calls[up[0]]
            try:
                member.ready = ray.get(up[0])
            except RayError as error:  # the others are waited for: all that died with a node go at once
                self.dismiss([member])
                lost = lost or error
                continue
            assert member.ready is not None
            if member.ready.failure is not None:
                raise member.ready.failure.to_error()
            self.listen_to(member)
        if lost is not None:
            raise WorkerLost(f"a worker of job {self._job!r} did not start: {_first_line(lost)}") from lost

    def listen_to(self, member: Member) -> None:
        """Poll a worker from now on."""
        if member.listening:
            return
        member.listening = True
        member.answered = self._clock()
        with self._lock:
            self._poll(member)

    def _no_room(self, waiting: Sequence[Member]) -> JobError:
        asked = ", ".join(sorted({_words(m.resources) for m in waiting}))
        return JobError(
            f"job {self._job!r}: the cluster did not place {len(waiting)} of its workers within "
            f"{self._options.start_timeout:g} s; each asks for {asked}; free: {free_resources()}. Add nodes, "
            f"end other jobs (`raystreaming jobs`), pack tasks with workers=N, or ask for less with "
            f"resources(...)"
        )

    def call_all(self, calls: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        """Wait for one call of each worker.

        Args:
            calls: References by worker name.
            timeout: Seconds.

        Raises:
            WorkerLost: A worker died or did not answer in time.
        """
        results: dict[str, Any] = {}
        deadline = time.monotonic() + timeout
        for name, call in calls.items():
            try:
                results[name] = ray.get(call, timeout=max(0.0, deadline - time.monotonic()))
            except GetTimeoutError as error:
                raise WorkerLost(f"worker {name} does not answer") from error
            except RayError as error:
                raise WorkerLost(f"worker {name} died: {_first_line(error)}") from error
        return results

    def dismiss(self, members: Sequence[Member]) -> None:
        """End workers at once."""
        for member in members:
            self._dismissed.add(member.name)
            self.members.pop(member.name, None)
            kill(member.handle)

    def _poll(self, member: Member) -> None:
        poll = member.handle.poll.options(concurrency_group="polls")
        self._polls[poll.remote(member.next_event, POLL_WAIT)] = member

    def _listen(self) -> None:
        """Wait for answers to polls; the body of the crew's thread."""
        while True:
            with self._lock:
                polls = list(self._polls)
            if not polls:
                time.sleep(0.02)
                continue
            done, _ = ray.wait(polls, num_returns=1, timeout=0.2)
            for poll in done:
                self._answered(poll)
            self._give_up_silent()

    def _answered(self, poll: Any) -> None:
        with self._lock:
            member = self._polls.pop(poll)
        if member.name in self._dismissed:
            return
        try:
            polled: Polled = ray.get(poll)
        except RayError as error:
            self._is_lost(member, f"worker {member.name} died: {_first_line(error)}")
            return
        here = tuple(replace(task, node=member.address) for task in polled.tasks)
        member.polled, member.answered = replace(polled, tasks=here), self._clock()
        member.next_event = polled.first + len(polled.events)
        hangs = self._hanging(polled)
        if hangs is None:
            with self._lock:
                self._poll(member)
        if polled.events:
            self._told(member, polled.events)
        if hangs is not None:
            self._is_lost(member, f"worker {member.name} hangs: {hangs}")

    def _hanging(self, polled: Polled) -> str | None:
        """Return which task is at the same records for too long."""
        limit = self._options.stall_timeout
        for task in polled.tasks:
            if limit is not None and task.at_work > limit:
                return (
                    f"{task.name} has been at the same records for {task.at_work:.0f} s; if that is what it "
                    f"needs, give the context a longer stall_timeout= than {limit:g} s, or None"
                )
        return None

    def _give_up_silent(self) -> None:
        """Ray never reports a process that is stopped: give it up when its lease is over."""
        now = self._clock()
        with self._lock:
            silent = [p for p, m in self._polls.items() if now - m.answered > self._options.lease]
            members = [self._polls.pop(p) for p in silent]
        for member in members:
            if member.name not in self._dismissed:
                self._is_lost(member, f"worker {member.name} has not answered for {self._options.lease:g} s")

    def _is_lost(self, member: Member, why: str) -> None:
        self.dismiss([member])
        self._lost(member, WorkerLost(why))


def kill(handle: Any | None) -> None:
    """End an actor for good; no error if it is gone."""
    if handle is None:
        return
    try:
        ray.kill(handle, no_restart=True)
    except (RayError, ValueError):
        return  # gone already


def _first_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _words(resources: Mapping[str, Any]) -> str:
    parts = [f"{v:g} {k}" for k, v in resources.items() if isinstance(v, int | float)]
    parts += [f"{v:g} {k}" for k, v in resources.get("resources", {}).items()]
    return " and ".join(parts)
