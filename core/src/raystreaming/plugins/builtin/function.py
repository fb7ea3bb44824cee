"""A function per record as a sink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raystreaming.connector.options import option
from raystreaming.connector.sink import WriterContext
from raystreaming.operators.sink import RowSink, RowWriter
from raystreaming.operators.user_function import close_function, open_function, per_task


class FunctionSink(RowSink):
    """Calls a function with every record.

    Delivery: at least once. Parallelism: any; a function object with `open` is cloned per task. A
    restart repeats the records since the last checkpoint.
    """

    fn: Callable[..., Any] = option(kw_only=False, doc="Called with each record.")

    def open(self, state: bytes | None, ctx: WriterContext) -> RowWriter:
        """Return a writer that calls the function."""
        return _FunctionWriter(per_task(self.fn), ctx)


class _FunctionWriter(RowWriter):
    def __init__(self, fn: Callable[..., Any], ctx: WriterContext) -> None:
        super().__init__(fn)
        open_function(fn, ctx)

    def flush(self) -> None:
        flush = getattr(self.row_function, "flush", None)
        if flush is not None:
            flush()

    def close(self) -> None:
        close_function(self.row_function)
