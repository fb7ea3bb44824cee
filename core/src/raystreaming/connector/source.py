"""Sources: what to read (`Source.plan`) apart from reading it (`Reader`).

A source is cut into splits (a Kafka partition, a file). One reader per task serves all the
splits assigned to that task. Every batch comes with the position after it, so a checkpoint can
never hold a position that does not belong to what the job has consumed.
"""

from __future__ import annotations

import itertools
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeAlias, TypeVar

from raystreaming.connector.inspector import Inspector
from raystreaming.connector.options import Options
from raystreaming.connector.rejecting import Rejected, refusal
from raystreaming.records import Batch

T_co = TypeVar("T_co", covariant=True)

Position: TypeAlias = Any
"""A msgpack value: None is the start of the split."""


@dataclass(frozen=True, slots=True)
class Split:
    """A piece of a source that is read in order by one reader at a time.

    Attributes:
        id: Stable name, unique in the source, e.g. ``"events-0"`` or a file's path.
        payload: What a reader needs to read it (msgpack values); fixed when the split is planned,
            stop offsets included, so that a restarted run reads the same records.
    """

    id: str
    payload: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class KnownSplit:
    """A split of an earlier run of the job, as its last checkpoint has it."""

    split: Split
    position: Position
    ended: bool


@dataclass(frozen=True, slots=True)
class PlanContext:
    """What `Source.plan` may know.

    Attributes:
        parallelism: How many readers there will be.
        known: Splits of earlier runs by id; empty on a first start. A planned split with a known
            id goes on at its position, with the new payload.
    """

    parallelism: int = 1
    known: Mapping[str, KnownSplit] = field(default_factory=dict[str, KnownSplit])


