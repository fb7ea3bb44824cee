"""A function per record as a sink."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from raystreaming.connector.options import option
from raystreaming.connector.sink import Sink, Writer, WriterContext
from raystreaming.operators.user_function import blame, per_task
from raystreaming.records import Batch, rows_of

T_contra = TypeVar("T_contra", contravariant=True)


class FunctionSink(Sink[T_contra]):
    """Calls a function with every record.

    Delivery: at least once. Parallelism: any; a function object with `open` is cloned per task. A
    restart repeats the records since the last checkpoint.
    """

    fn: Callable[..., Any] = option(kw_only=False, doc="Called with each record.")

    def open(self, state: bytes | None, ctx: WriterContext) -> Writer[T_contra]:
        """Return a writer that calls the function."""
        return _FunctionWriter(per_task(self.fn), ctx)


class _FunctionWriter(Writer[T_contra]):
    def __init__(self, fn: Callable[..., Any], ctx: WriterContext) -> None:
        self._fn = fn
        self._operator = ctx.operator
        if hasattr(fn, "open"):
            fn.open(ctx)

    def write(self, batch: Batch) -> None:
        values = rows_of(batch.values)
        it = iter(values)
        try:
            deque(map(self._fn, it), maxlen=0)  # consumes at C speed
        except Exception as error:
            blame(self._operator, self._fn, values, it, error)

    def flush(self) -> None:
        if hasattr(self._fn, "flush"):
            self._fn.flush()

    def close(self) -> None:
        if hasattr(self._fn, "close"):
            self._fn.close()
