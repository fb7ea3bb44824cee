"""Lines being written: text and JSON lines."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, BinaryIO

import orjson

from raystreaming.connector import Terminal
from raystreaming.records import Rows, rows_of
from raystreaming_files.codecs import SUFFIXES, output
from raystreaming_files.faults import shown
from raystreaming_files.formats import Format, FormatFile, Piece, Shaped, Shaper
from raystreaming_files.hive import folder_name


class RowsShaper(Shaper):
    """Takes records one by one; rows of Arrow batches become dicts."""

    def shape(self, values: Rows) -> Shaped:
        rows = rows_of(values)
        return Shaped(rows, len(rows), 0)


class _LinesFile(FormatFile):
    def __init__(self, file: BinaryIO, codec: str | None) -> None:
        self._out = output(file, codec)

    def write(self, chunks: Sequence[list[bytes]]) -> None:
        for chunk in chunks:
            self._out.write(b"".join(chunk))

    def finish(self) -> None:
        self._out.finish()

    def give_up(self) -> None:
        with contextlib.suppress(Exception):  # It may have failed before; the file is deleted.
            self._out.finish()


class _LinesFormat(Format):
    flush_rows = 1 << 20

    def __init__(self, suffix: str, codec: str | None, where: str) -> None:
        self.suffix = suffix + SUFFIXES.get(codec or "", "")
        self._codec = codec
        self._where = where

    def open(self, file: BinaryIO, first: Any) -> FormatFile:
        return _LinesFile(file, self._codec)

    def cut(self, chunk: list[bytes], rows: int) -> tuple[list[bytes], list[bytes]]:
        return chunk[:rows], chunk[rows:]

    def compact(self, chunks: Sequence[list[bytes]]) -> list[bytes]:
        return [line for chunk in chunks for line in chunk]


def _piece(folder: str, lines: list[bytes]) -> Piece:
    return Piece(folder, lines, len(lines), sum(map(len, lines)) + 48 * len(lines))


class TextFormat(_LinesFormat):
    """One ``str`` a line, as UTF-8."""

    def __init__(self, codec: str | None, where: str) -> None:
        super().__init__(".txt", codec, where)

    def group(self, shaped: Sequence[list[Any]]) -> Iterable[Piece]:
        for rows in shaped:
            try:
                joined = "\n".join(rows)
                if joined.count("\n") != len(rows) - 1:
                    raise ValueError
                lines = [line + b"\n" for line in joined.encode().split(b"\n")]
            except (TypeError, ValueError):
                raise self._fault(rows) from None
            yield _piece("", lines)

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

    def __init__(self, partition_by: Sequence[str], codec: str | None, where: str) -> None:
        super().__init__(".jsonl", codec, where)
        self._columns = tuple(partition_by)

    def group(self, shaped: Sequence[list[Any]]) -> Iterable[Piece]:
        for rows in shaped:
            if not self._columns:
                yield _piece("", self._encode(rows))
                continue
            for values, members in self._groups(rows).items():
                folder = "/".join(map(self._name, self._columns, values))
                yield _piece(folder, self._encode(members))

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
                    groups[(*values, *[v.__class__ is bool for v in values])].append(rest)
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

    def _encode(self, rows: list[Any]) -> list[bytes]:
        try:
            return list(map(orjson.dumps, rows, repeat(None), repeat(orjson.OPT_APPEND_NEWLINE)))
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
    return Terminal(
        f"cannot make a partition folder for {column!r} = {shown(value)} ({where}): the value {why}; "
        "map it to a short text before the sink"
    )
