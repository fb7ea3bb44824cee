"""Records that cannot be written are left out where the job goes on without them; neighbours are written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from raystreaming.connector import Terminal, WriterContext
from raystreaming.records import Batch, Rows, rows_of
from raystreaming_files.arrow import ArrowError, RecordBatch
from raystreaming_files.formats import Format, Shaped, Shaper


class Fitting:
    """Shapes the records of one task.

    Args:
        shaper: Turns records into what the format takes.
        format: The file format.
        ctx: Takes the records that cannot be written, where its policy is not to fail.
    """

    def __init__(self, shaper: Shaper, format: Format, ctx: WriterContext) -> None:
        self._shaper = shaper
        self._format = format
        self._ctx = ctx

    def shaped(self, values: Rows) -> Iterator[Shaped]:
        """Yield what of `values` can be written, in order.

        Raises:
            Terminal: A record cannot be written, and the job does not go on without it.
        """
        if self._ctx.rejected is None:
            yield self._shaper.shape(values)
        else:
            yield from self._fitting(values)

    def _fitting(self, values: Rows) -> Iterator[Shaped]:
        """Take the whole, else halves of it, so that each record that cannot be written is found."""
        before = self._shaper.schema
        try:
            shaped = self._shaper.shape(values)
            self._format.check(shaped.content)
        except (Terminal, ArrowError) as error:
            self._shaper.schema = before
            half = len(values) // 2
            if half:
                batch = Batch(values)
                yield from self._fitting(batch.slice(0, half).values)
                yield from self._fitting(batch.slice(half, len(batch)).values)
            else:
                self._ctx.reject(_record(values), str(error))
            return
        yield shaped


def _record(values: Rows) -> Any:
    """Return the only record; with texts where Python has no value (a date after the year 9999)."""
    try:
        return rows_of(values)[0]
    except (ValueError, OverflowError):
        batch: RecordBatch = values
        return {name: batch.column(name).to_string() for name in batch.schema.names}
