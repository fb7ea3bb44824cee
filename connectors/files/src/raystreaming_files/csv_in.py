"""CSV files: a record is a row; its position is the byte at which it begins."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from raystreaming.connector import Position, Terminal
from raystreaming.records import Rows
from raystreaming_files.arrow import ArrowError, RecordBatch, Schema, pa, pv
from raystreaming_files.asked import Asked
from raystreaming_files.disk import Input
from raystreaming_files.lines import CHUNK_BYTES, BadLines, LineCursor
from raystreaming_files.typed_lines import batch_of_lines

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_ROW = 16 << 20


@dataclass(frozen=True, slots=True)
class Dialect:
    """How rows are written. The attributes are the options of the same names."""

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    header: bool = True
    nulls: tuple[str, ...] = ("",)
    newlines_in_values: bool = True


class CsvCursor(LineCursor):
    """Rows as dicts, or as Arrow batches where the next operator takes them.

    Without a schema the types are those of the values in the first `CHUNK_BYTES` of the file,
    the same ones wherever reading goes on.

    Args:
        input: The file.
        position: Where to begin.
        bad: What to do with rows that are not records.
        codec: Compression of the file.
        dialect: How rows are written.
        asked: What is to be made of its columns.
    """

    head_bytes = CHUNK_BYTES

    def __init__(
        self,
        input: Input,
        position: Position,
        bad: BadLines,
        codec: str | None,
        dialect: Dialect,
        asked: Asked,
    ) -> None:
        super().__init__(input, position, bad, codec)
        self._dialect = dialect
        self._asked = asked
        self._quote = (dialect.quote or "").encode()
        escape = re.escape(dialect.escape or "").encode()
        self._escaped = re.compile(escape + b".", re.DOTALL) if escape else None
        self._names: list[str] = []
        self._types: Schema = pa.schema([])
        self._open_row: bytes | None = None
        self._unclosed: bytes | None = None

    def begin(self, head: bytes) -> int:
        start = len(_BYTE_ORDER_MARK) if head.startswith(_BYTE_ORDER_MARK) else 0
        whole = len(head) < self.head_bytes
        lines = head[start:].split(b"\n")
        if not whole or not lines[-1]:
            lines.pop()
        rows, open_row = self._rows([], lines)
        if whole and open_row and not rows:  # Not even the header is closed.
            rows = [b"\n".join(open_row)]
        if self._dialect.header and rows:
            header = rows.pop(0)
            self._names = self._header(header)
            start += len(header) + 1
        elif self._dialect.header and not whole:
            raise Terminal(
                f"{self._path!r} has no header within its first {self.head_bytes} bytes ({self._bad.where}): "
                "give header=False if it has none, and check delimiter= and quote="
            )
        elif self._asked.schema is not None:
            self._names = [n for n in self._asked.schema.names if n not in self._asked.folders.names]
        elif rows:
            self._names = [f"f{i}" for i in range(len(self._split(rows[0])))]
        self._types = self._typed_columns(rows)
        return min(start, self._input.size) if self._codec is None else start

    def _header(self, line: bytes) -> list[str]:
        try:
            names = self._split(line)
        except (UnicodeDecodeError, csv.Error) as error:
            raise Terminal(
                f"the header of {self._path!r} is no row of text ({self._bad.where}): {error}; check that "
                "the file is CSV in UTF-8"
            ) from error
        if len(set(names)) < len(names):
            raise Terminal(
                f"the header of {self._path!r} has a name twice ({self._bad.where}): {names}; rename one, or "
                "give header=False and schema= if this is no header"
            )
        if self._asked.schema is None:
            self._asked.folders.check(self._asked.columns, names, self._input)
        return names

    def _split(self, line: bytes) -> list[str]:
        """Return the fields of one row as text."""
        dialect = self._dialect
        rows = csv.reader(
            [line.removesuffix(b"\r").decode()],
            delimiter=dialect.delimiter,
            quotechar=dialect.quote,
            escapechar=dialect.escape,
            quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        )
        return next(rows, [])

    def _typed_columns(self, sample: Sequence[bytes]) -> Schema:
        """Return name and type of the columns to take from the file."""
        schema, columns = self._asked.schema, self._asked.columns
        stored = [n for n in self._names if n not in self._asked.folders.names]
        if schema is not None:
            given = set(schema.names)
            return pa.schema([schema.field(n).with_nullable(True) for n in stored if n in given])
        wanted = [n for n in stored if columns is None or n in columns]
        if not wanted:  # The rows are counted by some column.
            return pa.schema([(n, pa.string()) for n in self._names[:1]])
        inferred: dict[str, Any] = {}
        if sample:
            try:
                table = self._table(sample, wanted, None, lambda row: "skip")
            except ArrowError:  # Not UTF-8 somewhere: the bad row is found when it is read.
                return pa.schema([(n, pa.string()) for n in wanted])
            inferred = {f.name: f.type for f in table.schema if f.type != pa.null()}
        return pa.schema([(n, inferred.get(n, pa.string())) for n in wanted])

    def _table(
        self,
        rows: Sequence[bytes],
        columns: list[str],
        types: Schema | None,
        invalid: Callable[[Any], str] | None = None,
    ) -> Any:
        """Return rows as a table."""
        dialect = self._dialect
        data = b"\n".join(rows) + b"\n"
        return pv.read_csv(
            io.BytesIO(data),
            read_options=pv.ReadOptions(
                use_threads=False, block_size=len(data) + 1, column_names=self._names
            ),
            parse_options=pv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                escape_char=dialect.escape or False,
                newlines_in_values=dialect.newlines_in_values,
                ignore_empty_lines=not self._single,
                invalid_row_handler=invalid,
            ),
            convert_options=pv.ConvertOptions(
                include_columns=columns,
                column_types=types,
                null_values=list(dialect.nulls),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    @property
    def _single(self) -> bool:
        """Whether there is one column: then an empty line is a missing value, else no record."""
        return len(self._names) == 1

    def join(self, lines: list[bytes], last: bool) -> list[bytes]:
        rows, parts = self._rows([self._open_row] if self._open_row is not None else [], lines)
        self._open_row = b"\n".join(parts) if parts else None
        if self._open_row is None:
            return rows
        if len(self._open_row) > _LONGEST_ROW:
            raise Terminal(
                f"a row of {self._path!r} is longer than {_LONGEST_ROW >> 20} MB ({self._bad.where}): a "
                "quote is not closed; repair the file, or give newlines_in_values=False if quotes stand alone"
            )
        if last:
            self._unclosed, self._open_row = self._open_row, None
            rows.append(self._unclosed)
        return rows

    def _rows(self, parts: list[bytes], lines: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Join lines where a newline is inside quotes: an odd number of quotes opens or closes.

        Args:
            parts: The beginning of a row that is open.
            lines: The lines that follow.
        """
        if not self._quote or not self._dialect.newlines_in_values:
            return lines, []
        if self._escaped is None:
            counts = list(map(bytes.count, lines, repeat(self._quote)))
        else:
            counts = [self._escaped.sub(b"", line).count(self._quote) for line in lines]
        if not parts and not any(counts):
            return lines, []
        rows: list[bytes] = []
        for line, count in zip(lines, counts, strict=True):
            if parts:
                parts.append(line)
                if count & 1:
                    rows.append(b"\n".join(parts))
                    parts = []
            elif count & 1:
                parts = [line]
            else:
                rows.append(line)
        return rows, parts

    def parse(self, lines: Sequence[bytes], offset: int) -> Rows:
        if lines[-1] is self._unclosed:  # Arrow would take it for a value.
            *lines, row = lines
            at = offset + sum(map(len, lines)) + len(lines)
            fix = "repair the row, or give newlines_in_values=False if quotes stand alone"
            self._bad.handle(self._path, at, row, "a quote is not closed before the file's end", fix)
        batch = batch_of_lines(lines, offset, self._types, self._parse, self._content, self._bad_row)
        return self._asked.rows(self._asked.select(batch))

    def _content(self, line: bytes) -> bytes | None:
        return line if self._single or line.strip(b"\r") else None

    def _parse(self, lines: Sequence[bytes]) -> RecordBatch | None:
        try:
            table = self._table(lines, self._types.names, self._types)
        except ArrowError:
            return None
        batches = table.combine_chunks().to_batches()
        return batches[0] if table.num_rows == len(lines) and len(batches) == 1 else None

    def _bad_row(self, offset: int, line: bytes) -> None:
        why = "it is more or less than one row"
        try:
            self._table([line], self._types.names, self._types)
        except ArrowError as error:
            why = str(error)
        source = "those of its first rows" if self._asked.schema is None else "those of schema="
        fix = f"repair the row, or correct the types, which are {source}"
        self._bad.handle(self._path, offset, line, why, fix)
