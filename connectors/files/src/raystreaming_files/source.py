"""`FilesSource`: its options, and which files a job reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from raystreaming.connector import (
    ErrorPolicy,
    KnownSplit,
    OptionError,
    PlanContext,
    Position,
    Reader,
    ReaderContext,
    Source,
    Split,
    Terminal,
    option,
)
from raystreaming.connector.on_error import goes_on
from raystreaming.units import seconds
from raystreaming_files.arrow import Schema, pa
from raystreaming_files.discover import Found, find_files
from raystreaming_files.hive import is_integer_column, parse_folders
from raystreaming_files.jsonl import JsonCursor
from raystreaming_files.lines import BadLines
from raystreaming_files.parquet import ParquetCursor
from raystreaming_files.paths import check_path, local_path
from raystreaming_files.reader import Cursor, FilesReader
from raystreaming_files.text import TextCursor


def _check_columns(columns: Sequence[str]) -> str | None:
    if not columns:
        return "must name at least one column (leave it out to read all)"
    return "names a column twice" if len(set(columns)) < len(columns) else None


class FilesSource(Source[Any]):
    r"""Read Parquet, JSON-lines or text files.

    Delivery: replayable and exact: the same records in the same order per file.
    Parallelism: a file (a split); more tasks than files leave tasks without work.
    A restart: goes on after the last record of the last checkpoint. A later run of a finished job
    reads new files, and of text and JSON-lines files that have grown what was added.

    The size of a file is fixed when it is found; what is appended later waits for the next run. With
    `watch` the job goes on for ever with the files that appear. Files and folders whose names begin
    with ``.`` or ``_`` are left out. Partition folders (``day=2026-01-01``) above Parquet files come
    back as columns: integers where all values of the column are, else strings (``schema=`` says
    otherwise).

    Records are dicts (Parquet; the JSON value of a line) or ``str`` (a line of text without its
    newline), or rows of Arrow batches where the next operator takes them.

    Example:
        >>> import tempfile, pathlib
        >>> from raystreaming.connector import PlanContext
        >>> from raystreaming_files import FilesSource
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "a.txt").write_text("one\ntwo\n")
        >>> splits = FilesSource(folder, format="text").plan(PlanContext())
        >>> [s.id.endswith("a.txt") for s in splits]
        [True]
    """

    path: str | os.PathLike[str] = option(
        kw_only=False,
        check=check_path,
        doc="A file, a folder (searched to any depth) or a glob; local, file:// allowed.",
    )
    format: Literal["parquet", "jsonl", "text"] = option(
        default="parquet", doc="What the files hold: Parquet, one JSON value a line, or lines of UTF-8 text."
    )
    schema: Schema | None = option(
        default=None, doc="Types of the columns (Parquet, JSON lines); fields it does not name are left out."
    )
    columns: Sequence[str] | None = option(
        default=None, check=_check_columns, doc="Columns to read, in this order; all if not given."
    )
    watch: bool = option(
        default=False, doc="Go on for ever, with files that appear; give a file its name when it is complete."
    )
    discover_every: str | float = option(default="5s", doc="With `watch`: how often to look for new files.")
    on_error: ErrorPolicy = option(
        default="fail",
        doc="What to do with a line that is no record: fail naming file and byte, leave it out and count it "
        "(`skip`), or write it to another sink (`dead_letter(sink)`).",
    )

    def __post_init__(self) -> None:
        # Absolute from the start: the workers of a cluster have other working directories.
        object.__setattr__(self, "path", local_path(self.path))
        object.__setattr__(self, "columnar", self.format != "text")

    def validate(self) -> Iterable[str]:
        """Yield what is wrong with options, alone and together."""
        try:
            seconds(self.discover_every, "discover_every")
        except OptionError as error:
            yield f"option 'discover_every': {'; '.join(error.problems)}"
        if self.format == "text":
            for name in ("schema", "columns"):
                if getattr(self, name) is not None:
                    yield f"option {name!r} is for Parquet and JSON lines; a text file has no columns"
        if self.schema is not None:
            if len(set(self.schema.names)) < len(self.schema.names):
                yield "option 'schema' names a column twice"
            for name in self.columns or ():
                if name not in self.schema.names:
                    yield f"option 'columns' names {name!r}, which 'schema' does not have"

    @property
    def bounded(self) -> bool:
        """True without `watch`: every file ends at its planned size."""
        return not self.watch

    @property
    def discovery_interval(self) -> float:
        """Seconds between two searches for new files."""
        return seconds(self.discover_every, "discover_every")

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """Return one split per file, ordered by path."""
        found = find_files(str(self.path))
        integers = self._integer_folders(found)
        return [self._split(f, ctx.known.get(f.path), integers) for f in found]

    def _integer_folders(self, found: Sequence[Found]) -> frozenset[str]:
        values: dict[str, list[str | None]] = {}
        if self.format == "parquet":
            for file in found:
                for column, value in parse_folders(file.relative):
                    values.setdefault(column, []).append(value)
        return frozenset(c for c, v in values.items() if is_integer_column(v))

    def _split(self, file: Found, known: KnownSplit | None, integers: frozenset[str]) -> Split:
        if self.format == "parquet":
            if known is not None:  # Parquet files are not appended to: what is read stays read.
                return known.split
            folders = [[c, v, c in integers] for c, v in parse_folders(file.relative)]
            return Split(file.path, {"path": file.path, "size": file.size, "folders": folders})
        if known is not None and known.position is not None and file.size < known.position:
            raise Terminal(
                f"{file.path!r} has {file.size} bytes, {known.position} have been read from it (files "
                "source): "
                "it was cut or replaced; give new content a new name, or start over with --fresh"
            )
        return Split(file.path, {"path": file.path, "size": file.size})

    def open(self, ctx: ReaderContext) -> Reader[Any]:
        """Return the reader of one task."""
        bad = BadLines(goes_on(self.on_error), ctx.reject, ctx.operator)
        schema = self.schema
        if schema is not None and self.columns is not None:
            schema = pa.schema([schema.field(name) for name in self.columns])

        def cursor(split: Split, position: Position) -> Cursor:
            payload = split.payload
            if self.format == "parquet":
                return ParquetCursor(payload, position, schema, self.columns, ctx.columnar, ctx.operator)
            path, size = payload["path"], payload["size"]
            if self.format == "text":
                return TextCursor(path, size, position, bad)
            return JsonCursor(path, size, position, bad, schema, self.columns, ctx.columnar)

        return FilesReader(cursor)
