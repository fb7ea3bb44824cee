"""The worker loop: runs the tasks and the coordinator of one start of a job in one thread.

Source threads fetch, one I/O thread writes checkpoints and commits. Everything they have to say
comes to the loop as a call in its mailbox.
"""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue

from raystreaming.checkpoint.manifest import Manifest
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.connector.source import Fetched, ReaderContext
from raystreaming.engine.coordinator import Coordinator, Phase
from raystreaming.engine.messages import (
    AssignSplits,
    CheckpointComplete,
    Command,
    Commit,
    EndInput,
    Finish,
    InjectBarrier,
    Outcome,
    Snapshot,
    WriteManifest,
)
from raystreaming.engine.task import Task
from raystreaming.errors import add_note
from raystreaming.failpoints import reach
from raystreaming.graph import TaskSpec
from raystreaming.observe.notices import log
from raystreaming.records import Barrier
from raystreaming.runtime.build import build_tasks
from raystreaming.runtime.pace import EntryPace, PiecePace
from raystreaming.runtime.reading import ReadLoop
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.start import Start, commit
from raystreaming.runtime.storing import store_snapshot
from raystreaming.runtime.threads import CallThread

CHANNEL_RECORDS = 4_000
"""A task is not run while an output channel holds more records than this."""

MAX_WAIT = 0.2
"""Seconds the loop sleeps at most when nothing happens."""

READER_PATIENCE = 5.0
"""Seconds to wait for a reader to return when a run ends."""


