"""Arrow IPC files being written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from raystreaming_files.arrow import Field, RecordBatch, Schema, pa
from raystreaming_files.columns_out import ColumnFormat
from raystreaming_files.formats import FormatFile


def _plain(field: Field) -> Field:
    """Return a field without dictionary: a file takes one dictionary a column, batches have many."""
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


class _ArrowFile(FormatFile):
    def __init__(self, file: BinaryIO, schema: Schema, compression: str | None, batch_rows: int) -> None:
        self._schema = pa.schema([_plain(f) for f in schema])
        self._batch_rows = batch_rows
        options = pa.ipc.IpcWriteOptions(compression=compression)
        self._writer: Any = pa.ipc.new_file(file, self._schema, options=options)

    def write(self, chunks: Sequence[RecordBatch]) -> None:
        table = pa.Table.from_batches(chunks).cast(self._schema)
        if len(chunks) > 1:  # A reader is quick with few large batches.
            table = table.combine_chunks()
        self._writer.write_table(table, self._batch_rows)

    def finish(self) -> None:
        self._writer.close()


class ArrowFormat(ColumnFormat):
    """Record batches in the Arrow IPC file format (Feather version 2).

    Args:
        partition_by: Columns that become folders and are left out of the files.
        compression: ``"zstd"``, ``"lz4"`` or None.
        batch_rows: Most rows of a record batch.
        where: Id of the operator, for messages.
    """

    suffix = ".arrow"

    def __init__(
        self, partition_by: Sequence[str], compression: str | None, batch_rows: int, where: str
    ) -> None:
        super().__init__(partition_by, batch_rows, where)
        self._compression = compression

    def open(self, file: BinaryIO, first: RecordBatch) -> FormatFile:
        return _ArrowFile(file, first.schema, self._compression, self.flush_rows)
