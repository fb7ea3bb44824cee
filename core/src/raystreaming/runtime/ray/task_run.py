"""`TaskRun`: the tasks of one attempt in one worker, with the thread that runs them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence

from raystreaming.checkpoint.place import MemoryPlace, open_place
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.engine.messages import Report, StoredSnapshot, TaskOrder, TaskReport
from raystreaming.observe.status import TaskStatus
from raystreaming.runtime.build import build_tasks
from raystreaming.runtime.ray.messages import Event, Failed, Orders, StartTasks, Told
from raystreaming.runtime.ray.shipping import Failure
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.tally import Tally
from raystreaming.runtime.threads import CallThread
from raystreaming.runtime.transport import Arrived, Transport
from raystreaming.runtime.worker import Worker


class TaskRun:
    """Runs some tasks of an attempt from their opening to their end.

    Args:
        spec: The job.
        start: What to run.
        name: Name of this worker.
        transport: Listens already.
        tell: Takes events for the master; called from any thread.

    Attributes:
        attempt: Number of the attempt.
        run: Id of this start of the job.
    """

    def __init__(
        self, spec: JobSpec, start: StartTasks, name: str, transport: Transport, tell: Callable[[Event], None]
    ) -> None:
        self.attempt = start.attempt
        self.run = start.manifest.run
        self._issuer = start.issuer
        self._next_order = 0
        self._early: dict[int, TaskOrder] = {}
        self._tell = tell
        self._transport = transport
        self._tally = Tally()
        self._stored: dict[int, StoredSnapshot] = {}
        self._memory = MemoryPlace() if spec.checkpoint_dir is None else None
        place = self._memory or open_place(spec.checkpoint_dir, spec.name)
        for file, data in start.files.items():
            place.create(file, data)
        store = CheckpointStore(place, spec.retain)
        chosen = [spec.execution.tasks[i] for i in start.tasks]
        self._tasks = build_tasks(spec, chosen, start.manifest, store, self._tally.add)
        self._io = CallThread(f"{spec.name} io", self._failed)
        self._readers = {
            t.id: CallThread(f"{spec.name} {t.name}", self._failed)
            for t in chosen
            if t.vertex.source is not None
        }
        self._worker = Worker(
            spec.name,
            self._tasks,
            store=store,
            run=self.run,
            io=self._io,
            readers=self._readers,
            report=self._report,
            count=self._tally.add,
            remote=transport,
        )
        mine = set(start.tasks)
        channels = spec.execution.channels
        transport.connect(
            {peer: address for peer, address in start.peers.items() if peer != name},
            {c.id: start.homes[c.receiver] for c in channels if c.sender in mine and c.receiver not in mine},
            {c.id: start.homes[c.sender] for c in channels if c.receiver in mine and c.sender not in mine},
        )
        self._opened = threading.Event()
        self._failure: Failure | None = None
        self._thread = threading.Thread(target=self._main, name=f"{spec.name} loop", daemon=True)

    def open(self) -> Failure | None:
        """Open the tasks and run them; return why that is not possible."""
        self._thread.start()
        self._opened.wait()
        return self._failure

    def arrived(self, messages: Sequence[Arrived]) -> None:
        """Take what came from other workers; called in the transport's thread."""
        self._worker.post(functools.partial(self._receive, messages))

    def failed(self, error: BaseException) -> None:
        """End with an error of another thread."""
        self._worker.failed(error)

    def order(self, orders: Orders) -> None:
        """Carry orders out, in the order of their numbers; those of a master that was replaced are void."""
        if orders.issuer != self._issuer:
            return
        self._early.update(enumerate(orders.orders, orders.first))
        while (order := self._early.pop(self._next_order, None)) is not None:
            self._next_order += 1
            self._worker.post(functools.partial(self._worker.order, order))

    def obey(self, issuer: str) -> None:
        """Take orders of this issuer only, from number 0 on."""
        self._issuer = issuer
        self._next_order = 0
        self._early.clear()

    def status(self) -> tuple[TaskStatus, ...]:
        """Return how the tasks are."""
        return tuple(self._worker.status())

    def counts(self) -> dict[str, int]:
        """Return what connectors have counted."""
        return self._tally.counts()

    def report(self, patience: float) -> tuple[TaskReport, ...] | None:
        """Return how far each task has come; None if the loop does not answer in time."""
        answer: list[tuple[TaskReport, ...]] = []
        answered = threading.Event()

        def collect() -> None:
            answer.append(
                tuple(
                    TaskReport(t.spec.id, t.splits, t.ended, t.epoch, self._stored.get(t.spec.id))
                    for t in self._tasks
                )
            )
            answered.set()

        self._worker.post(collect)
        return answer[0] if answered.wait(patience) else None

    def halt(self, patience: float) -> bool:
        """End without a checkpoint; return whether the loop has come to rest."""
        self._transport.close()
        self._worker.post(self._worker.end)
        if self._thread.is_alive():
            self._thread.join(patience)
        return not self._thread.is_alive()

    def _main(self) -> None:
        try:
            try:
                self._worker.open()
                self._opened.set()
                self._worker.run(self._turn)
            finally:
                self._worker.close()
        except BaseException as error:
            self._failure = Failure.of(error)
            self._tell(Failed(self.attempt, self._failure))
        finally:
            self._opened.set()
            self._transport.close()
            for thread in (self._io, *self._readers.values()):
                thread.end()

    def _turn(self, now: float) -> float | None:
        self._transport.flush(now)
        return self._transport.next_flush()

    def _receive(self, messages: Sequence[Arrived]) -> None:
        for message in messages:
            self._worker.receive(self._transport.decode(message))

    def _report(self, report: Report) -> None:
        files: dict[str, bytes] = {}
        if isinstance(report, StoredSnapshot):
            self._stored[report.task] = report
            if self._memory is not None:
                files = {name: self._memory.pop(name) for name in report.files}
        self._tell(Told(self.attempt, report, files))

    def _failed(self, error: BaseException) -> None:
        self._worker.failed(error)
