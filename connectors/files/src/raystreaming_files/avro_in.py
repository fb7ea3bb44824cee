"""Avro files: a block is a block of the file, a record a dict or a row of an Arrow batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from raystreaming.connector import Position, Terminal
from raystreaming.records import Rows
from raystreaming_files.arrow import ArrowError, Schema, pa
from raystreaming_files.asked import Asked
from raystreaming_files.avro_schema import needs_fastavro, to_arrow
from raystreaming_files.disk import Input
from raystreaming_files.tables import END, BlockCursor

_MOST_ROWS = 10_000


class AvroCursor(BlockCursor):
    """Blocks that fastavro reads."""

    def __init__(self, input: Input, position: Position, asked: Asked) -> None:
        super().__init__(input, position, asked)
        self._added = asked.folders.row()
        self._raw: BinaryIO | None = None
        self._blocks: Iterator[Any] = iter(())
        self._types: Schema | None = None
        self._records: list[Any] = []

    def next(self, limit: int) -> tuple[Rows, Position] | None:
        try:
            if not self._fill():
                return None
            records = self._records[self._row : self._row + min(limit, _MOST_ROWS)]
            rows = self._shaped(records)
        except Terminal:
            raise
        except OSError as error:
            raise self._input.fault(error) from error
        except Exception as error:  # fastavro raises whatever a damaged byte leads to.
            raise Terminal(
                f"cannot read {self._input.path!r} as Avro ({self._input.where}), block {self._block}: "
                f"{type(error).__name__}: {error}; check that the file is whole and Avro (else give "
                "format=), and that its columns fit schema="
            ) from error
        self._row += len(records)
        return rows, self.position()

    def _fill(self) -> bool:
        """Have a block with records left; False at the end."""
        if self._block < 0:
            return False
        if self._raw is None:
            self._open()
        while self._row >= len(self._records):
            if self._records:
                self._block, self._row = self._block + 1, 0
            block = next(self._blocks, None)
            if block is None:
                self._block, self._row = END
                return False
            self._records = list(block)
            if not self._records:  # Counts as a block, too.
                self._block += 1
        return True

    def _open(self) -> None:
        with needs_fastavro():
            import fastavro
        self._raw = self._input.open_unchanged()
        reader: Any = fastavro.block_reader(self._raw)
        # Blocks that have been read are left out undecoded.
        self._blocks = islice(reader, self._block, None)
        self._types = to_arrow(reader.writer_schema)
        if self._types is not None and self._asked.schema is None:
            self._asked.folders.check(self._asked.columns, self._types.names, self._input)

    def _shaped(self, records: list[Any]) -> Rows:
        asked = self._asked
        types = self._types if asked.schema is None else self._stored(asked.schema)
        if types is not None and (asked.columnar or asked.schema is not None):
            try:
                batch = pa.RecordBatch.from_pylist(records, types)
            except (ArrowError, OverflowError) as error:
                raise self._misfit(error) from error
            return asked.rows(asked.select(batch))
        if self._added:
            records = [{**record, **self._added} for record in records]
        if asked.columns is not None:
            names = asked.columns
            records = [{name: record.get(name) for name in names} for record in records]
        return records

    def _stored(self, schema: Schema) -> Schema:
        return pa.schema([f.with_nullable(True) for f in schema if f.name not in self._asked.folders.names])

    def _misfit(self, error: Exception) -> Terminal:
        return Terminal(
            f"a record of {self._input.path!r} does not fit ({self._input.where}), block {self._block}: "
            f"{error}; correct schema="
        )

    def close(self) -> None:
        self._records = []
        self._blocks = iter(())
        if self._raw is not None:
            self._raw.close()
            self._raw = None
