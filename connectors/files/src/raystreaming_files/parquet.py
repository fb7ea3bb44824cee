"""Parquet files: a block is a row group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from raystreaming.connector import Position
from raystreaming_files.arrow import RecordBatch, pq
from raystreaming_files.asked import Asked
from raystreaming_files.disk import Input
from raystreaming_files.tables import TableCursor

_DECODE_ROWS = 65_536


class ParquetCursor(TableCursor):
    """Decodes a row group piece by piece; all row groups, or only that of `row_group`."""

    format = "Parquet"

    def __init__(self, input: Input, position: Position, asked: Asked, row_group: int | None = None) -> None:
        start = position if position or row_group is None else [row_group, 0]
        super().__init__(input, start, asked)
        self.last_block = row_group
        self._file: Any = None

    def open_file(self) -> list[str]:
        self._file = pq.ParquetFile(self._raw, pre_buffer=True)
        names: list[str] = self._file.schema_arrow.names
        return names

    def read_block(self, block: int, columns: list[str]) -> Iterator[RecordBatch] | None:
        if block >= self._file.metadata.num_row_groups:
            return None
        stream: Iterator[RecordBatch] = self._file.iter_batches(
            _DECODE_ROWS, row_groups=[block], columns=columns
        )
        return stream

    def close(self) -> None:
        super().close()
        self._file = None


def count_row_groups(input: Input) -> int:
    """Return how many row groups a file has."""
    with input.open_arrow() as raw:
        groups: int = pq.read_metadata(raw).num_row_groups
    return groups