class Worker:
    """One start of a job.

    Args:
        spec: The job.
        store: Its checkpoints.
        start: Where it begins.
        io: Thread for checkpoints and commits.
        readers: Thread of each source task.
        counts: Counters that connectors add to.

    Attributes:
        tasks: The tasks, by task id.
        coordinator: The coordinator.
    """

    def __init__(
        self,
        spec: JobSpec,
        store: CheckpointStore,
        start: Start,
        io: CallThread,
        readers: Mapping[int, CallThread],
        counts: Counter[str],
    ) -> None:
        self._spec = spec
        self._store = store
        self._run = start.manifest.run
        self._io = io
        self._threads = readers
        self._counts = counts
        self._mailbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._outcome: Outcome | None = None
        self._cancelled = False
        self._closing = False
        self.tasks: list[Task] = build_tasks(spec, start.manifest, store)
        self.coordinator = Coordinator(
            spec.execution, start.manifest, spec.checkpoint_interval, time.monotonic()
        )
        self._receiver = {c.id: self.tasks[c.receiver] for c in spec.execution.channels}
        self._paces = {t.spec.id: PiecePace(t.piece, t.builds_lists) for t in self.tasks}
        self._entry_paces = {id_: EntryPace() for id_ in readers}
        self._read_loops = {id_: self._read_loop(self.tasks[id_].spec) for id_ in readers}
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
            log.warning("job %r: %s: %s", self._spec.name, type(error).__name__, error)
        else:
            self.post(raise_it)

    def stop(self) -> None:
        """Take a checkpoint and end."""
        self.post(self.coordinator.stop)

    def drain(self) -> None:
        """End the input."""
        self.post(lambda: self._do(self.coordinator.drain()))

    def cancel(self) -> None:
        """End at once; a commit that has begun is brought to its end."""

        def cancel() -> None:
            self._cancelled = True

        self.post(cancel)

    # The loop ----------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Run until the job ends. The body of the loop thread.

        Raises:
            Exception: Whatever a task, a reader or the I/O thread raised.
        """
        try:
            for task in self.tasks:
                self._opened.append(task)
                task.open()
            for id_, read_loop in self._read_loops.items():
                self._threads[id_].call(functools.partial(self._read, id_, read_loop))
            self._do(self.coordinator.start())
            while self._outcome is None:
                self._turn()
            return self._outcome
        finally:
            self._close()

    def _turn(self) -> None:
        """Handle what has come, let every task that may do one step, let the coordinator act."""
        self._handle_mail(may_wait=not any(map(self._may_run, self.tasks)))
        for task in self.tasks:
            if self._may_run(task):
                self._step(task)
        self._do(self.coordinator.tick(time.monotonic()))
        committing = self.coordinator.phase in (Phase.WRITING, Phase.COMMITTING)
        if self._cancelled and not committing and self._outcome is None:
            self._outcome = "cancelled"

    def _handle_mail(self, may_wait: bool) -> None:
        mailbox = self._mailbox
        if may_wait:
            due = self.coordinator.next_tick()
            wait = MAX_WAIT if due is None else min(MAX_WAIT, max(0.0, due - time.monotonic()))
            try:
                mailbox.get(timeout=wait)()
            except Empty:
                return
        while not mailbox.empty():
            mailbox.get()()

    def _may_run(self, task: Task) -> bool:
        return task.ready and (task.mark_due or self._has_room(task))

    def _has_room(self, task: Task) -> bool:
        return all(
            self._receiver[channel].queued(channel) < CHANNEL_RECORDS
            for edge in task.spec.outputs
            for channel in edge.channels
        )

    def _step(self, task: Task) -> None:
        began = time.perf_counter()
        records = task.step()
        took = time.perf_counter() - began
        self._paces[task.spec.id].worked(records, took)
        for frame in task.frames:
            self._receiver[frame.channel].receive(frame)
        task.frames.clear()
        if task.spec.id in self._entry_paces:
            self._account_entry(task, took)
        for event in task.events:
            if isinstance(event, Snapshot):
                reach("task.snapshot")
                self._io.call(functools.partial(self._store_snapshot, event))
            else:
                self.coordinator.source_ended(event.task)
        task.events.clear()

    def _account_entry(self, task: Task, took: float) -> None:
        pace, read_loop = self._entry_paces[task.spec.id], self._read_loops[task.spec.id]
        pace.worked(took)
        for records in task.consumed:
            read_loop.limit = pace.entry_done(records)
            read_loop.consumed()
        task.consumed.clear()

    # Commands ----------------------------------------------------------------------------

    def _do(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case AssignSplits(task, splits, last):
                    self.tasks[task].assign({s.id: position for s, position in splits}, last)
                    self._read_loops[task].add_splits(splits)
                case InjectBarrier(task, epoch, halt):
                    self.tasks[task].inject(Barrier(epoch), halt)
                    reach("barrier.injected")
                case EndInput(task):
                    self.tasks[task].drain()
                case WriteManifest(manifest):
                    self._io.call(functools.partial(self._write_manifest, manifest))
                case Commit(manifest):
                    self._io.call(functools.partial(self._commit, manifest))
                case CheckpointComplete(manifest):
                    self._complete(manifest)
                case Finish(outcome):
                    self._outcome = outcome
                    reach("finished")

    def _complete(self, manifest: Manifest) -> None:
        log.debug("job %r: checkpoint %d complete", self._spec.name, manifest.sequence)
        for task in self._read_loops:
            source = self.tasks[task].spec.vertex.source
            assert source is not None
            splits = manifest.operators[source.id].splits
            mine = {i: splits[i].position for i in self.tasks[task].splits}
            self._read_loops[task].commit(mine)
        self._io.call(self._retire)

    # The I/O thread ----------------------------------------------------------------------

    def _store_snapshot(self, snapshot: Snapshot) -> None:
        stored = store_snapshot(snapshot, self._store, self._run)
        self.post(lambda: self._do(self.coordinator.acknowledge(stored)))

    def _write_manifest(self, manifest: Manifest) -> None:
        reach("manifest.before")
        self._store.write_manifest(manifest)
        reach("manifest.written")
        self.post(lambda: self._do(self.coordinator.manifest_written(manifest)))

    def _commit(self, manifest: Manifest) -> None:
        reach("commit.before")
        commit(self._spec, self._store, manifest)
        self.post(lambda: self._do(self.coordinator.committed()))

    def _retire(self) -> None:
        self._store.retire()
        reach("retired")

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
        )
        task = self.tasks[spec.id]

        def deliver(fetched: Fetched) -> None:
            self.post(functools.partial(task.feed, fetched))

        return ReadLoop(op.source, context, deliver)

    def _read(self, task: int, read_loop: ReadLoop) -> None:
        try:
            read_loop.run()
        except Exception as error:
            source = self.tasks[task].spec.vertex.source
            assert source is not None
            add_note(error, f"in source {source.id!r}")
            raise

    def _count(self, name: str, n: int) -> None:
        self._counts[name] += n

    def _close(self) -> None:
        """Bring threads to rest and close everything; what a failing close says is only logged."""
        self._closing = True
        for read_loop in self._read_loops.values():
            read_loop.close()
        for id_, thread in self._threads.items():
            if not thread.settle(READER_PATIENCE):
                log.warning(
                    "job %r: the reader of %s does not return; it is left behind",
                    self._spec.name,
                    self.tasks[id_].spec.name,
                )
        self._io.settle()
        for task in self._opened:
            try:
                task.close()
            except Exception as error:
                log.warning("closing %s: %s: %s", task.spec.name, type(error).__name__, error)
