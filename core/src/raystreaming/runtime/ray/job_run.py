"""`JobRun`: a job from its start to its end, over any number of attempts."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

import ray

from raystreaming.checkpoint.manifest import Manifest
from raystreaming.checkpoint.place import MemoryPlace, open_place
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.engine.messages import Outcome, TaskOrder
from raystreaming.errors import JobError, Retryable, WorkerLost
from raystreaming.graph import Resources
from raystreaming.observe.notices import log
from raystreaming.observe.status import JobStatus, TaskStatus
from raystreaming.plugins.builtin.collect import CollectSink
from raystreaming.runtime.attempt import Attempt
from raystreaming.runtime.ray import names
from raystreaming.runtime.ray.board import Board
from raystreaming.runtime.ray.cluster import listening_hosts
from raystreaming.runtime.ray.crew import Crew, Member, kill
from raystreaming.runtime.ray.messages import (
    Event,
    Failed,
    Orders,
    Polled,
    StartTasks,
    Told,
    Wish,
    WorkerReport,
)
from raystreaming.runtime.ray.options import RayOptions
from raystreaming.runtime.ray.placing import Post, posts
from raystreaming.runtime.ray.probe import FolderProbe
from raystreaming.runtime.ray.shipping import Installed
from raystreaming.runtime.restarts import Restarts
from raystreaming.runtime.saying import say_end, say_start
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.start import Start, abort_open, begin, commit
from raystreaming.runtime.threads import CallThread

CALL_PATIENCE = 30.0
"""Seconds a worker may take to open a listener, or to halt."""

MAX_WAIT = 0.2
"""Seconds the loop sleeps at most."""


class JobRun:
    """Runs a job.

    Args:
        spec: The job.
        packed: The job as it goes to the workers.
        dists: The driver's versions of what its connectors come from.
        options: Options of the runtime.
        board: Where its state is shown.
        driver_is_gone: Asked now and then: whether the job must end for lack of a driver.
    """

    def __init__(
        self,
        spec: JobSpec,
        packed: bytes,
        dists: Mapping[str, Installed],
        options: RayOptions,
        board: Board,
        driver_is_gone: Callable[[], bool],
    ) -> None:
        self._spec = spec
        self._options = options
        self._board = board
        self._driver_is_gone = driver_is_gone
        self._posts = posts(spec.execution, options.workers)
        self._store = CheckpointStore(open_place(spec.checkpoint_dir, spec.name), spec.retain)
        self._probe = FolderProbe(self._store.place)
        self._memory = self._store.place if isinstance(self._store.place, MemoryPlace) else None
        self._crew = Crew(spec.name, ray.put(packed), dists, options, self._told, self._lost)
        self._io = CallThread(f"{spec.name} io", self._raise)
        self._planning = CallThread(f"{spec.name} planning", self._raise)
        self._restarts = Restarts(spec)
        self._mailbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wishes: list[Wish] = []
        self._cancelled = threading.Event()
        self._counts: Counter[str] = Counter()
        self._last_tasks: list[TaskStatus] = []
        self._attempt: Attempt | None = None
        self._number = 0
        self._issuer = ""
        self._homes: dict[int, Member] = {}
        self._given: Counter[str] = Counter()

    # From any thread ---------------------------------------------------------------------

    def grant(self, wish: Wish) -> None:
        """Stop, drain or cancel the job."""
        self._wishes.append(wish)
        if wish == "cancel":
            self._cancelled.set()
        self._mailbox.put(functools.partial(self._grant, wish))

    def status(self) -> JobStatus:
        """Return how the job is."""
        attempt = self._attempt
        polled = self._polled()
        counts = Counter(self._counts)
        for answer in polled:
            counts.update(answer.counts)
        return JobStatus(
            job=self._spec.name,
            state=self._board.state,
            checkpoint=attempt.coordinator.manifest.sequence if attempt is not None else 0,
            restarts=self._restarts.total,
            counts=dict(counts),
            tasks=[task for answer in polled for task in answer.tasks] or self._last_tasks,
            checkpoint_age=attempt.checkpoint_age() if attempt is not None else None,
            chains=self._spec.chain_names,
            edges=self._spec.chain_edges,
        )

    def _polled(self) -> list[Polled]:
        return [m.polled for m in list(self._crew.members.values()) if m.polled is not None]

    def rows(self) -> tuple[list[Any], ...]:
        """Return what each `collect` has taken."""
        return tuple(sink.rows for sink in self._collecting())

    def _collecting(self) -> list[CollectSink]:
        return [op.sink for op in self._spec.graph.sinks if isinstance(op.sink, CollectSink)]

    # The job's thread ----------------------------------------------------------------------

    def run(self, took_over: bool) -> Outcome:
        """Run the job to its end.

        Args:
            took_over: An earlier master of the job has died.

        Raises:
            RayStreamingError: The job failed.
        """
        place = self._store.place
        place.lock()
        try:
            if not took_over:
                return self._attempts(None, self._spec.fresh)
            base = self._last_of_dead()
            if base is None:  # it had not begun
                self._dismiss_strangers()
                return self._attempts(None, self._spec.fresh)
            if base.finished:
                return "finished"
            return self._attempts(self._take_over(base), False)
        finally:
            self._halt()
            self._crew.dismiss(list(self._crew.members.values()))
            self._io.settle()
            self._io.end()
            self._planning.end()
            place.unlock()

    def _attempts(self, running: Start | None, fresh: bool) -> Outcome:
        """Run attempt after attempt; the first one may run already."""
        while True:
            start = running
            try:
                if start is None:
                    start = self._start(fresh)
                fresh, running = False, None
                return self._run(start)
            except Retryable as error:
                self._board.show("restarting")
                progressed = (
                    start is not None
                    and self._attempt is not None
                    and self._attempt.coordinator.manifest.sequence > start.manifest.sequence
                )
                self._halt()
                self._cancelled.wait(self._restarts.failed(error, progressed))
                if self._cancelled.is_set():
                    return "cancelled"
                running = None

    def _start(self, fresh: bool) -> Start:
        """Get workers, make the checkpoints ours, and open all tasks."""
        self._number += 1
        self._issuer = os.urandom(8).hex()
        self._given.clear()
        self._attempt = None
        self._mailbox = SimpleQueue()
        members = self._man(self._posts)
        with self._probe.asking():
            start = begin(self._spec, self._store, fresh)
            self._crew.await_ready(members)
        secret = os.urandom(32)
        hosts = listening_hosts({m.name: m.address for m in members})
        listening = {m.name: m.call("listen", self._number, hosts[m.name], secret) for m in members}
        addresses = self._crew.call_all(listening, CALL_PATIENCE)
        self._homes = {t: m for post, m in zip(self._posts, members, strict=True) for t in post.tasks}
        homes = {task: member.name for task, member in self._homes.items()}
        files: dict[str, bytes] = {}
        if self._memory is not None:
            files = {name: self._memory.read(name) for name in start.manifest.files}
        opening = {
            member.name: member.call(
                "start",
                StartTasks(self._number, self._issuer, post.tasks, start.manifest, files, addresses, homes),
            )
            for post, member in zip(self._posts, members, strict=True)
        }
        for failure in self._crew.call_all(opening, self._options.start_timeout).values():
            if failure is not None:
                raise failure.to_error()
        self._attempt = self._new_attempt(start)
        self._attempt.begin()
        return start

    def _new_attempt(self, start: Start) -> Attempt:
        return Attempt(
            self._spec, self._store, start, self._order, self._io, self._planning, self._mailbox.put
        )

    def _man(self, places: Sequence[Post]) -> list[Member]:
        """Return a worker for each place: one that is there already, or a new one."""
        free = list(self._crew.members.values())
        members: list[Member] = []
        for post in places:
            fitting = next((m for m in free if m.resources == post.actor_options()), None)
            if fitting is not None:
                free.remove(fitting)
            members.append(fitting or self._crew.hire(post))
        return members

    def _run(self, start: Start) -> Outcome:
        """Run an attempt whose tasks are open to its end."""
        attempt = self._attempt
        assert attempt is not None
        for wish in list(self._wishes):
            self._grant(wish)
        self._last_tasks = []
        if not self._board.was_running:
            say_start(self._spec)
        self._board.show("running")
        self._hire_spares()
        while attempt.outcome is None:
            due = attempt.tick(time.monotonic())
            if attempt.outcome is None:
                self._handle_mail(due)
            if self._driver_is_gone() and "cancel" not in self._wishes:
                log.warning("job %r: its driver is gone: the job ends", self._spec.name)
                self.grant("cancel")
        if attempt.outcome == "cancelled":
            self._halt()
            if self._store.place.exclusive:
                resumable = self._spec.checkpoint_dir is not None
                abort_open(self._spec, attempt.coordinator.manifest, goes_on=resumable)
        say_end(self._spec, replace(self.status(), state=attempt.outcome))
        return attempt.outcome

    def _handle_mail(self, due: float | None) -> None:
        wait = MAX_WAIT if due is None else min(MAX_WAIT, max(0.0, due - time.monotonic()))
        try:
            self._mailbox.get(timeout=wait)()
        except Empty:
            return
        while not self._mailbox.empty():
            self._mailbox.get()()

    def _grant(self, wish: Wish) -> None:
        attempt = self._attempt
        if attempt is not None:
            {"stop": attempt.stop, "drain": attempt.drain, "cancel": attempt.cancel}[wish]()

    def _hire_spares(self) -> None:
        """Have workers ready for those that will die."""
        ordinary = [p for p in self._posts if p.resources == Resources()]
        idle = len(self._crew.members) - len(self._posts)
        for _ in range(self._options.spares - idle if ordinary else 0):
            self._crew.listen_to(self._crew.hire(ordinary[0]))

    def _halt(self) -> None:
        """End the tasks of all workers; those that do not answer are dismissed."""
        members = list(self._crew.members.values())
        for polled in self._polled():
            self._counts.update(polled.counts)
            self._last_tasks = [*self._last_tasks, *polled.tasks]
        calls = {m.name: (m, m.call("halt")) for m in members if m.ready is not None}
        for member, call in calls.values():
            try:
                usable = self._crew.call_all({member.name: call}, CALL_PATIENCE)[member.name]
            except WorkerLost:
                usable = False
            if not usable:
                self._crew.dismiss([member])
            member.polled = None
        self._io.settle()

    def _order(self, order: TaskOrder) -> None:
        member = self._homes[order.task]
        number = self._given[member.name]
        self._given[member.name] += 1
        member.call("order", Orders(self._issuer, number, (order,)))

    # The crew's and the I/O thread ---------------------------------------------------------

    def _told(self, member: Member, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Told(attempt):
                    if attempt == self._number:
                        self._mailbox.put(functools.partial(self._hear, event))
                case Failed(attempt, failure):
                    if attempt == self._number:
                        self._raise(failure.to_error())
                case said:
                    self._board.say(said)

    def _hear(self, told: Told) -> None:
        if told.attempt != self._number or self._attempt is None:
            return
        for name, data in told.files.items():
            self._store.place.create(name, data)
        self._attempt.told(told.report)

    def _lost(self, member: Member, error: WorkerLost) -> None:
        if any(m is member for m in self._homes.values()):
            self._raise(error)

    def _raise(self, error: BaseException) -> None:
        def raise_it() -> None:
            raise error

        self._mailbox.put(raise_it)

    # Taking over ---------------------------------------------------------------------------

    def _last_of_dead(self) -> Manifest | None:
        """Return the last checkpoint of the master that died, committed; None if it had made none.

        Raises:
            JobError: What only that master knew is lost.
        """
        spec = self._spec
        lost = None
        if self._memory is not None:
            lost = (
                "the checkpoints, which were kept in its memory. Set checkpoint_dir to a folder that all "
                "nodes share, and a job survives this"
            )
        elif self._collecting():
            lost = "the rows of collect(). Write what must survive with a sink, e.g. write_files"
        if lost is not None:
            self._dismiss_strangers()
            raise JobError(f"job {spec.name!r}: its master died, and with it {lost}")
        base = self._store.latest()
        if base is None or base.submission != spec.submission:
            return None
        if not self._store.is_committed(base):
            commit(spec, self._store, base)
        return base

    def _take_over(self, base: Manifest) -> Start | None:
        """Go on where the master that died was; None where its workers cannot go on as they are."""
        spec = self._spec
        self._issuer = os.urandom(8).hex()
        found = names.workers(spec.name)
        reports = self._ask(found)
        at_work = {n: r for n, r in reports.items() if r.phase == "running"}
        tasks = [t for r in at_work.values() for t in r.tasks]
        whole = sorted(t.task for t in tasks) == [t.id for t in spec.execution.tasks]
        if not whole or {r.run for r in at_work.values()} != {base.run}:
            self._dismiss_strangers()
            return None
        # Before anybody is listened to: what is told of another attempt is not heard.
        self._number = next(iter(at_work.values())).attempt
        for name, report in reports.items():
            mine = tuple(t.task for t in report.tasks)
            post = next((p for p in self._posts if p.tasks == mine), self._posts[0])
            member = self._crew.adopt(name, found[name], post, report.next_event)
            self._homes.update({t.task: member for t in report.tasks})
            self._crew.listen_to(member)
        start = Start(base.without_committables())
        self._attempt = self._new_attempt(start)
        self._attempt.adopt(tasks)
        self._store.place.sweep(tasks_run=True)
        log.info("job %r: its master is back; %d workers went on", spec.name, len(at_work))
        return start

    def _ask(self, workers: Mapping[str, Any]) -> dict[str, WorkerReport]:
        """Ask workers how they stand; those that do not say are ended."""
        reports: dict[str, WorkerReport] = {}
        calls = {
            n: h.report.options(concurrency_group="control").remote(self._issuer) for n, h in workers.items()
        }
        for name, call in calls.items():
            try:
                report = self._crew.call_all({name: call}, CALL_PATIENCE)[name]
            except WorkerLost:
                report = None
            if report is None:
                kill(workers[name])
            else:
                reports[name] = report
        return reports

    def _dismiss_strangers(self) -> None:
        for handle in names.workers(self._spec.name).values():
            kill(handle)
