"""A function per record as a sink."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from raystreaming.connector.options import option
from raystreaming.connector.sink import WriterContext
from raystreaming.operators.function_state import open_with_state, saved_state
from raystreaming.operators.sink import RowSink, RowWriter
from raystreaming.operators.user_function import close_function, per_task


class FunctionSink(RowSink):
    """Calls a function with every record.

    Delivery: at least once. Parallelism: any; a function object with `open` is cloned per task. A
    restart repeats the records since the last checkpoint.
    """

    fn: Callable[..., Any] = option(kw_only=False, doc="Called with each record.")

    def open(self, state: bytes | None, ctx: WriterContext) -> RowWriter:
        """Return a writer that calls the function."""
        return _FunctionWriter(per_task(self.fn), ctx, state)


class _FunctionWriter(RowWriter):
    def __init__(self, fn: Callable[..., Any], ctx: WriterContext, state: bytes | None) -> None:
        super().__init__(fn)
        self._operator = ctx.operator
        open_with_state(fn, ctx, state)

    def snapshot(self) -> bytes | None:
        return saved_state(self.row_function, self._operator)

    def flush(self) -> None:
        flush = getattr(self.row_function, "flush", None)
        if flush is not None:
            flush()

    def close(self) -> None:
        close_function(self.row_function)
