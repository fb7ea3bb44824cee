"""`FilesSource`: its options, and which files a job reads."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from raystreaming.connector import (
    ErrorPolicy,
    KnownSplit,
    OptionError,
    PlanContext,
    Reader,
    ReaderContext,
    Source,
    Split,
    Terminal,
    option,
)
from raystreaming.connector.on_error import goes_on
from raystreaming.units import seconds
from raystreaming_files.arrow import Schema
from raystreaming_files.codecs import codec_of
from raystreaming_files.csv_in import Dialect
from raystreaming_files.cursors import LINES, CursorFactory, Read
from raystreaming_files.discover import Found
from raystreaming_files.disk import Disk, Input, disk_of
from raystreaming_files.folders import integer_columns, plan_folders
from raystreaming_files.parquet import count_row_groups
from raystreaming_files.paths import absolute, check_path, url_problems
from raystreaming_files.reader import FilesReader


def one_character(text: str) -> str | None:
    """Return what is wrong with an option that is one character, or None."""
    return None if len(text) == 1 and text.isascii() and text not in "\r\n" else "must be one ASCII character"


def _check_columns(columns: Sequence[str]) -> str | None:
    if not columns:
        return "must name at least one column (leave it out to read all)"
    return "names a column twice" if len(set(columns)) < len(columns) else None


class FilesSource(Source[Any]):
    r"""Read Parquet, JSON-lines, CSV, Arrow, Avro or text files, on disks or behind any fsspec URL.

    Delivery: replayable and exact: the same records in the same order per file.
    Parallelism: a file (a split), or a row group; more tasks than those leave tasks without work.
    A restart: goes on after the last record of the last checkpoint. A later run of a finished job
    reads new files, and what was added to uncompressed text, JSON-lines and CSV files.

    The size of a file is fixed when it is found; what is appended later waits for the next run. With
    `watch` the job goes on for ever with the files that appear. Empty files, and files and folders
    whose names begin with ``.`` or ``_``, are left out. Partition folders (``day=2026-01-01``) come
    back as columns: integers where all values of the column are, else strings (``schema=`` says
    otherwise).

    Records are dicts (the JSON value of a line for JSON lines), ``str`` for text (a line without its
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

    columnar = True

    path: str | os.PathLike[str] = option(
        kw_only=False,
        check=check_path,
        doc="A file, a folder (searched to any depth) or a glob; a path or any fsspec URL (s3://...).",
    )
    format: Literal["parquet", "jsonl", "csv", "arrow", "avro", "text"] = option(
        default="parquet",
        doc="What files hold: Parquet, one JSON value a line, CSV, Arrow IPC, Avro, or lines of UTF-8 text.",
    )
    schema: Schema | None = option(
        default=None, doc="Types of the columns (not for text); fields it does not name are left out."
    )
    columns: Sequence[str] | None = option(
        default=None, check=_check_columns, doc="Columns to read, in this order; all if not given."
    )
    compression: Literal["auto", "none", "gzip", "zstd", "bz2", "lz4", "brotli"] = option(
        default="auto",
        doc="Compression of text, JSON-lines and CSV files; `auto`: as .gz, .zst, .bz2, .lz4 or .br says.",
    )
    split_by: Literal["file", "row_group"] = option(
        default="file", doc="What one task reads at a time: a file, or a row group of a Parquet file."
    )
    header: bool = option(
        default=True, doc="CSV: whether the first row names the columns; else schema= does, or f0, f1..."
    )
    delimiter: str = option(default=",", check=one_character, doc="CSV: what separates values.")
    quote: str | None = option(
        default='"', check=one_character, doc="CSV: what encloses values, doubled inside them; None: nothing."
    )
    escape: str | None = option(
        default=None, check=one_character, doc="CSV: what takes the meaning from the next character."
    )
    nulls: Sequence[str] = option(
        default=("",), doc="CSV: how missing values are written; inside quotes they are text."
    )
    newlines_in_values: bool = option(
        default=True, doc="CSV: whether values in quotes may hold newlines; False where quotes stand alone."
    )
    storage_options: Mapping[str, Any] = option(
        default_factory=dict[str, Any],
        secret=True,
        doc="For URLs: what the fsspec file system takes, such as credentials; never shown.",
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
        object.__setattr__(self, "path", absolute(self.path))

    def validate(self) -> Iterable[str]:
        """Yield what is wrong with options, alone and together."""
        yield from url_problems(str(self.path), self.storage_options)
        try:
            seconds(self.discover_every, "discover_every")
        except OptionError as error:
            yield f"option 'discover_every': {'; '.join(error.problems)}"
        if self.format == "text":
            for name in ("schema", "columns"):
                if getattr(self, name) is not None:
                    yield f"option {name!r} is for records with columns, a line of text has none"
        if self.format != "csv":
            for name, default in _CSV_DEFAULTS.items():
                if getattr(self, name) != default:
                    yield f"option {name!r} is for CSV, the format is {self.format!r}"
        if self.format not in LINES and self.compression not in ("auto", "none"):
            yield f"option 'compression' is for text, jsonl and csv; {self.format!r} files tell theirs"
        if self.split_by == "row_group" and self.format != "parquet":
            yield f"option 'split_by' says 'row_group', which is for Parquet; the format is {self.format!r}"
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
        """Return the splits, ordered by path."""
        disk = disk_of(str(self.path), self.storage_options)
        found = disk.find(str(self.path))
        integers = integer_columns(found) if self.format != "text" else frozenset[str]()
        parts = _parts(ctx.known)
        splits: list[Split] = []
        for file in found:
            if file.path in parts:
                splits += parts[file.path]
            elif self.split_by == "row_group" and file.path not in ctx.known:
                splits += self._row_groups(file, integers, disk)
            elif file.size or file.path in ctx.known:  # An empty file may be about to be written.
                splits.append(self._split(file, ctx.known.get(file.path), integers))
        return splits

    def _codec(self, path: str) -> str | None:
        if self.format not in LINES or self.compression == "none":
            return None
        return codec_of(path) if self.compression == "auto" else self.compression

    def _split(self, file: Found, known: KnownSplit | None, integers: frozenset[str]) -> Split:
        grows = self.format in LINES and self._codec(file.path) is None
        if known is not None and not grows:  # What is read stays read.
            return known.split
        if known is not None and known.position is not None and file.size < known.position:
            raise Terminal(
                f"{file.path!r} has {file.size} bytes, {known.position} have been read from it (files "
                "source): it was cut or replaced; give new content a new name, or start over with --fresh"
            )
        return Split(file.path, self._payload(file, integers))

    def _payload(self, file: Found, integers: frozenset[str]) -> dict[str, Any]:
        folders = [] if self.format == "text" else plan_folders(file, integers)
        return {"path": file.path, "size": file.size, "folders": folders}

    def _row_groups(self, file: Found, integers: frozenset[str], disk: Disk) -> Iterable[Split]:
        if not file.size:
            return
        payload = self._payload(file, integers)
        for group in range(count_row_groups(Input(disk, file.path, file.size, "files source"))):
            yield Split(f"{file.path}#{group}", {**payload, "row_group": group})

    def open(self, ctx: ReaderContext) -> Reader[Any]:
        """Return the reader of one task."""
        dialect = Dialect(
            self.delimiter, self.quote, self.escape, self.header, tuple(self.nulls), self.newlines_in_values
        )
        read = Read(self.format, self.schema, self.columns, ctx.columnar, goes_on(self.on_error), dialect)
        disk = disk_of(str(self.path), self.storage_options)
        return FilesReader(CursorFactory(read, disk, self._codec, ctx).open)


_CSV_DEFAULTS = {
    name: FilesSource.__dataclass_fields__[name].default
    for name in ("header", "delimiter", "quote", "escape", "nulls", "newlines_in_values")
}


def _parts(known: Mapping[str, KnownSplit]) -> dict[str, list[Split]]:
    """Return the known row groups of each file."""
    parts: dict[str, list[Split]] = {}
    for split in (k.split for k in known.values()):
        if "row_group" in split.payload:
            parts.setdefault(split.payload["path"], []).append(split)
    return parts
