"""Side outputs: which records an edge takes at all."""

from __future__ import annotations

from collections.abc import Iterator

from raystreaming.connector.operator import OperatorContext
from raystreaming.engine.partition import Partitioner
from raystreaming.records import Batch, Tagged


class Sides(Partitioner):
    """Splits those records of a batch that are for one output; behind it is the edge's own partitioner.

    Args:
        behind: What spreads them.
        tag: The side output; None takes the records without a tag.
    """

    def __init__(self, behind: Partitioner, tag: str | None) -> None:
        super().__init__(behind.channels)
        self._behind = behind
        self._tag = tag

    def open(self, ctx: OperatorContext) -> None:
        """Get the partitioner behind ready."""
        self._behind.open(ctx)

    def close(self) -> None:
        """Close the partitioner behind."""
        self._behind.close()

    def split(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """Yield channels and records."""
        chosen = self._chosen(batch)
        if len(chosen):
            yield from self._behind.split(chosen)

    def _chosen(self, batch: Batch) -> Batch:
        values = batch.values
        if not isinstance(values, list):  # a tag is an object of Python
            return batch if self._tag is None else Batch([])
        if self._tag is None:
            plain = [i for i, value in enumerate(values) if type(value) is not Tagged]
            return batch if len(plain) == len(values) else batch.take(plain)
        mine = [i for i, v in enumerate(values) if type(v) is Tagged and v.tag == self._tag]
        taken = batch.take(mine)
        return Batch([tagged.value for tagged in taken.values], None, taken.timestamps)
