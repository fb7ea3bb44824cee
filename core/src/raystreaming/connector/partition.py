"""`PartitionFunction`: what chooses the tasks for whole batches, e.g. in another language than Python."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from raystreaming.connector.operator import OperatorContext
from raystreaming.records import Batch


class OpenPartition(ABC):
    """A partition function of one task."""

    may_ask_again = False
    """Whether records may be given to it twice. If not, an error policy has it asked record by record."""

    @abstractmethod
    def split(self, batch: Batch, tasks: int) -> Sequence[Any]:
        """Return for each task what `Batch.take` takes: the indices of its records, each once.

        Raises:
            OperatorError: The function raised, or named a task that there is not; with the record.
        """

    @abstractmethod
    def close(self) -> None:
        """Release what was opened. Called once; not after a hard kill."""


class PartitionFunction(ABC):
    """A partition function of whole batches, inert: it travels to the workers that open it."""

    @abstractmethod
    def problems(self, operator: str) -> Iterable[str]:
        """Return what is wrong with it, as far as can be known before the job starts.

        Args:
            operator: Id of the operator whose records it spreads.
        """

    @abstractmethod
    def open(self, ctx: OperatorContext) -> OpenPartition:
        """Make the function of one task, in the task's thread; `ctx` is of the sending operator."""
