"""Which cursor reads which format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from raystreaming.connector import Position, ReaderContext, Split
from raystreaming_files.arrow import Schema
from raystreaming_files.asked import Asked
from raystreaming_files.avro_in import AvroCursor
from raystreaming_files.csv_in import CsvCursor, Dialect
from raystreaming_files.disk import Disk, Input
from raystreaming_files.folders import Folders
from raystreaming_files.ipc import ArrowCursor
from raystreaming_files.jsonl import JsonCursor
from raystreaming_files.lines import BadLines
from raystreaming_files.parquet import ParquetCursor
from raystreaming_files.reader import Cursor
from raystreaming_files.text import TextColumnCursor, TextCursor

LINES = ("text", "jsonl", "csv")
"""The formats whose files are lines: they may be compressed, and grow."""


@dataclass(frozen=True, slots=True)
class Read:
    """What is to be read of each file; the attributes are those of `FilesSource` and `ReaderContext`."""

    format: str
    schema: Schema | None
    columns: Sequence[str] | None
    columnar: bool
    goes_on: bool
    dialect: Dialect


class CursorFactory:
    """Makes the cursors of one reader.

    Args:
        read: What is to be read.
        disk: Where the files are.
        codec: Returns the compression of a path.
        ctx: Who the reader is.
    """

    def __init__(
        self, read: Read, disk: Disk, codec: Callable[[str], str | None], ctx: ReaderContext
    ) -> None:
        self._read = read
        self._disk = disk
        self._codec = codec
        self._where = ctx.operator
        self._bad = BadLines(read.goes_on, ctx.reject, ctx.operator)

    def open(self, split: Split, position: Position) -> Cursor:
        """Return the cursor of a split; it opens the file when it is read."""
        read, payload = self._read, split.payload
        input = Input(self._disk, payload["path"], payload["size"], self._where)
        folders = Folders(payload.get("folders", ()))
        columns = None if read.columns is None else list(read.columns)
        asked = Asked(folders, read.schema, columns, read.columnar)
        if read.format == "parquet":
            return ParquetCursor(input, position, asked, payload.get("row_group"))
        if read.format == "arrow":
            return ArrowCursor(input, position, asked)
        if read.format == "avro":
            return AvroCursor(input, position, asked)
        codec = self._codec(input.path)
        if read.format == "text":
            cursor = TextColumnCursor if read.columnar else TextCursor
            return cursor(input, position, self._bad, codec)
        if read.format == "jsonl":
            return JsonCursor(input, position, self._bad, codec, asked)
        return CsvCursor(input, position, self._bad, codec, read.dialect, asked)