def _ignore_count(name: str, n: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class ReaderContext:
    """What `Source.open` may know.

    Attributes:
        operator: Id of the source's operator, for messages.
        task: Index of this task, from 0.
        parallelism: Number of tasks.
        columnar: True where the next operator of the chain takes Arrow; a reader that can give
            Arrow batches or rows gives Arrow then, else rows.
        count: ``count(name, n)`` adds to a counter that `Job.status` shows, e.g. ``"tombstones"``.
        config: What `Stream.with_config` was given.
        fails: Whether what `reject` is given fails the job.
        rejected: Takes it otherwise; None only counts it as ``"skipped"``.
    """

    operator: str = "source"
    task: int = 0
    parallelism: int = 1
    columnar: bool = False
    count: Callable[[str, int], None] = _ignore_count
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    fails: bool = False
    rejected: Callable[[Rejected], None] | None = None

    def reject(self, record: Any, why: str, at: str = "") -> None:
        """Leave out a record that cannot be read, as the source's ``on_error`` says.

        Call it in `Reader.read`, before the position behind the record is returned: what becomes of the
        record is in the same checkpoint as that position.

        Args:
            record: What there is of it, mostly bytes.
            why: What is wrong with it.
            at: Where it is, e.g. ``"topic 'orders', partition 3, offset 17"``.

        Raises:
            Terminal: The policy is ``"fail"``.
        """
        rejected = Rejected(record, why, at)
        if self.fails:
            raise refusal("source", self.operator, rejected)
        if self.rejected is None:
            self.count("skipped", 1)
        else:
            self.rejected(rejected)


class Fetched(NamedTuple):
    """What one call of `Reader.read` brings.

    Attributes:
        split: Id of the split the records come from.
        batch: Consecutive records of that split; None when the call only brings a position (past
            records that were left out, say) or the end.
        position: Where to go on after the batch, as msgpack value.
        end: True when the split has no more records and never will have in this run.
    """

    split: str
    batch: Batch | None
    position: Position
    end: bool = False


class Reader(ABC, Generic[T_co]):
    """Reads the splits of one task. Made by `Source.open`; used by one thread only."""

    @abstractmethod
    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        """Take over splits, each to be read from its position (None: from its start).

        Called by the source thread of the worker before the first `read`, and again when splits
        are found later. Cheap; what blocks belongs into `read`.
        """

    @abstractmethod
    def read(self, limit: int, deadline: float) -> Fetched | None:
        """Return the next records of any split, as soon as there are some.

        Called by the source thread, again and again. May block until `deadline`, not longer.

        Args:
            limit: Return at most this many records (and not much more than 4 MB).
            deadline: `time.monotonic` seconds at which to give up and return None.

        Returns:
            Records of one split, or the end of one split, or None if there was nothing. After the
            end of a split it is not mentioned again.

        Raises:
            Retryable: The job restarts from its last checkpoint, a limited number of times.
            Terminal: The job fails.
        """

    def commit(self, positions: Mapping[str, Position]) -> None:
        """Tell the outside how far a completed checkpoint has come (for lag tools only).

        Called by the source thread after a checkpoint is complete; may be skipped. A failure
        here must be logged by the reader, not raised: positions live in the checkpoint.
        """

    def lag(self) -> int | None:
        """Return how many records are known to wait in the splits behind what `read` has returned.

        Called by the source thread after reads, and while the job has no room for more, about twice a second.
        Cheap and without a word over the network: what the outside has told last will do. Counts up to where
        the splits end in a bounded run; estimate where the outside counts in something else than records.
        What was returned and waits in the job is added by the runtime. Must not raise.

        Returns:
            The number; None (the default) if it is not known.
        """
        return None

    def close(self) -> None:
        """Release what was opened. Called once by the source thread; not after a hard kill."""


class Source(Options, ABC, Generic[T_co]):
    """A source: its options, inert until `plan` or `open` is called. Frozen and picklable."""

    columnar: ClassVar[bool] = False
    """Whether readers can give Arrow batches."""

    language: ClassVar[str] = "python"
    """Language that its work is done in; another than Python is asked to get it ready for a job."""

    parallel: ClassVar[bool] = True
    """Whether there can be several splits: else more than one task is refused."""

    replayable: ClassVar[bool] = True
    """Whether what lies behind a position can be read again. If not, a restart loses the records since
    the last checkpoint, and ``explain`` says so."""

    ordered: ClassVar[bool] = True
    """Whether a split gives its records in the same order each time. If not, ``explain`` says so."""

    @property
    @abstractmethod
    def bounded(self) -> bool:
        """Whether every split ends by itself."""

    @property
    def discovery_interval(self) -> float | None:
        """Seconds between two calls of `plan` while the job runs, which find new splits; None: none."""
        return None

    @classmethod
    def inspector(cls) -> type[Inspector] | None:
        """Return what ``raystreaming describe`` looks with at what there is to read; None: nothing can."""
        return None

    @abstractmethod
    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """List the splits to read. Deterministic for the same outside world; ids are stable.

        Called before a job's first start, at later starts of a finished or unbounded job (a killed
        bounded run keeps its splits), and every `discovery_interval` seconds while an unbounded job runs,
        in a thread of its own: new splits are read once a checkpoint has them. May block and use the network.

        Raises:
            Retryable: The outside does not answer. Raised to the caller of `submit`.
            Terminal: What is to be read does not exist or may not be read.
        """

    @abstractmethod
    def open(self, ctx: ReaderContext) -> Reader[T_co]:
        """Make the reader of one task. Called once per task and start, in its source thread."""


class RecordsSource(Source[T_co]):
    """First rung of the ladder: one split, one method. Set ``replayable = False`` if it ignores `position`.

    Example:
        >>> from raystreaming.connector import RecordsSource, option
        >>> class Countdown(RecordsSource[int]):
        ...     start: int = option(doc="First number.")
        ...     def records(self, position):
        ...         for n in range(self.start if position is None else position, 0, -1):
        ...             yield n - 1, n
    """

    parallel = False

    @property
    def bounded(self) -> bool:
        """True: the records end. Override for endless ones."""
        return True

    @abstractmethod
    def records(self, position: Position) -> Iterable[tuple[Position, T_co] | None]:
        """Yield ``(position after the record, record)`` from `position` (None: the start).

        Called once per start by the source thread; the iterable is pulled as the job consumes. One
        that may wait yields None before it does: what it has yielded goes on then, and the job can
        be stopped. Waiting longer than 0.1 s at a time holds up stopping.
        """

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """Return the one split."""
        return [Split("records")]

    def open(self, ctx: ReaderContext) -> Reader[T_co]:
        """Return a reader that pulls `records`."""
        return _RecordsReader(self)


class _RecordsReader(Reader[T_co]):
    def __init__(self, source: RecordsSource[T_co]) -> None:
        self._source = source
        self._waiting: deque[tuple[Split, Position]] = deque()
        self._current: Iterator[tuple[Position, T_co] | None] | None = None
        self._burst = 1
        self._split = ""
        self._position: Position = None

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        self._waiting.extend(splits)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        if self._current is None:
            if not self._waiting:
                time.sleep(max(0.0, deadline - time.monotonic()))
                return None
            split, self._position = self._waiting.popleft()
            self._split = split.id
            self._current = iter(self._source.records(self._position))
        values: list[Any] = []
        began = time.monotonic()
        give_up = min(deadline, began + 0.05)
        for entry in itertools.islice(self._current, min(limit, self._burst)):
            if entry is None:
                return Fetched(self._split, Batch(values), self._position) if values else None
            self._position, value = entry
            values.append(value)
            if time.monotonic() >= give_up:
                break
        if values:
            # Few at a time while records come slowly, so that none waits for the next.
            quick = time.monotonic() - began < 0.001 * len(values)
            self._burst = 2 * len(values) if quick else 1
            return Fetched(self._split, Batch(values), self._position)
        self._current = None
        return Fetched(self._split, None, self._position, end=True)
