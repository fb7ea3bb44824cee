"""Parquet files being written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from raystreaming_files.arrow import RecordBatch, Schema, pa, pq
from raystreaming_files.columns_out import SMALL, ColumnFormat
from raystreaming_files.formats import FormatFile


class _ParquetFile(FormatFile):
    def __init__(self, file: BinaryIO, schema: Schema, compression: str, row_group_rows: int) -> None:
        self._schema = schema
        self._row_group_rows = row_group_rows
        self._writer: Any = pq.ParquetWriter(file, schema, compression=compression)

    def write(self, chunks: Sequence[RecordBatch]) -> None:
        table = pa.Table.from_batches(chunks, self._schema)
        if len(chunks) > 1 and len(table) < SMALL * len(chunks):
            table = table.combine_chunks()
        self._writer.write_table(table, row_group_size=self._row_group_rows)

    def finish(self) -> None:
        self._writer.close()

    def give_up(self) -> None:
        super().give_up()
        self._writer.is_open = False  # Else it tries again when it is collected.


class ParquetFormat(ColumnFormat):
    """Row groups of Arrow batches.

    Args:
        partition_by: Columns that become folders and are left out of the files.
        compression: Codec of all columns.
        row_group_rows: Rows of a row group.
        where: Id of the operator, for messages.
    """

    suffix = ".parquet"

    def __init__(
        self, partition_by: Sequence[str], compression: str, row_group_rows: int, where: str
    ) -> None:
        super().__init__(partition_by, row_group_rows, where)
        self._compression = compression

    def open(self, file: BinaryIO, first: RecordBatch) -> FormatFile:
        return _ParquetFile(file, first.schema, self._compression, self.flush_rows)
