"""The embedded runtime: a job in this process, restarted from its checkpoint where that can help."""

from __future__ import annotations

import threading
from collections.abc import Callable

from raystreaming.checkpoint.place import open_place
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.engine.messages import Outcome
from raystreaming.errors import Retryable
from raystreaming.observe.notices import about, log
from raystreaming.observe.status import JobStatus
from raystreaming.runtime import collector
from raystreaming.runtime.attempt import Attempt
from raystreaming.runtime.build import build_tasks
from raystreaming.runtime.restarts import Restarts
from raystreaming.runtime.saying import say_end, say_start
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.start import Start, abort_open, begin
from raystreaming.runtime.tally import Tally
from raystreaming.runtime.threads import CallThread
from raystreaming.runtime.worker import Worker


class EmbeddedJob:
    """A job that runs in this process.

    Args:
        spec: The job.

    Raises:
        RayStreamingError: The job cannot start.
    """

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self._store = CheckpointStore(open_place(spec.checkpoint_dir, spec.name), spec.retain)
        self._tally = Tally()
        self._worker: Worker | None = None
        self._attempt: Attempt | None = None
        self._wishes: list[Callable[[Attempt], None]] = []
        self._cancelled = threading.Event()
        self._over = threading.Event()
        self._restarts = Restarts(spec)
        self.state = "starting"
        self.error: BaseException | None = None
        self._store.place.lock()
        try:
            start = begin(spec, self._store, spec.fresh)
        except BaseException:
            self._store.place.unlock()
            raise
        sources = [t for t in spec.execution.tasks if t.vertex.source is not None]
        self._io = CallThread(f"{spec.name} io", self._thread_failed)
        self._planning = CallThread(f"{spec.name} planning", self._thread_failed)
        self._readers = {t.id: CallThread(f"{spec.name} {t.name}", self._thread_failed) for t in sources}
        # No daemon: a script may end after submit, and the job runs to its end.
        threading.Thread(target=self._main, args=(start,), name=f"{spec.name} loop").start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job is over; return whether it is."""
        return self._over.wait(timeout)

    def stop(self) -> None:
        """Take a checkpoint and end; the same command goes on from there."""
        self._wish(Attempt.stop)

    def drain(self) -> None:
        """End the input, so that the job finishes."""
        self._wish(Attempt.drain)

    def cancel(self) -> None:
        """End at once, without a checkpoint."""
        self._cancelled.set()
        self._wish(Attempt.cancel)

    def status(self) -> JobStatus:
        """Return what can be told about the job now."""
        worker, attempt = self._worker, self._attempt
        return JobStatus(
            job=self._spec.name,
            state=self.state,
            checkpoint=attempt.coordinator.manifest.sequence if attempt is not None else 0,
            restarts=self._restarts.total,
            counts=self._tally.counts(),
            tasks=worker.status() if worker is not None else [],
            checkpoint_age=attempt.checkpoint_age() if attempt is not None else None,
            chains=self._spec.chain_names,
            edges=self._spec.chain_edges,
        )

    def _wish(self, wish: Callable[[Attempt], None]) -> None:
        """Tell the attempt, and every one that a restart puts in its place."""
        self._wishes.append(wish)
        worker, attempt = self._worker, self._attempt
        if worker is not None and attempt is not None:
            worker.post(lambda: wish(attempt))

    def _thread_failed(self, error: BaseException) -> None:
        assert self._worker is not None, "threads get work from a worker only"
        self._worker.failed(error)

    def _main(self, start: Start) -> None:
        """Run, and restart on errors that may pass; the body of the loop thread."""
        collector.tune()
        try:
            say_start(self._spec)
            self.state = self._attempts(start)
            say_end(self._spec, self.status())
        except BaseException as error:
            self.error = error
            self.state = "failed"
            if self._spec.checkpoint_dir is None:
                self._abandon()
        finally:
            collector.restore()
            for thread in (self._io, self._planning, *self._readers.values()):
                thread.end()
            self._store.place.unlock()
            self._over.set()

    def _abandon(self) -> None:
        """Throw away what a failed job left open, as no later run will."""
        try:
            last = self._store.latest()
            if last is not None and self._store.is_committed(last):
                abort_open(self._spec, last, goes_on=False)
        except Exception as error:
            job = self._spec.name
            log.warning("job %r: leftovers stay: %s: %s", job, type(error).__name__, error, extra=about(job))

    def _attempts(self, first: Start) -> Outcome:
        start: Start | None = first
        while True:
            try:
                start = start or begin(self._spec, self._store, fresh=False)
                return self._run(start)
            except Retryable as error:
                progressed = start is not None and self._progressed(start)
                self.state = "restarting"
                self._cancelled.wait(self._restarts.failed(error, progressed))
                if self._cancelled.is_set():
                    return "cancelled"
                start = None

    def _progressed(self, start: Start) -> bool:
        attempt = self._attempt
        return attempt is not None and attempt.coordinator.manifest.sequence > start.manifest.sequence

    def _run(self, start: Start) -> Outcome:
        spec, store = self._spec, self._store
        tasks = build_tasks(spec, spec.execution.tasks, start.manifest, store, self._tally.add)
        worker = Worker(
            spec.name,
            tasks,
            store=store,
            run=start.manifest.run,
            io=self._io,
            readers=self._readers,
            report=lambda report: worker.post(lambda: attempt.told(report)),
            count=self._tally.add,
        )
        attempt = Attempt(spec, store, start, worker.order, self._io, self._planning, worker.post)

        def turn(now: float) -> float | None:
            due = attempt.tick(now)
            if attempt.outcome is not None:
                worker.end()
            return due

        self._worker, self._attempt = worker, attempt
        for wish in list(self._wishes):
            wish(attempt)
        self.state = "running"
        try:
            worker.open()
            attempt.begin()
            worker.run(turn)
        finally:
            worker.close()
        outcome = attempt.outcome
        assert outcome is not None, "the loop ends with an outcome"
        if outcome == "cancelled" and store.place.exclusive:
            resumable = spec.checkpoint_dir is not None
            abort_open(spec, attempt.coordinator.manifest, goes_on=resumable)
        return outcome
