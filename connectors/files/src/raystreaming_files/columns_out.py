"""Arrow batches being written: grouped by folder."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from raystreaming_files.arrow import Array, RecordBatch, pa, pc
from raystreaming_files.formats import Format, Piece
from raystreaming_files.hive import folder_name
from raystreaming_files.lines_out import bad_partition_value

_GATHER_ROWS = 65_536
SMALL = 4_096
"""Batches of fewer rows are worth joining."""


class ColumnFormat(Format):
    """What the formats share that take Arrow batches.

    Args:
        partition_by: Columns that become folders and are left out of the files.
        flush_rows: Rows that are written at once.
        where: Id of the operator, for messages.
    """

    gather_rows = _GATHER_ROWS
    packed = "columns"

    def __init__(self, partition_by: Sequence[str], flush_rows: int, where: str) -> None:
        self._columns = list(partition_by)
        self.flush_rows = flush_rows
        self._where = where

    def cut(self, chunk: RecordBatch, rows: int) -> tuple[RecordBatch, RecordBatch]:
        return chunk.slice(0, rows), chunk.slice(rows)

    tried_rows: int | None = 1
    """How many records tell whether a batch can be written: one where only types matter. None: all."""

    def check(self, content: RecordBatch) -> None:
        if self._columns:
            self._codes(content)
        rest = content.drop_columns(self._columns).slice(0, self.tried_rows)
        file = self.open(io.BytesIO(), rest)
        try:
            file.write([rest])
        finally:
            file.give_up()

    def pack(self, chunk: RecordBatch) -> bytes:
        out = pa.BufferOutputStream()
        with pa.ipc.new_stream(out, chunk.schema) as stream:
            stream.write_batch(chunk)
        data: bytes = out.getvalue().to_pybytes()
        return data

    def unpack(self, data: bytes, rows: int) -> RecordBatch:
        return pa.ipc.open_stream(data).read_next_batch()

    def compact(self, chunks: Sequence[RecordBatch]) -> RecordBatch:
        if len(chunks) == 1:  # Concatenating one batch would not copy it.
            return chunks[0].take(pa.array(range(len(chunks[0])), pa.int64()))
        return pa.concat_batches(chunks)

    def group(self, shaped: Sequence[RecordBatch]) -> Iterable[Piece]:
        whole = self._concatenated(shaped)
        if not self._columns:
            return [Piece("", batch, len(batch), batch.nbytes) for batch in whole]
        return [piece for batch in whole for piece in self._partitioned(batch)]

    def _concatenated(self, batches: Sequence[RecordBatch]) -> Sequence[RecordBatch]:
        """Join batches if there are many small ones; a schema change never lies in between."""
        if len(batches) == 1 or (not self._columns and sum(map(len, batches)) >= SMALL * len(batches)):
            return batches
        return [pa.concat_batches(batches)]

    def _partitioned(self, batch: RecordBatch) -> Iterable[Piece]:
        # Sorting by the code of the value beats a filter per value from 16 values on, and by far
        # at 1,000 (25 against 1.4 M rows/s); at 5 values both do 50 M rows/s.
        codes, folders = self._codes(batch)
        rest = batch.drop_columns(self._columns)
        size = rest.nbytes
        total = len(rest)
        if len(folders) == 1:
            yield Piece(folders[0], rest, total, size)
            return
        ordered = rest.take(pc.array_sort_indices(codes))
        counted = pc.value_counts(codes)
        counts = dict(zip(counted.field(0).to_pylist(), counted.field(1).to_pylist(), strict=True))
        start = 0
        for code in sorted(counts):
            rows: int = counts[code]
            yield Piece(folders[code], ordered.slice(start, rows), rows, size * rows // total)
            start += rows

    def _codes(self, batch: RecordBatch) -> tuple[Array, list[str]]:
        """Return a code for each row, and the folder of each code."""
        codes: Array | None = None
        folders = [""]
        for column in self._columns:
            array = batch.column(column)
            if pa.types.is_dictionary(array.type):
                array = array.cast(array.type.value_type)
            if pa.types.is_nested(array.type):
                raise bad_partition_value(column, array[0].as_py(), f"is of type {array.type}", self._where)
            encoded = array.dictionary_encode(null_encoding="encode")
            names = [self._name(column, value) for value in encoded.dictionary.to_pylist()]
            if codes is None:
                codes, folders = encoded.indices, names
                continue
            # Combine both codes, then number the combinations that there are.
            combined = pc.add(
                pc.multiply(codes.cast(pa.int64()), len(names)), encoded.indices.cast(pa.int64())
            ).dictionary_encode()
            pairs = [divmod(c, len(names)) for c in combined.dictionary.to_pylist()]
            folders = [f"{folders[first]}/{names[second]}" for first, second in pairs]
            codes = combined.indices
        assert codes is not None
        return codes, folders

    def _name(self, column: str, value: Any) -> str:
        try:
            return folder_name(column, value)
        except ValueError as error:
            raise bad_partition_value(column, value, error, self._where) from error
