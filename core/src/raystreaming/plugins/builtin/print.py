"""Standard output as a sink."""

from __future__ import annotations

import sys
from typing import Any

from raystreaming.connector.options import option
from raystreaming.connector.sink import Sink, Writer, WriterContext
from raystreaming.records import Batch, rows_of


class PrintSink(Sink[Any]):
    """Prints every record on a line of its own.

    Delivery: at least once. Parallelism: any; lines of several tasks mix. A restart repeats the
    records since the last checkpoint.
    """

    prefix: str = option(default="", doc="Put before every line.")

    def open(self, state: bytes | None, ctx: WriterContext) -> Writer[Any]:
        """Return a writer to standard output."""
        return _PrintWriter(self.prefix)


class _PrintWriter(Writer[Any]):
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def write(self, batch: Batch) -> None:
        prefix = self._prefix
        sys.stdout.write("".join([f"{prefix}{value}\n" for value in rows_of(batch.values)]))
        sys.stdout.flush()

    def flush(self) -> None:
        sys.stdout.flush()
