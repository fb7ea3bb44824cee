"""The worker loop: runs some tasks of one start of a job in one thread.

Source threads fetch, one I/O thread stores snapshots, and what comes from other workers arrives in
the transport's thread. Everything they have to say comes to the loop as a call in its mailbox.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.connector.rejecting import Rejected
from raystreaming.connector.source import Fetched, ReaderContext
from raystreaming.engine.messages import (
    AssignSplits,
    CommitPositions,
    EndInput,
    InjectBarrier,
    Report,
    Snapshot,
    TaskOrder,
)
from raystreaming.engine.task import Task
from raystreaming.errors import add_note
from raystreaming.failpoints import reach
from raystreaming.graph import TaskSpec
from raystreaming.observe.notices import about, here, log
from raystreaming.observe.status import TaskStatus
from raystreaming.records import Barrier, Frame
from raystreaming.runtime.pace import EntryPace, PiecePace
from raystreaming.runtime.reading import ReadLoop
from raystreaming.runtime.storing import store_snapshot
from raystreaming.runtime.threads import CallThread

CHANNEL_RECORDS = 4_000
"""A task is not run while an output channel holds more records than this."""

TURN = 0.02
"""Seconds after which the loop looks at its mail, at the latest when the step at work is done."""

MAX_WAIT = 0.2
"""Seconds the loop sleeps at most when nothing happens."""

READER_PATIENCE = 5.0
"""Seconds to wait for a reader to return when a run ends."""


class Remote(Protocol):
    """The channels that lead to and from other workers; called in the loop thread."""

    def send(self, frame: Frame) -> None:
        """Send a frame soon."""
        ...

    def has_room(self, channel: int) -> bool:
        """Return whether a sender may go on."""
        ...

    def most(self, channel: int) -> int:
        """Return how many records may be on their way."""
        ...

    def consumed(self, channel: int, offset: int, most: int) -> None:
        """Note that all before `offset` has been taken from an incoming channel, and how many may wait."""
        ...


class _Here:
    """No other workers."""

    def send(self, frame: Frame) -> None:
        raise AssertionError(f"channel {frame.channel} leads to no task of this worker")

    def has_room(self, channel: int) -> bool:
        raise AssertionError(f"channel {channel} leads to no task of this worker")

    def most(self, channel: int) -> int:
        raise AssertionError(f"channel {channel} leads to no task of this worker")

    def consumed(self, channel: int, offset: int, most: int) -> None:
        raise AssertionError(f"channel {channel} comes from no other worker")


class _Times:
    """Where the seconds of a task went."""

    __slots__ = ("blocked", "busy", "idle")

    def __init__(self) -> None:
        self.busy = self.blocked = self.idle = 0.0


class Worker:
    """Runs tasks.

    Args:
        job: The job's name.
        tasks: What it runs.
        store: Where snapshots go.
        run: Id of this start of the job.
        io: Thread that stores snapshots.
        readers: Thread of each source task.
        report: Called with what the coordinator must hear, in the loop or the I/O thread.
        count: Called in source threads with what connectors count.
        remote: The channels to and from other workers.
    """

    def __init__(
        self,
        job: str,
        tasks: Sequence[Task],
        *,
        store: CheckpointStore,
        run: str,
        io: CallThread,
        readers: Mapping[int, CallThread],
        report: Callable[[Report], None],
        count: Callable[[str, int], None],
        remote: Remote | None = None,
    ) -> None:
        self._job = job
        self._store = store
        self._run = run
        self._io = io
        self._threads = readers
        self._report = report
        self._count = count
        self._remote: Remote = remote or _Here()
        self._mailbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._began = time.monotonic()
        self._over = False
        self._closing = False
        self._tasks = {task.spec.id: task for task in tasks}
        self._about = {t.spec.id: about(job, t.spec.vertex.name, t.spec.index) for t in tasks}
        self._times = {id_: _Times() for id_ in self._tasks}
        self._receiver = {channel: task for task in tasks for channel in task.spec.inputs}
        self._receivers = {task.spec.id: self._receivers_here(task) for task in tasks}
        self._from_others = _incoming(tasks)
        self._paces = {t.spec.id: PiecePace(t.most_records) for t in tasks}
        self._entry_paces = {id_: EntryPace() for id_ in readers}
        self._read_loops = {id_: self._read_loop(self._tasks[id_].spec) for id_ in readers}
        self._held_up: dict[int, float] = {}
        self._parked: dict[int, float] = {}
        self._at_work: tuple[int, float] | None = None
        self._opened: list[Task] = []

    # From any thread ---------------------------------------------------------------------

    def post(self, call: Callable[[], None]) -> None:
        """Have the loop call something soon."""
        self._mailbox.put(call)

    def failed(self, error: BaseException) -> None:
        """Have the loop raise an error of another thread."""

        def raise_it() -> None:
            raise error

        if self._closing:
            log.warning("job %r: %s: %s", self._job, type(error).__name__, error, extra=about(self._job))
        else:
            self.post(raise_it)

    def status(self) -> list[TaskStatus]:
        """Return what can be told about the tasks now."""
        elapsed = time.monotonic() - self._began
        now = self._at_work
        at_work = {} if now is None else {now[0]: time.perf_counter() - now[1]}
        return [
            TaskStatus(
                task.spec.name,
                task.records_in,
                task.records_out,
                busy=times.busy + at_work.get(id_, 0.0),
                blocked=times.blocked,
                idle=times.idle,
                chain=task.spec.vertex.index,
                index=task.spec.index,
                elapsed=elapsed,
                lag=self._lag(task),
                at_work=at_work.get(id_, 0.0),
            )
            for (id_, task), times in zip(self._tasks.items(), self._times.values(), strict=True)
        ]

    def _lag(self, task: Task) -> int | None:
        read_loop = self._read_loops.get(task.spec.id)
        if read_loop is None or read_loop.known is None:
            return None
        return max(0, read_loop.known - task.records_in)

    # The loop ----------------------------------------------------------------------------

    def open(self) -> None:
        """Open the tasks."""
        for task in self._tasks.values():
            self._opened.append(task)
            here.about = self._about[task.spec.id]
            task.open()

    def run(self, turn: Callable[[float], float | None]) -> None:
        """Run until `end`. The body of the loop thread.

        Args:
            turn: Called in every turn with the monotonic time; returns when it must be called
                again at the latest.

        Raises:
            Exception: Whatever a task, a reader or the I/O thread raised.
        """
        for id_, read_loop in self._read_loops.items():
            self._threads[id_].call(functools.partial(self._read, id_, read_loop))
        tasks = list(self._tasks.values())
        self._began = time.monotonic()
        while True:
            due = turn(time.monotonic())
            if self._over:
                return
            if self._parked:
                due = self._unpark(due)
            self._handle_mail(may_wait=not any(map(self._may_run, tasks)), due=due)
            until = time.perf_counter() + TURN
            for task in tasks:
                if self._may_run(task):
                    self._step(task)
                    self._pass_on(task, until)

    def end(self) -> None:
        """Let `run` return."""
        self._over = True

    def receive(self, frame: Frame) -> None:
        """Take a frame from another worker."""
        self._receiver[frame.channel].receive(frame)

    def order(self, order: TaskOrder) -> None:
        """Carry out what the coordinator wants."""
        match order:
            case AssignSplits(task, splits, last):
                self._tasks[task].assign({s.id: position for s, position in splits}, last)
                self._read_loops[task].add_splits(splits)
            case InjectBarrier(task, epoch, halt):
                self._tasks[task].inject(Barrier(epoch), halt)
                reach("barrier.injected")
            case EndInput(task):
                self._tasks[task].drain()
            case CommitPositions(task, positions):
                self._read_loops[task].commit(positions)

    def _handle_mail(self, may_wait: bool, due: float | None) -> None:
        mailbox = self._mailbox
        if may_wait and mailbox.empty():
            began = time.monotonic()
            wait = MAX_WAIT if due is None else min(MAX_WAIT, max(0.0, due - began))
            try:
                call: Callable[[], None] | None = mailbox.get(timeout=wait)
            except Empty:
                call = None
            self._account_wait(time.monotonic() - began)
            if call is not None:
                call()
        while not mailbox.empty():
            mailbox.get()()

    def _account_wait(self, seconds: float) -> None:
        for task, times in zip(self._tasks.values(), self._times.values(), strict=True):
            if task.ready:
                times.blocked += seconds
            else:
                times.idle += seconds

    def _unpark(self, due: float | None) -> float | None:
        """Let tasks whose pause is over go on; return when there is something to do at the latest."""
        now = time.monotonic()
        self._parked = {task: until for task, until in self._parked.items() if until > now}
        return min([*self._parked.values(), *([] if due is None else [due])], default=None)

    def _may_run(self, task: Task) -> bool:
        if not task.ready or task.spec.id in self._parked:
            return False
        if task.mark_due or self._has_room(task):
            return True
        self._held_up.setdefault(task.spec.id, time.perf_counter())
        return False

    def _has_room(self, task: Task) -> bool:
        return all(map(self._channel_has_room, task.output_channels))

    def _channel_has_room(self, channel: int) -> bool:
        receiver = self._receiver.get(channel)
        if receiver is None:
            return self._remote.has_room(channel)
        return receiver.queued(channel) < min(CHANNEL_RECORDS, receiver.records_ahead)

    def _most(self, channel: int) -> int:
        """Return how many records the receiver of a channel takes in a short time."""
        receiver = self._receiver.get(channel)
        return self._remote.most(channel) if receiver is None else receiver.records_ahead

    def _receivers_here(self, task: Task) -> list[Task]:
        receivers = (self._receiver.get(channel) for channel in task.output_channels)
        return list({r.spec.id: r for r in receivers if r is not None}.values())

    def _pass_on(self, task: Task, until: float) -> None:
        """Run who takes what `task` has sent, at once: what waits leaves the processor's cache."""
        for receiver in self._receivers[task.spec.id]:
            while self._may_run(receiver) and time.perf_counter() < until:
                self._step(receiver)
                self._pass_on(receiver, until)

    def _step(self, task: Task) -> None:
        id_ = task.spec.id
        began = time.perf_counter()
        held_up = self._held_up.pop(id_, began)
        task.pace(self._paces[id_].limit, map(self._most, task.output_channels))
        here.about = self._about[id_]
        self._at_work = id_, began
        records = task.step()
        self._at_work = None
        took = time.perf_counter() - began
        self._times[id_].busy += took
        self._paces[id_].worked(records, took)
        for frame in task.frames:
            receiver = self._receiver.get(frame.channel)
            if receiver is None:
                self._remote.send(frame)
            else:
                receiver.receive(frame)
        task.frames.clear()
        for channel in self._from_others[id_]:
            self._remote.consumed(channel, task.consumed_offset(channel), task.records_ahead)
        if id_ in self._entry_paces:
            # What it waited for room counts: else a source ahead of a slow sink fetches ever larger entries,
            # and memory and the time between two barriers grow with them.
            self._account_entry(task, took + began - held_up)
        for event in task.events:
            if isinstance(event, Snapshot):
                reach("task.snapshot")
                self._io.call(functools.partial(self._store_snapshot, event))
            else:
                self._report(event)
        task.events.clear()
        if task.pause.seconds:
            self._parked[id_] = time.monotonic() + task.pause.seconds
            task.pause.seconds = 0.0

    def _account_entry(self, task: Task, took: float) -> None:
        pace, read_loop = self._entry_paces[task.spec.id], self._read_loops[task.spec.id]
        pace.worked(took)
        for records in task.consumed:
            read_loop.limit = min(pace.entry_done(records), task.records_ahead)
            read_loop.consumed()
        task.consumed.clear()

    # The I/O thread ----------------------------------------------------------------------

    def _store_snapshot(self, snapshot: Snapshot) -> None:
        self._report(store_snapshot(snapshot, self._store, self._run))

    # Source threads ----------------------------------------------------------------------

    def _read_loop(self, spec: TaskSpec) -> ReadLoop:
        op = spec.vertex.source
        assert op is not None
        assert op.source is not None
        context = ReaderContext(
            operator=op.id,
            task=spec.index,
            parallelism=op.parallelism,
            columnar=spec.vertex.columnar_source,
            count=self._count,
            config=op.config,
        )
        task = self._tasks[spec.id]

        def deliver(fetched: Fetched, rejected: Sequence[Rejected]) -> None:
            self.post(functools.partial(task.feed, fetched, rejected))

        return ReadLoop(op.source, context, deliver, op.on_error)

    def _read(self, task: int, read_loop: ReadLoop) -> None:
        here.about = self._about[task]
        try:
            read_loop.run()
        except Exception as error:
            source = self._tasks[task].spec.vertex.source
            assert source is not None
            add_note(error, f"in source {source.id!r}")
            raise

    # The end -----------------------------------------------------------------------------

    def close(self) -> None:
        """Bring threads to rest and close everything; what a failing close says is only logged."""
        self._closing = True
        for read_loop in self._read_loops.values():
            read_loop.close()
        for id_, thread in self._threads.items():
            if not thread.settle(READER_PATIENCE):
                log.warning(
                    "job %r: the reader of %s does not return; it is left behind",
                    self._job,
                    self._tasks[id_].spec.name,
                    extra=self._about[id_],
                )
        self._io.settle()
        for task in self._opened:
            try:
                task.close()
            except Exception as error:
                log.warning(
                    "closing %s: %s: %s",
                    task.spec.name,
                    type(error).__name__,
                    error,
                    extra=self._about[task.spec.id],
                )


def _incoming(tasks: Sequence[Task]) -> dict[int, list[int]]:
    """Return for each task the channels that come from tasks elsewhere."""
    sent_here = {channel for task in tasks for channel in task.output_channels}
    return {t.spec.id: [c for c in t.spec.inputs if c not in sent_here] for t in tasks}
