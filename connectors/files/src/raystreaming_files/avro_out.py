"""Avro files being written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from raystreaming.connector import Terminal
from raystreaming_files.arrow import RecordBatch, Schema
from raystreaming_files.avro_schema import needs_fastavro, to_avro
from raystreaming_files.columns_out import ColumnFormat
from raystreaming_files.faults import shown_columns
from raystreaming_files.formats import FormatFile

CODECS = {"none": "null", "deflate": "deflate", "bz2": "bzip2"}
"""Avro's names of the codecs that need no other package."""


class _AvroFile(FormatFile):
    def __init__(
        self, new_writer: Callable[..., Any], file: BinaryIO, schema: Schema, codec: str, where: str
    ) -> None:
        self._where = where
        self._schema = to_avro(schema, where)
        self._writer = new_writer(file, self._schema, codec=codec)

    def write(self, chunks: Sequence[RecordBatch]) -> None:
        for chunk in chunks:
            try:
                for row in chunk.to_pylist():
                    self._writer.write(row)
            except (ValueError, TypeError, OverflowError) as error:
                raise Terminal(
                    f"cannot write records with the columns {shown_columns(chunk.schema)} as Avro "
                    f"({self._where}): {error}; map the value to what Avro's type holds before the sink"
                ) from error

    def finish(self) -> None:
        self._writer.flush()


class AvroFormat(ColumnFormat):
    """Records with the Avro schema that their Arrow schema stands for.

    Args:
        partition_by: Columns that become folders and are left out of the files.
        codec: Avro's name of the codec.
        where: Id of the operator, for messages.
    """

    suffix = ".avro"
    tried_rows = None

    def __init__(self, partition_by: Sequence[str], codec: str, where: str) -> None:
        super().__init__(partition_by, 1 << 16, where)
        with needs_fastavro():
            from fastavro.write import Writer
        self._new_writer: Callable[..., Any] = Writer
        self._codec = codec

    def open(self, file: BinaryIO, first: RecordBatch) -> FormatFile:
        return _AvroFile(self._new_writer, file, first.schema, self._codec, self._where)
