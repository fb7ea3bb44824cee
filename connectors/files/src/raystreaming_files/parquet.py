"""Parquet files: a record is a row, as row of an Arrow batch or as dict."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from raystreaming.connector import Position, Terminal
from raystreaming.records import Rows
from raystreaming_files.arrow import Array, ArrowError, DataType, RecordBatch, Schema, pa, pq
from raystreaming_files.faults import os_fault
from raystreaming_files.reader import TARGET_BYTES, Cursor

END = [-1, 0]
"""The position after the last row."""

_DECODE_ROWS = 65_536


class ParquetCursor(Cursor):
    """Reads row group by row group; the position is ``[row group, row in it]``.

    Args:
        payload: The split's payload: ``path``, ``size`` and ``folders``, the values of the
            partition folders as ``[column, value, is integer]``.
        position: Where to begin.
        schema: Types of the columns; columns that the file lacks are null. None: the file's own.
        columns: The columns to keep; None for all.
        columnar: Give Arrow batches, else dicts.
        where: Id of the operator, for messages.
    """

    def __init__(
        self,
        payload: Mapping[str, Any],
        position: Position,
        schema: Schema | None,
        columns: Sequence[str] | None,
        columnar: bool,
        where: str,
    ) -> None:
        self._path: str = payload["path"]
        self._size: int = payload["size"]
        self._folders: list[tuple[str, Any, DataType]] = [
            (
                name,
                value if value is None or not integer else int(value),
                pa.int64() if integer else pa.string(),
            )
            for name, value, integer in payload["folders"]
        ]
        self._group, self._row = position or [0, 0]
        self._schema = schema
        self._columns = None if columns is None else list(columns)
        self._columnar = columnar
        self._where = where
        self._file: Any = None
        self._stream: Iterator[RecordBatch] | None = None
        self._pending: RecordBatch | None = None
        self._stored: list[str] = []

    def position(self) -> Position:
        return [self._group, self._row]

    def next(self, limit: int) -> tuple[Rows, Position] | None:
        try:
            pending = self._pending or self._decode()
        except OSError as error:
            raise os_fault("read", self._path, self._where, error) from error
        except ArrowError as error:
            raise self._damaged(error) from error
        if pending is None:
            return None
        count = min(limit, len(pending), _rows_for(pending))
        piece = pending.slice(0, count)
        self._pending = pending.slice(count) if count < len(pending) else None
        self._row += count
        rows: Rows = piece if self._columnar else piece.to_pylist()
        return rows, self.position()

    def _decode(self) -> RecordBatch | None:
        """Return the next decoded rows from the position on, or None at the end."""
        while self._group >= 0:
            file: Any = self._open() if self._file is None else self._file
            if self._group >= file.metadata.num_row_groups:
                break
            skip = 0
            stream = self._stream
            if stream is None:
                skip = self._row
                stream = self._stream = file.iter_batches(
                    _DECODE_ROWS, row_groups=[self._group], columns=self._stored
                )
            for batch in stream:
                if skip >= len(batch):
                    skip -= len(batch)
                else:
                    return self._shape(batch.slice(skip))
            self._stream = None
            self._group, self._row = self._group + 1, 0
        self._group, self._row = END
        return None

    def _open(self) -> Any:
        size = os.stat(self._path).st_size
        if size != self._size:
            raise Terminal(
                f"{self._path!r} has {size} bytes, {self._size} were planned ({self._where}): it was "
                "replaced "
                "while the job ran, so its positions no longer fit; put the file back, or start over with "
                "--fresh"
            )
        self._file = file = pq.ParquetFile(self._path, pre_buffer=True)
        names: list[str] = file.schema_arrow.names
        folders = {name for name, _, _ in self._folders}
        wanted = self._columns
        if wanted is None:
            wanted = names if self._schema is None else self._schema.names
        elif self._schema is None and (missing := [n for n in wanted if n not in folders and n not in names]):
            raise Terminal(
                f"{self._path!r} has no column {', '.join(map(repr, missing))} ({self._where}): it has "
                f"{', '.join(map(repr, [*names, *sorted(folders)]))}; correct columns=, or give schema= "
                "to read columns that some files lack as nulls"
            )
        self._stored = [n for n in names if n in set(wanted) and n not in folders]
        return file

    def _shape(self, batch: RecordBatch) -> RecordBatch:
        """Return `batch` with the columns of its folders, chosen, ordered and typed as asked for."""
        if not self._folders and self._schema is None and self._columns is None:
            return batch
        columns: dict[str, Array] = dict(zip(batch.schema.names, batch.columns, strict=True))
        for name, value, kind in self._folders:
            columns[name] = pa.array([value], kind).take(pa.nulls(len(batch), pa.int64()).fill_null(0))
        if self._schema is None:
            names = list(columns) if self._columns is None else self._columns
            return pa.RecordBatch.from_arrays([columns[n] for n in names], names=names)
        names = self._schema.names if self._columns is None else self._columns
        fields = [self._schema.field(n) for n in names]
        arrays = [
            columns[f.name].cast(f.type) if f.name in columns else pa.nulls(len(batch), f.type)
            for f in fields
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))

    def _damaged(self, error: Exception) -> Terminal:
        return Terminal(
            f"cannot read {self._path!r} as Parquet ({self._where}): {error}; check that the file is whole "
            "and "
            "Parquet (else give format=), and that its columns fit schema="
        )

    def close(self) -> None:
        self._stream = None
        self._pending = None
        if self._file is not None:
            self._file.close()
            self._file = None


def _rows_for(batch: RecordBatch) -> int:
    return max(1, int(TARGET_BYTES * len(batch) / max(1, batch.nbytes)))
