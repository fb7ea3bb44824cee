"""Partitioners: which channel of an output edge each record takes."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from raystreaming.connector.operator import OperatorContext
from raystreaming.connector.partition import OpenPartition, PartitionFunction
from raystreaming.errors import OperatorError, shown_record
from raystreaming.graph import Choose, OutputEdge, Partitioning
from raystreaming.operators.guard import Guard
from raystreaming.operators.user_function import describe, failure
from raystreaming.records import Batch, OpaqueColumn, readable_rows, rows_of
from raystreaming.state import FieldKeys, KeyOwners


class Partitioner(ABC):
    """Splits a batch over the channels of an edge, keeping the order per channel."""

    def __init__(self, channels: Sequence[int]) -> None:
        self.channels = channels

    def open(self, ctx: OperatorContext) -> None:  # noqa: B027 - optional
        """Get ready; `ctx` is of the operator whose records are split."""

    def close(self) -> None:  # noqa: B027 - optional
        """Release what was opened."""

    @abstractmethod
    def split(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """Yield channel ids with what goes to each; never an empty batch."""

    def _dealt(self, batch: Batch, parts: Sequence[Any]) -> Iterator[tuple[int, Batch]]:
        """Yield the records at the indices of each part, for channel after channel."""
        for channel, indices in zip(self.channels, parts, strict=True):
            if len(indices) == len(batch):
                yield channel, batch
            elif len(indices):
                yield channel, batch.take(indices)


class Forward(Partitioner):
    """Everything to the one channel."""

    def split(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """Yield the batch once."""
        yield self.channels[0], batch


class Broadcast(Partitioner):
    """Everything to every channel."""

    def split(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """Yield the batch once per channel."""
        for channel in self.channels:
            yield channel, batch


class RoundRobin(Partitioner):
    """Record after record to channel after channel; also rescale, over nearby channels only."""

    def __init__(self, channels: Sequence[int], start: int = 0) -> None:
        super().__init__(channels)
        self._next = start % len(channels)

    def split(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """Yield every n-th record per channel."""
        n, size = len(self.channels), len(batch)
        for k in range(min(n, size)):
            target = (self._next + k) % n
            yield self.channels[target], batch if n == 1 else batch.take(range(k, size, n))
        self._next = (self._next + size) % n


class _ByTarget(Partitioner):
    """Partitioners that compute a channel index per record."""

    def split(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """Yield the records of each target."""
        buckets: list[list[int]] = [[] for _ in self.channels]
        for i, target in enumerate(self.targets(batch)):
            buckets[target].append(i)
        return self._dealt(batch, buckets)

    @abstractmethod
    def targets(self, batch: Batch) -> Iterable[int]:
        """Return the index of the channel of each record."""


class ByKey(_ByTarget):
    """Equal keys to one channel, by key group."""

    def __init__(self, channels: Sequence[int], operator: str, key_groups: int) -> None:
        super().__init__(channels)
        self._operator = operator
        self.owners = KeyOwners(key_groups, len(channels))

    def split(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """Yield the records of each target; keys of another language are looked up there."""
        if batch.target is not None:
            yield self.channels[batch.target], batch
            return
        if isinstance(batch.keys, FieldKeys):
            with self._named():
                parts = batch.keys.dealt(self.owners, len(self.channels))
            yield from self._dealt(batch, parts)
            return
        if not isinstance(batch.keys, OpaqueColumn):
            yield from super().split(batch)
            return
        parts = batch.keys.split(self.owners.groups, self.owners.owners, len(self.channels))
        yield from self._dealt(batch, parts)

    def targets(self, batch: Batch) -> Iterable[int]:
        """Look up the owners of the keys' groups."""
        assert batch.keys is not None, "the graph puts key edges behind key_by only"
        with self._named():
            return list(map(self.owners.__getitem__, batch.keys))

    @contextmanager
    def _named(self) -> Generator[None, None, None]:
        """Say of a key that cannot be one which operator made it."""
        try:
            yield
        except (TypeError, ValueError) as error:
            raise OperatorError(f"operator {self._operator!r}: {error}") from error


class Shuffle(_ByTarget):
    """Each record to a random channel; the generator enters with its seed."""

    def __init__(self, channels: Sequence[int], seed: int) -> None:
        super().__init__(channels)
        self._random = random.Random(seed)

    def targets(self, batch: Batch) -> Iterable[int]:
        """Draw the channels."""
        return self._random.choices(range(len(self.channels)), k=len(batch))


