"""Lines being written: text and JSON lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import orjson

from raystreaming.connector import Terminal
from raystreaming.errors import is_secret
from raystreaming.errors import shown_record as shown
from raystreaming.records import Rows, rows_of
from raystreaming_files.codecs import SUFFIXES, output
from raystreaming_files.formats import Format, FormatFile, Piece, Shaped, Shaper
from raystreaming_files.hive import folder_name

_AT_ONCE = 64
"""Rows to encode before their texts are joined. Each text takes 1 KB until then; where more than 128 KB
are freed at the end of the heap, the C library gives them back to the system, and getting them again
takes ten times as long as encoding (0.5 instead of 5 M rows/s)."""


def _some_at_a_time(rows: list[Any]) -> Iterator[list[Any]]:
    return (rows[i : i + _AT_ONCE] for i in range(0, len(rows), _AT_ONCE))


def _encoded(rows: list[Any]) -> bytes:
    return b"\n".join(map(orjson.dumps, rows))


class RowsShaper(Shaper):
    """Takes records one by one; rows of Arrow batches become dicts."""

    def shape(self, values: Rows) -> Shaped:
        rows = rows_of(values)
        return Shaped(rows, len(rows), 0)


class _Lines:
    """Some lines, each with its newline, in one piece: kept one by one they take much more memory."""

    __slots__ = ("data", "rows")

    def __init__(self, data: bytes, rows: int) -> None:
        self.data = data
        self.rows = rows

    def __len__(self) -> int:
        return self.rows


class _LinesFile(FormatFile):
    def __init__(self, file: BinaryIO, codec: str | None) -> None:
        self._out = output(file, codec)

    def write(self, chunks: Sequence[_Lines]) -> None:
        for chunk in chunks:
            self._out.write(chunk.data)

    def finish(self) -> None:
        self._out.finish()


class _LinesFormat(Format):
    flush_rows = 1 << 20

    def __init__(self, suffix: str, codec: str | None, where: str) -> None:
        self.suffix = suffix + SUFFIXES.get(codec or "", "")
        self._codec = codec
        self._where = where

    def open(self, file: BinaryIO, first: Any) -> FormatFile:
        return _LinesFile(file, self._codec)

    def cut(self, chunk: _Lines, rows: int) -> tuple[_Lines, _Lines]:
        *head, tail = chunk.data.split(b"\n", rows)
        return _Lines(b"\n".join([*head, b""]), rows), _Lines(tail, chunk.rows - rows)

    def pack(self, chunk: _Lines) -> bytes:
        return chunk.data

    def unpack(self, data: bytes, rows: int) -> _Lines:
        return _Lines(data, rows)

    def compact(self, chunks: Sequence[_Lines]) -> _Lines:
        return _Lines(b"".join(c.data for c in chunks), sum(map(len, chunks)))


def _piece(folder: str, data: bytes, rows: int) -> Piece:
    return Piece(folder, _Lines(data, rows), rows, len(data))


class TextFormat(_LinesFormat):
    """One ``str`` a line, as UTF-8."""

    packed = "text"

    def __init__(self, codec: str | None, where: str) -> None:
        super().__init__(".txt", codec, where)

    def group(self, shaped: Sequence[list[Any]]) -> Iterable[Piece]:
        for rows in shaped:
            try:
                joined = "\n".join(rows)
                if joined.count("\n") != len(rows) - 1:
                    raise ValueError
                data = joined.encode() + b"\n"
            except (TypeError, ValueError):
                raise self._fault(rows) from None
            yield _piece("", data, len(rows))

    def _fault(self, rows: list[Any]) -> Terminal:
        for row in rows:
            why = None
            if not isinstance(row, str):
                why = f"it is of type {type(row).__name__}, text files take str"
            elif "\n" in row:
                why = "it holds a newline, so it would be read back as several records"
            elif any("\ud800" <= c <= "\udfff" for c in row):
                why = "it is not valid Unicode"
            if why is not None:
                return Terminal(
                    f"cannot write the record {shown(row)} as a line of text ({self._where}): {why}; map it "
                    'to one line of text before the sink, or use format="jsonl"'
                )
        raise AssertionError("no bad record")


class JsonFormat(_LinesFormat):
    """One JSON value a line."""

    packed = "JSON lines"

    def __init__(self, partition_by: Sequence[str], codec: str | None, where: str) -> None:
        super().__init__(".jsonl", codec, where)
        self._columns = tuple(partition_by)

    def group(self, shaped: Sequence[list[Any]]) -> Iterable[Piece]:
        for rows in shaped:
            if not self._columns:
                yield _piece("", self._encode(rows), len(rows))
                continue
            for values, members in self._groups(rows).items():
                folder = "/".join(map(self._name, self._columns, values))
                yield _piece(folder, self._encode(members), len(members))

    def _groups(self, rows: list[Any]) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
        """Return the rows, without the columns of the folders, by the values of those."""
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
        columns = self._columns
        only = columns[0] if len(columns) == 1 else None
        for row in rows:
            try:
                rest = row.copy()
                if only is not None:
                    value = rest.pop(only)
                    groups[value, value.__class__ is bool].append(rest)  # True equals 1.
                else:
                    values = [rest.pop(column) for column in columns]
                    key = (*values, *[v.__class__ is bool for v in values])
                    groups[key].append(rest)
            except (AttributeError, KeyError, TypeError) as error:
                raise self._ungrouped(row) from error
        return groups

    def _ungrouped(self, row: Any) -> Terminal:
        if not isinstance(row, dict):
            return not_a_row(row, self._where)
        for column in self._columns:
            if column not in row:
                return no_partition_column(column, row, self._where)
        column = next((c for c in self._columns if not _is_hashable(row[c])), self._columns[0])
        kind = type(row[column]).__name__
        return bad_partition_value(column, row[column], f"is of type {kind}", self._where)

    def _name(self, column: str, value: Any) -> str:
        try:
            return folder_name(column, value)
        except ValueError as error:
            raise bad_partition_value(column, value, error, self._where) from error

    def _encode(self, rows: list[Any]) -> bytes:
        try:
            return b"\n".join([*map(_encoded, _some_at_a_time(rows)), b""])
        except orjson.JSONEncodeError:
            for row in rows:
                try:
                    orjson.dumps(row)
                except orjson.JSONEncodeError as error:
                    raise Terminal(
                        f"cannot write the record {shown(row)} as JSON ({self._where}): {error}; map it to "
                        "JSON's types before the sink"
                    ) from error
            raise


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def not_a_row(row: Any, where: str) -> Terminal:
    """Return the error for a record without columns."""
    return Terminal(
        f"cannot write the record {shown(row)} ({where}): it is of type {type(row).__name__} and has no "
        "columns; "
        "map it to a dict before the sink"
    )


def no_partition_column(column: str, row: Any, where: str) -> Terminal:
    """Return the error for a record that lacks a column of ``partition_by``."""
    return Terminal(
        f"cannot write the record {shown(row)} ({where}): it has no column {column!r}, which partition_by "
        "names; "
        "correct partition_by=, or set the column before the sink (None is a value)"
    )


def bad_partition_value(column: str, value: Any, why: object, where: str) -> Terminal:
    """Return the error for a value that cannot name a folder."""
    its = "***" if is_secret(column) else shown(value)
    return Terminal(
        f"cannot make a partition folder for {column!r} = {its} ({where}): the value {why}; "
        "map it to a short text before the sink"
    )
