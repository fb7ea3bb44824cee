"""A function per record as a sink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raystreaming.connector.options import option
from raystreaming.connector.sink import WriterContext
from raystreaming.operators.sink import RowSink, RowWriter
from raystreaming.operators.user_function import per_task


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
        if hasattr(fn, "open"):
            fn.open(ctx)

    def flush(self) -> None:
        if hasattr(self.row_function, "flush"):
            self.row_function.flush()

    def close(self) -> None:
        if hasattr(self.row_function, "close"):
            self.row_function.close()