class Custom(Partitioner):
    """Each record to the channels a user function names."""

    def __init__(
        self, channels: Sequence[int], operator: str, choose: Choose, guard: Guard | None = None
    ) -> None:
        super().__init__(channels)
        self._operator = operator
        self._choose = choose
        self._guard = guard

    def split(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """Yield the records of each target; one that is named twice gets a record once."""
        buckets: list[list[int]] = [[] for _ in self.channels]
        for i, value in enumerate(rows_of(batch.values)):
            for target in self._targets(value):
                buckets[target].append(i)
        return self._dealt(batch, buckets)

    def _targets(self, value: Any) -> Iterable[int]:
        try:
            return self._checked(self._choose(value, len(self.channels)), value)
        except Exception as error:
            if self._guard is not None:
                self._guard.failed(self._choose, value, error)
                return ()
            if isinstance(error, OperatorError):
                raise
            raise failure(self._operator, self._choose, value, error) from error

    def _checked(self, chosen: object, value: Any) -> Iterable[int]:
        n = len(self.channels)
        targets: Sequence[object] = chosen if isinstance(chosen, list | tuple) else (chosen,)
        right = [target for target in targets if type(target) is int and 0 <= target < n]
        if not right or len(right) != len(targets):
            raise OperatorError(
                f"operator {self._operator!r}: the partition function {describe(self._choose)} returned "
                f"{shown_record(chosen, 80)}; it must return a task index from 0 to {n - 1}, or a list of "
                f"such\n"
                f"  record: {shown_record(value)}"
            )
        return dict.fromkeys(right)


class Foreign(Partitioner):
    """Each record to the channels that a function of whole batches names."""

    def __init__(
        self, channels: Sequence[int], function: PartitionFunction, guard: Guard | None = None
    ) -> None:
        super().__init__(channels)
        self._function = function
        self._guard = guard
        self._opened: OpenPartition | None = None

    def open(self, ctx: OperatorContext) -> None:
        """Have the function made."""
        self._opened = self._function.open(ctx)

    def split(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """Ask the function about the whole batch; under a policy, find the records that it cannot take."""
        assert self._opened is not None, "the task opens its partitioners"
        if self._guard is None:
            return self._dealt(batch, self._opened.split(batch, len(self.channels)))
        return self._guarded(self._opened, self._guard, batch)

    def _guarded(self, opened: OpenPartition, guard: Guard, batch: Batch) -> Iterator[tuple[int, Batch]]:
        if len(batch) == 1 or opened.may_ask_again:
            try:
                parts = opened.split(batch, len(self.channels))
            except Exception as error:
                if len(batch) == 1:
                    (record,) = readable_rows(batch.values)
                    guard.failed(None, record, error)
                    return
            else:
                yield from self._dealt(batch, parts)
                return
        half = len(batch) // 2
        yield from self._guarded(opened, guard, batch.slice(0, half))
        yield from self._guarded(opened, guard, batch.slice(half, len(batch)))

    def close(self) -> None:
        """Have the function closed, if it was made."""
        if self._opened is not None:
            self._opened.close()


def partitioner(
    edge: OutputEdge, operator: str, task: int, key_groups: int, guard: Guard | None = None
) -> Partitioner:
    """Make the partitioner of one output edge of one task.

    Args:
        edge: The edge.
        operator: Id of the operator whose records are split.
        task: Index of the task.
        key_groups: Number of key groups.
        guard: What becomes of records for which the user's function names no channel; None: the job fails.
    """
    match edge.partitioning:
        case Partitioning.FORWARD:
            return Forward(edge.channels)
        case Partitioning.BROADCAST:
            return Broadcast(edge.channels)
        case Partitioning.ROUND_ROBIN | Partitioning.RESCALE:
            return RoundRobin(edge.channels, start=task)
        case Partitioning.KEY:
            return ByKey(edge.channels, operator, key_groups)
        case Partitioning.SHUFFLE:
            return Shuffle(edge.channels, seed=task)
        case Partitioning.CUSTOM:
            assert edge.choose is not None, "custom partitioning has a function"
            if isinstance(edge.choose, PartitionFunction):
                return Foreign(edge.channels, edge.choose, guard)
            return Custom(edge.channels, operator, edge.choose, guard)
