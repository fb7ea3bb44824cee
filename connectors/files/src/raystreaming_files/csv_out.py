"""CSV files being written."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import BinaryIO

from raystreaming.connector import Terminal
from raystreaming_files.arrow import ArrowError, RecordBatch, pa, pv
from raystreaming_files.codecs import SUFFIXES, output
from raystreaming_files.columns_out import ColumnFormat
from raystreaming_files.faults import shown_columns
from raystreaming_files.formats import FormatFile


class _CsvFile(FormatFile):
    def __init__(self, file: BinaryIO, codec: str | None, delimiter: str, header: bool, where: str) -> None:
        self._out = output(file, codec)
        self._delimiter = delimiter
        self._header = header
        self._where = where

    def write(self, chunks: Sequence[RecordBatch]) -> None:
        buffer = io.BytesIO()
        options = pv.WriteOptions(include_header=self._header, delimiter=self._delimiter)
        try:
            pv.write_csv(pa.Table.from_batches(chunks), buffer, options)
        except ArrowError as error:
            raise Terminal(
                f"cannot write records with the columns {shown_columns(chunks[0].schema)} as CSV "
                f"({self._where}): {error}; map lists and structs to text or numbers before the sink, or use "
                'format="jsonl"'
            ) from error
        self._out.write(buffer.getvalue())
        self._header = False

    def finish(self) -> None:
        self._out.finish()


class CsvFormat(ColumnFormat):
    """Rows; text stands in quotes, a missing value is nothing at all.

    Args:
        partition_by: Columns that become folders and are left out of the files.
        codec: Compression, None for none.
        delimiter: What separates values.
        header: Whether each file begins with the names of its columns.
        where: Id of the operator, for messages.
    """

    def __init__(
        self, partition_by: Sequence[str], codec: str | None, delimiter: str, header: bool, where: str
    ) -> None:
        super().__init__(partition_by, 1 << 17, where)
        self.suffix = ".csv" + SUFFIXES.get(codec or "", "")
        self._codec = codec
        self._delimiter = delimiter
        self._header = header

    def open(self, file: BinaryIO, first: RecordBatch) -> FormatFile:
        return _CsvFile(file, self._codec, self._delimiter, self._header, self._where)
