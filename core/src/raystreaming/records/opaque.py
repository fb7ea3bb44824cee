"""`OpaqueColumn`: a column that another language or Arrow holds, which the engine moves as it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any


class OpaqueColumn(ABC):
    """A column of a batch whose elements are no Python objects, until Python asks for them.

    It pickles, to travel to another worker; what it reads from there it may unpack when it is used.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of elements."""

    @abstractmethod
    def slice(self, start: int, length: int) -> OpaqueColumn:
        """Return `length` elements from `start` on, or as many as there are."""

    @abstractmethod
    def take(self, indices: Any) -> OpaqueColumn:
        """Return the elements at some indices: a sequence of numbers, or what `split` yields."""

    @abstractmethod
    def to_pylist(self) -> list[Any]:
        """Return the elements as Python objects.

        Raises:
            TransferError: One has no form that Python knows; names it.
        """

    def readable(self) -> list[Any]:
        """Return the elements as people are shown them: as Python objects, or as text if there are none."""
        return self.to_pylist()

    @abstractmethod
    def split(self, key_groups: int, owners: Sequence[int], parts: int) -> Sequence[Any]:
        """Sort the indices of a column of keys by who owns their group, as the key partitioner does.

        Args:
            key_groups: Number of key groups.
            owners: The owner of each group.
            parts: Number of owners.

        Returns:
            For each owner something that `take` takes, of the right length.
        """

    def detached(self) -> OpaqueColumn:
        """Return what has to travel where the Arrow batch beside it does; `attached` makes it whole."""
        return self

    def attached(self, values: Any) -> OpaqueColumn:
        """Return the column that was `detached`, beside the same Arrow batch again."""
        return self

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the elements as Python objects."""
        return iter(self.to_pylist())
