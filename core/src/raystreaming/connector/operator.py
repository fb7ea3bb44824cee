"""Operators: transformers of batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from raystreaming.records import Batch


class PieceLimit:
    """How many records one piece of work may have; the worker adapts it to about 20 ms.

    Attributes:
        records: The limit for lists.
        rows: The limit for Arrow batches.
    """

    __slots__ = ("records", "rows")

    def __init__(self, records: int = 16) -> None:
        self.records = records
        self.rows = records


@dataclass(frozen=True, slots=True)
class OperatorContext:
    """What `Operator.open` may know.

    Attributes:
        operator: Id of the operator, for messages.
        task: Index of this task, from 0.
        parallelism: Number of tasks.
        piece: Limit that an operator which expands its input obeys.
        config: What `Stream.with_config` was given.
    """

    operator: str
    task: int
    parallelism: int
    piece: PieceLimit
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Operator(ABC):
    """One operator of one task. Made, used and closed by the task's thread only."""

    guard: Any = None
    """The engine's: what becomes of records that the operator cannot take, where the program has said so."""

    def open(self, ctx: OperatorContext) -> None:  # noqa: B027 - optional
        """Get ready. Called once, after `restore` where there is something to restore."""

    @abstractmethod
    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield what `batch` becomes, piece by piece.

        Called once per batch; the iterator is pulled to its end before the next call, other
        tasks may run in between. An operator that expands yields no piece longer than the piece
        limit. Never changes `batch`. The engine's own operators yield at least once per call (an
        empty batch if there is nothing), so that a long input is left in between; for those of an
        `OperatorFactory` the engine does it.
        """

    def finish(self) -> Iterator[Batch]:
        """Yield what is left when the input has ended, and forget it.

        Called after the last `process` of a run; a later run of the job, with more input, ends anew.
        """
        return iter(())

    def snapshot(self) -> bytes | None:
        """Return the operator's state. Called at every barrier."""
        return None

    def restore(self, state: bytes) -> None:
        """Take back what `snapshot` returned. Called at most once, before `open`."""
        raise NotImplementedError(f"{type(self).__name__} has no state to restore")

    def close(self) -> None:  # noqa: B027 - optional
        """Release what was opened. Called once; not after a hard kill."""


class FusedOperator(Operator):
    """An operator that works together with its neighbours: a run of them in a chain is one stage.

    The task opens, snapshots and closes each of them; records go through the stage only. One with a `guard`
    has a stage of its own, which asks it what becomes of records that fail.
    """

    family: ClassVar[str]
    """Neighbours of one family are fused."""

    @classmethod
    @abstractmethod
    def stage(cls, operators: Sequence[Operator]) -> Operator:
        """Return the operator that takes batches through all of `operators`, at least one, in order."""

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Never called: the stage does the work."""
        raise AssertionError("a fused operator runs inside its stage")
