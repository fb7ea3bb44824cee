"""The end of a chain: hands batches to the writer of a sink."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from raystreaming.connector.operator import Operator, OperatorContext
from raystreaming.connector.sink import Prepared, Sink, TwoPhaseWriter, Writer, WriterContext
from raystreaming.errors import Retryable, add_note
from raystreaming.operators.guard import Attempts, Guard
from raystreaming.records import Batch, OpaqueColumn, readable_rows, rows_of

_NOTHING = Batch([])


class RowWriter(Writer[Any]):
    """A writer that is no more than a function of one record; the loop of the chain calls it."""

    def __init__(self, row_function: Callable[[Any], Any]) -> None:
        self.row_function = row_function

    def write(self, batch: Batch) -> None:
        """Call the function with every record."""
        for value in rows_of(batch.values):
            self.row_function(value)

    def snapshot(self) -> bytes | None:
        """Return the state for the next `Sink.open`."""
        return None


class RowSink(Sink[Any]):
    """A sink whose writers are `RowWriter`."""


class SinkOperator(Operator):
    """Writes every batch; yields nothing but an empty batch per input."""

    def __init__(self, sink: Sink[Any], writer_context: WriterContext) -> None:
        self._sink = sink
        self._context = writer_context
        self._state: bytes | None = None
        self._writer: Writer[Any] | None = None
        self.id = ""

    @property
    def takes_rows_one_by_one(self) -> bool:
        """Whether the sink may be a plain function of one record."""
        return isinstance(self._sink, RowSink)

    @property
    def row_function(self) -> Callable[[Any], Any] | None:
        """The function to call with every record instead of `process`, if there is one."""
        return self.writer.row_function if isinstance(self.writer, RowWriter) else None

    @property
    def writer(self) -> Writer[Any]:
        """The open writer."""
        assert self._writer is not None, "the sink is not open"
        return self._writer

    def restore(self, state: bytes) -> None:
        """Keep the writer's state for `open`."""
        self._state = state

    def open(self, ctx: OperatorContext) -> None:
        """Open the writer of this task."""
        self.id = ctx.operator
        rejected = None if self.guard is None or not self.guard.goes_on else self.guard.rejected
        context = replace(
            self._context,
            operator=ctx.operator,
            task=ctx.task,
            parallelism=ctx.parallelism,
            rejected=rejected,
        )
        with self._named():
            self._writer = self._sink.open(self._state, context)

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Write the batch, as rows unless the sink takes Arrow."""
        if len(batch):
            if not self._takes(batch):
                batch = Batch(rows_of(batch.values), batch.keys, batch.timestamps)
            if self.guard is None:
                with self._named():
                    self.writer.write(batch)
            else:
                yield from self._guarded(self.guard, batch)
        yield _NOTHING

    def _guarded(self, guard: Guard, batch: Batch) -> Iterator[Batch]:
        """Write the batch at once where the writer tells which records it cannot take, else one by one."""
        if self._sink.rejects:
            yield from self._whole(guard, batch)
            return
        for i, record in enumerate(readable_rows(batch.values)):
            for _ in Attempts(guard, partial(self._write, batch.slice(i, i + 1)), record):
                yield _NOTHING

    def _write(self, batch: Batch) -> None:
        with self._named():
            self.writer.write(batch)

    def _whole(self, guard: Guard, batch: Batch) -> Iterator[Batch]:
        for wait in guard.waits:
            try:
                self._write(batch)
                return
            except Retryable:
                if wait is None:
                    raise
                guard.count_retry()
            guard.pause(wait)
            yield _NOTHING

    def write_one(self, value: Any) -> None:
        """Write one record."""
        self._write(Batch([value]))

    def _takes(self, batch: Batch) -> bool:
        values = batch.values
        if isinstance(values, OpaqueColumn):
            return isinstance(values, self._sink.opaque)
        return self._sink.columnar or isinstance(values, list)

    def finish(self) -> Iterator[Batch]:
        """Tell the writer that the input has ended; nothing is left for others."""
        with self._named():
            self.writer.finish()
        return iter(())

    def prepare(self, epoch: int) -> Prepared:
        """Flush, or get the epoch's output ready to be committed."""
        writer = self.writer
        with self._named():
            if isinstance(writer, TwoPhaseWriter):
                return writer.prepare(epoch)
            writer.flush()
        return None

    @contextmanager
    def _named(self) -> Generator[None, None, None]:
        """Note on any error which sink it came from."""
        try:
            yield
        except Exception as error:
            add_note(error, f"in sink {self.id!r}")
            raise

    def snapshot(self) -> bytes | None:
        """Return the writer's state."""
        writer = self.writer
        return writer.snapshot() if isinstance(writer, TwoPhaseWriter | RowWriter) else None

    def close(self) -> None:
        """Close the writer."""
        if self._writer is not None:
            self._writer.close()
