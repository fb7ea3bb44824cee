"""`Attempt`: one start of a job, from its coordinator's side.

Carries out what the coordinator commands: orders go to the workers that have the tasks, manifests
and commits to the I/O thread, whose answers come back as calls in the attempt's own thread.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterable

from raystreaming.checkpoint.manifest import Manifest, SplitState
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.engine.coordinator import Coordinator, Phase
from raystreaming.engine.messages import (
    CheckpointComplete,
    Command,
    Commit,
    Finish,
    Outcome,
    Report,
    SourceEnded,
    TaskOrder,
    TaskReport,
    WriteManifest,
)
from raystreaming.errors import ConnectorError
from raystreaming.failpoints import reach
from raystreaming.observe.notices import about, log
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.start import Start, commit, discover
from raystreaming.runtime.threads import CallThread


class Attempt:
    """Runs the coordinator of one start of a job, in one thread.

    Args:
        spec: The job.
        store: Its checkpoints.
        start: Where it begins.
        order: Gives an order to the worker that has the task.
        io: Thread for manifests and commits.
        planning: Thread that looks for new splits.
        post: Has the attempt's thread call something soon.

    Attributes:
        outcome: How the job ended; None while it runs.
        coordinator: The coordinator.
        completed: When the last checkpoint became complete, on the monotonic clock.
    """

    def __init__(
        self,
        spec: JobSpec,
        store: CheckpointStore,
        start: Start,
        order: Callable[[TaskOrder], None],
        io: CallThread,
        planning: CallThread,
        post: Callable[[Callable[[], None]], None],
    ) -> None:
        self._spec = spec
        self._store = store
        self._order = order
        self._io = io
        self._planning = planning
        self._post = post
        self._cancelled = False
        self.outcome: Outcome | None = None
        self.completed = time.monotonic()
        self.coordinator = Coordinator(
            spec.execution, start.manifest, spec.checkpoint_interval, self.completed
        )

        self._next_planning = {
            op.id: self.completed + op.source.discovery_interval
            for op in spec.graph.sources
            if op.source is not None and not op.source.bounded and op.source.discovery_interval is not None
        }

    def begin(self) -> None:
        """Assign the splits."""
        self._do(self.coordinator.start())

    def checkpoint_age(self) -> float:
        """Return the seconds since a checkpoint was complete, or since this start if none was."""
        return time.monotonic() - self.completed

    def adopt(self, tasks: Iterable[TaskReport]) -> None:
        """Take over from an attempt whose process died while its tasks went on."""
        self._do(self.coordinator.adopt(tasks, time.monotonic()))

    def told(self, report: Report) -> None:
        """Hear from a task."""
        if isinstance(report, SourceEnded):
            self.coordinator.source_ended(report.task)
        else:
            self._do(self.coordinator.acknowledge(report))

    def tick(self, now: float) -> float | None:
        """Do what is due.

        Returns:
            When something is due next unless told something before; None if never.
        """
        self._do(self.coordinator.tick(now))
        for source, due in self._next_planning.items():
            if now >= due:
                self._next_planning[source] = math.inf
                manifest = self.coordinator.manifest
                self._planning.call(functools.partial(self._discover, source, manifest))
        committing = self.coordinator.phase in (Phase.WRITING, Phase.COMMITTING)
        if self._cancelled and not committing and self.outcome is None:
            self.outcome = "cancelled"
        return self.coordinator.next_tick()

    def stop(self) -> None:
        """Take a checkpoint and end."""
        self.coordinator.stop()

    def drain(self) -> None:
        """End the input."""
        self._do(self.coordinator.drain())

    def cancel(self) -> None:
        """End at once; a commit that has begun is brought to its end."""
        self._cancelled = True

    def _do(self, commands: Iterable[Command]) -> None:
        for command in commands:
            match command:
                case WriteManifest(manifest):
                    self._io.call(functools.partial(self._write_manifest, manifest))
                case Commit(manifest):
                    self._io.call(functools.partial(self._commit, manifest))
                case CheckpointComplete(manifest):
                    self.completed = time.monotonic()
                    job = self._spec.name
                    log.debug("job %r: checkpoint %d complete", job, manifest.sequence, extra=about(job))
                    self._io.call(self._retire)
                case Finish(outcome):
                    self.outcome = outcome
                    reach("finished")
                case _:
                    self._order(command)

    # The planning thread -----------------------------------------------------------------

    def _discover(self, source: str, manifest: Manifest) -> None:
        op = next(op for op in self._spec.graph.sources if op.id == source)
        assert op.source is not None
        assert op.source.discovery_interval is not None
        splits: dict[str, SplitState] = {}
        try:
            splits = discover(op, manifest)
        except ConnectorError as error:  # the readers say so themselves where they cannot go on
            log.warning(
                "job %r: looking for new splits of %s: %s",
                self._spec.name,
                op.name,
                error,
                extra=about(self._spec.name, op.name),
            )
        again = time.monotonic() + op.source.discovery_interval
        self._post(lambda: self._discovered(source, splits, again))

    def _discovered(self, source: str, splits: dict[str, SplitState], again: float) -> None:
        self._next_planning[source] = again
        self.coordinator.splits_found(source, splits)

    # The I/O thread ----------------------------------------------------------------------

    def _write_manifest(self, manifest: Manifest) -> None:
        reach("manifest.before")
        self._store.write_manifest(manifest)
        reach("manifest.written")
        self._post(lambda: self._do(self.coordinator.manifest_written(manifest)))

    def _commit(self, manifest: Manifest) -> None:
        reach("commit.before")
        commit(self._spec, self._store, manifest)
        self._post(lambda: self._do(self.coordinator.committed()))

    def _retire(self) -> None:
        self._store.retire()
        reach("retired")
