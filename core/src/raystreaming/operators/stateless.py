"""Operators without state that pass batches on: union."""

from __future__ import annotations

from collections.abc import Iterator

from raystreaming.connector.operator import Operator
from raystreaming.records import Batch


class Union(Operator):
    """Passes records of all inputs on."""

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield the batch as it is."""
        yield batch
