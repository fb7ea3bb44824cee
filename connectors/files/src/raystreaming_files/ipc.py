"""Arrow IPC files and streams: a block is a record batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from raystreaming_files.arrow import ArrowError, RecordBatch, pa
from raystreaming_files.tables import TableCursor

_FILE_MAGIC = b"ARROW1"


class ArrowCursor(TableCursor):
    """Reads record batches as they lie in the file.

    The file format (``.arrow``, Feather version 2) is read from any batch on; a stream
    (``.arrows``) has no index, so a restart reads it from its start and leaves out what was read.
    """

    format = "Arrow"
    _reader: Any = None
    _indexed = False
    _next = 0

    def open_file(self) -> list[str]:
        self._indexed = self._raw.read(len(_FILE_MAGIC)) == _FILE_MAGIC
        self._raw.seek(0)
        self._reader = (pa.ipc.open_file if self._indexed else pa.ipc.open_stream)(self._raw)
        names: list[str] = self._reader.schema.names
        if len(set(names)) < len(names):
            raise ArrowError(f"a name comes twice among its columns {names}")
        return names

    def read_block(self, block: int, columns: list[str]) -> Iterator[RecordBatch] | None:
        batch = self._batch(block)
        return None if batch is None else iter((batch.select(columns),))

    def _batch(self, block: int) -> RecordBatch | None:
        if self._indexed:
            return self._reader.get_batch(block) if block < self._reader.num_record_batches else None
        try:
            while self._next < block:
                self._reader.read_next_batch()
                self._next += 1
            self._next += 1
            return self._reader.read_next_batch()
        except StopIteration:
            return None

    def close(self) -> None:
        super().close()
        self._reader = None
