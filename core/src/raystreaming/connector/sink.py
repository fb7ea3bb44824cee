"""Sinks: at-least-once by `write` and `flush`, exactly-once by two phases.

Two phases: at a barrier each writer prepares what it wrote in the epoch and returns a handle
(the committable); when the checkpoint's manifest exists, the handles are committed. A crash in
between commits them again at the next start, so `commit` is idempotent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from raystreaming.connector.options import Options
from raystreaming.connector.rejecting import Rejected, refusal
from raystreaming.records import Batch, OpaqueColumn, rows_of

T_contra = TypeVar("T_contra", contravariant=True)

Prepared: TypeAlias = "bytes | Callable[[], bytes | None] | None"
"""A committable, None if there is nothing to commit, or the slow rest of the work (closing and
syncing files, say) as a function without arguments that returns one; that runs on the worker's
I/O thread while the writer goes on with the next epoch."""


@dataclass(frozen=True, slots=True)
class WriterContext:
    """What `Sink.open` may know.

    Attributes:
        owner: Name of the job's sink in the outside world, the same after every restart of the
            job on its checkpoint directory and different from every other job's.
        durable: Whether the job will find its checkpoints again after its process has died; if
            not, what `owner` left behind belongs to nobody once the process is gone.
        run: Short id of this start of the job; never used twice.
        operator: Id of the sink's operator, for messages.
        task: Index of this task, from 0.
        parallelism: Number of tasks.
        config: What `Stream.with_config` was given.
        rejected: Takes what `reject` is given, where the job goes on without it; None fails the job.
    """

    owner: str = "job-sink"
    durable: bool = False
    run: str = "run"
    operator: str = "sink"
    task: int = 0
    parallelism: int = 1
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    rejected: Callable[[Rejected], None] | None = None

    def reject(self, record: Any, why: str) -> None:
        """Leave out a record that cannot be written, as the sink's ``on_error`` says.

        Call it in `Writer.write`, of a sink that says ``rejects = True``.

        Raises:
            Terminal: The policy is ``"fail"``.
        """
        rejected = Rejected(record, why, "")
        if self.rejected is None:
            raise refusal("sink", self.operator, rejected)
        self.rejected(rejected)


class Writer(ABC, Generic[T_contra]):
    """Writes the records of one task. Made by `Sink.open`; used by the task's thread only."""

    @abstractmethod
    def write(self, batch: Batch) -> None:
        """Take records over. May block (that is back-pressure), and may buffer.

        Raises:
            Retryable: The job restarts from its last checkpoint, a limited number of times.
            Terminal: The job fails.
        """

    def flush(self) -> None:
        """Put everything written where it survives a crash.

        Called at every barrier and at the end, before the checkpoint counts. An exception fails
        the checkpoint. Not called on a `TwoPhaseWriter`.
        """

    def finish(self) -> None:
        """Hold nothing back any longer: the input has ended, the next `prepare` or `flush` is to have it all.

        Called after the last `write` of a run; not where a job is stopped to go on later. A later run of the
        job, with more input, ends anew.
        """

    def close(self) -> None:
        """Release what was opened. Called once; not after a hard kill. Publishes nothing."""


class TwoPhaseWriter(Writer[T_contra]):
    """A writer whose output becomes visible only with the checkpoint."""

    @abstractmethod
    def prepare(self, epoch: int) -> Prepared:
        """End the epoch: make everything written since the last call ready to be committed.

        Called at every barrier, on the task's thread. What it returns is in the checkpoint.
        """

    def snapshot(self) -> bytes | None:
        """Return the state for the next `Sink.open`. Called right after `prepare`."""
        return None


class Sink(Options, ABC, Generic[T_contra]):
    """A sink: its options, inert until `open` is called. Frozen and picklable. At least once."""

    columnar: ClassVar[bool] = False
    """Whether `Writer.write` takes Arrow batches without turning them into rows."""

    parallel: ClassVar[bool] = True
    """Whether there can be several writers: else more than one task is refused."""

    ordered: ClassVar[bool] = True
    """Whether each writer keeps the order in which it is given records. If not, ``explain`` says so."""

    rejects: ClassVar[bool] = False
    """Whether `Writer.write` names the records it cannot write with `WriterContext.reject`, and raises
    `Retryable` only before it has taken anything of a batch. If not, and the program has set an ``on_error``,
    it is given one record at a time."""

    opaque: ClassVar[tuple[type[OpaqueColumn], ...]] = ()
    """Columns of other languages that `Writer.write` takes as they are."""

    language: ClassVar[str] = "python"
    """Language that its work is done in; another than Python is asked to get it ready for a job."""

    @property
    def delivery(self) -> str:
        """``"at-least-once"`` or ``"exactly-once"``; shown by ``explain`` and at start."""
        return "at-least-once"

    @abstractmethod
    def open(self, state: bytes | None, ctx: WriterContext) -> Writer[T_contra]:
        """Make the writer of one task. Called once per task and start, on the task's thread.

        Args:
            state: What `TwoPhaseWriter.snapshot` returned at the restored checkpoint, else None.
            ctx: Who this writer is.
        """


class TwoPhaseSink(Sink[T_contra]):
    """A sink that delivers exactly once. Its methods may be called from any process."""

    @property
    def delivery(self) -> str:
        """``"exactly-once"``."""
        return "exactly-once"

    @abstractmethod
    def open(self, state: bytes | None, ctx: WriterContext) -> TwoPhaseWriter[T_contra]:
        """Make the writer of one task."""

    @abstractmethod
    def commit(self, committables: Sequence[bytes]) -> None:
        """Make prepared output visible. Idempotent: called again after a crash.

        Called once per checkpoint with the handles of all writers, off the tasks' thread, after
        the manifest exists; and at start with those of the restored checkpoint.

        Raises:
            Retryable: Tried again, with pauses.
            Terminal: Something prepared is gone: the job stops loudly, naming it.
        """

    @abstractmethod
    def abort(self, committables: Sequence[bytes]) -> None:
        """Throw prepared or half-written output away. Idempotent."""

    @abstractmethod
    def list_open(self, owner: str) -> Sequence[bytes]:
        """List everything of `owner` that is neither committed nor aborted.

        Called at start, after the restored checkpoint has been committed and before any writer
        opens; everything listed is aborted, except what `keeps` names.
        """

    def keeps(self, state: bytes) -> Sequence[bytes]:
        """Return what of `list_open` is not to be aborted: the writer that gets `state` goes on with it.

        Called at start with each state of the restored checkpoint.
        """
        return ()


class BatchSink(Sink[T_contra]):
    """First rung of the ladder: one method, at least once.

    Example:
        >>> from raystreaming.connector import BatchSink
        >>> class Shout(BatchSink[str]):
        ...     def write_batch(self, records):
        ...         print(*(r.upper() for r in records))
    """

    @abstractmethod
    def write_batch(self, records: list[Any]) -> None:
        """Write records so that they survive a crash when the call returns."""

    def open(self, state: bytes | None, ctx: WriterContext) -> Writer[T_contra]:
        """Return a writer that calls `write_batch`."""
        return _BatchWriter(self)


class _BatchWriter(Writer[T_contra]):
    def __init__(self, sink: BatchSink[T_contra]) -> None:
        self._sink = sink

    def write(self, batch: Batch) -> None:
        self._sink.write_batch(rows_of(batch.values))
