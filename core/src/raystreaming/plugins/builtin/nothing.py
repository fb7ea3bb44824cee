"""A sink that drops what it gets."""

from __future__ import annotations

from typing import Any

from raystreaming.connector.sink import Sink, Writer, WriterContext
from raystreaming.records import Batch


class NothingSink(Sink[Any]):
    """Drops every record.

    Delivery: none. Parallelism: any. A restart repeats nothing that anybody sees.
    """

    columnar = True

    def open(self, state: bytes | None, ctx: WriterContext) -> Writer[Any]:
        """Return a writer that does nothing."""
        return _Nowhere()


class _Nowhere(Writer[Any]):
    def write(self, batch: Batch) -> None:
        pass
