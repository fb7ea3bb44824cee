"""`FilesSink`: its options, and the commit of what its writers have staged."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from raystreaming.connector import OptionError, Terminal, TwoPhaseSink, TwoPhaseWriter, WriterContext, option
from raystreaming.units import seconds
from raystreaming_files import staging
from raystreaming_files.arrow import Schema
from raystreaming_files.avro_out import CODECS, AvroFormat
from raystreaming_files.codecs import SUFFIXES
from raystreaming_files.csv_out import CsvFormat
from raystreaming_files.cursors import LINES
from raystreaming_files.epoch import Limits
from raystreaming_files.formats import Format, Shaper
from raystreaming_files.ipc_out import ArrowFormat
from raystreaming_files.lasting import LastingWriter, kept_by
from raystreaming_files.lines_out import JsonFormat, RowsShaper, TextFormat
from raystreaming_files.local_store import LocalStore
from raystreaming_files.manifest import write_manifests
from raystreaming_files.parquet_out import ParquetFormat
from raystreaming_files.paths import absolute, check_path, is_remote, url_problems
from raystreaming_files.schema import ArrowShaper
from raystreaming_files.source import one_character
from raystreaming_files.writer import FilesWriter

_COMPRESSIONS: dict[str, tuple[str, ...]] = {
    "parquet": ("snappy", "none", "gzip", "zstd", "lz4", "brotli"),
    "arrow": ("none", "zstd", "lz4"),
    "avro": ("deflate", "none", "bz2"),
    **dict.fromkeys(LINES, ("none", *SUFFIXES)),
}
"""What each format can be compressed with; the first is the default."""


def _positive(value: int) -> str | None:
    return None if value > 0 else "must be at least 1"


def _check_partition_by(columns: Sequence[str]) -> str | None:
    if len(set(columns)) < len(columns):
        return "names a column twice"
    if any(not c or c.startswith(".") for c in columns):
        return "must not hold an empty name or one that begins with a dot (readers leave such folders out)"
    return None


class FilesSink(TwoPhaseSink[Any]):
    """Write Parquet, JSON-lines, CSV, Arrow, Avro or text files, to disks or any fsspec URL.

    Delivery: exactly once: files appear whole, with the checkpoint that holds their records.
    Parallelism: any number of tasks; each writes files of its own, named by run and task.
    A restart: repeats nothing. Committed files stay, prepared ones are committed, others deleted.

    Files are staged in ``<path>/.raystreaming`` (on S3 as multi-part uploads) and end at each
    checkpoint at the latest, unless `roll_across_checkpoints`. The folder may hold other files; none
    is ever replaced.

    Parquet, Arrow, Avro and CSV take dicts and Arrow batches. Without ``schema=`` the types are
    those of the records; where they widen (integers to floats, a new column) the next file has the
    wider types. JSON lines take whatever has a JSON form, text takes ``str`` without newlines.

    Example:
        >>> import pathlib, tempfile
        >>> from raystreaming.connector import Batch, WriterContext
        >>> from raystreaming_files import FilesSink
        >>> sink = FilesSink(tempfile.mkdtemp(), format="jsonl", partition_by=["day"])
        >>> writer = sink.open(None, WriterContext())
        >>> writer.write(Batch([{"day": "mon", "n": 1}, {"day": "tue", "n": 2}]))
        >>> committable = writer.prepare(1)()
        >>> sink.commit([committable])
        >>> sorted(p.name for p in pathlib.Path(sink.path).iterdir() if p.name[0] != ".")
        ['day=mon', 'day=tue']
        >>> writer.close()
    """

    rejects = True

    path: str | os.PathLike[str] = option(
        kw_only=False,
        check=check_path,
        doc="The folder to write to, made if need be; a path or any fsspec URL (s3://...).",
    )
    format: Literal["parquet", "jsonl", "csv", "arrow", "avro", "text"] = option(
        default="parquet",
        doc="What to write: Parquet, one JSON value a line, CSV, Arrow IPC, Avro, or lines of UTF-8 text.",
    )
    partition_by: Sequence[str] = option(
        default=(),
        check=_check_partition_by,
        doc="Columns that become Hive folders (column=value) and are left out of the files.",
    )
    schema: Schema | None = option(
        default=None,
        doc="Types of the columns (not for JSON lines and text); from the records if not given.",
    )
    compression: Literal["none", "snappy", "gzip", "zstd", "lz4", "brotli", "bz2", "deflate"] | None = option(
        default=None,
        doc="Parquet: snappy (the default), gzip, zstd, lz4, brotli. Arrow: zstd, lz4. Avro: deflate (the "
        "default), bz2. Text, JSON lines, CSV: gzip, zstd, bz2, lz4, brotli, shown by the file's name.",
    )
    roll_rows: int | None = option(default=None, check=_positive, doc="Most records of a file.")
    roll_bytes: int | None = option(
        default=None, check=_positive, doc="Size at which a file ends; the last write may exceed it a little."
    )
    roll_after: str | float | None = option(
        default=None,
        doc="Age at which a file ends, between checkpoints too; looked at when records come and at "
        "checkpoints.",
    )
    roll_across_checkpoints: bool = option(
        default=False,
        doc="Files go on over checkpoints until they end by roll_rows, roll_bytes, roll_after or the input.",
    )
    row_group_rows: int = option(
        default=131_072, check=_positive, doc="Rows of a Parquet row group or an Arrow record batch."
    )
    header: bool = option(default=True, doc="CSV: whether files begin with the names of their columns.")
    delimiter: str = option(default=",", check=one_character, doc="CSV: what separates values.")
    manifest: bool = option(
        default=False,
        doc="Write which files each checkpoint has published to <path>/_manifests, as JSON.",
    )
    buffer_bytes: int = option(
        default=128 << 20,
        check=_positive,
        doc="Memory for records not yet written, per task and epoch; two epochs may be under way.",
    )
    storage_options: Mapping[str, Any] = option(
        default_factory=dict[str, Any],
        secret=True,
        doc="For URLs: what the fsspec file system takes, such as credentials; never shown.",
    )

    def __post_init__(self) -> None:
        # Absolute from the start: commits happen in other processes.
        object.__setattr__(self, "path", absolute(self.path))
        object.__setattr__(self, "columnar", self.format not in ("jsonl", "text"))

    def validate(self) -> Iterable[str]:
        """Yield what is wrong between options."""
        yield from url_problems(str(self.path), self.storage_options)
        possible = _COMPRESSIONS[self.format]
        if self.compression is not None and self.compression not in possible:
            yield f"option 'compression' of {self.format!r} files must be one of {', '.join(possible)}"
        if self.schema is not None and self.format in ("jsonl", "text"):
            yield f"option 'schema' is for formats with typed columns, the format is {self.format!r}"
        if self.format != "csv":
            for name, default in (("header", True), ("delimiter", ",")):
                if getattr(self, name) != default:
                    yield f"option {name!r} is for CSV, the format is {self.format!r}"
        if self.format == "text" and self.partition_by:
            yield "option 'partition_by' is for records with columns, a line of text has none"
        if self.roll_after is not None:
            try:
                seconds(self.roll_after, "roll_after")
            except OptionError as error:
                yield f"option 'roll_after': {'; '.join(error.problems)}"
        if self.roll_across_checkpoints and not (self.roll_rows or self.roll_bytes or self.roll_after):
            yield "option 'roll_across_checkpoints' needs roll_rows, roll_bytes or roll_after to end files"
        if self.schema is not None:
            names = self.schema.names
            if len(set(names)) < len(names):
                yield "option 'schema' names a column twice"
            for name in self.partition_by:
                if name not in names:
                    yield f"option 'partition_by' names {name!r}, which 'schema' does not have"
            if set(names) <= set(self.partition_by):
                yield "option 'schema' has no column that is left for the files"

    def open(self, state: bytes | None, ctx: WriterContext) -> TwoPhaseWriter[Any]:
        """Return the writer of one task; sweeps what dead jobs without checkpoints have left."""
        shaper: Shaper = RowsShaper()
        if self.columnar:
            shaper = ArrowShaper(self.schema, self.partition_by, ctx.operator)
        roll_after = None if self.roll_after is None else seconds(self.roll_after, "roll_after")
        across = self.roll_across_checkpoints
        if across and not ctx.durable:
            raise Terminal(
                f"option 'roll_across_checkpoints' needs checkpoints that outlive the job ({ctx.operator}): "
                "without them nobody could go on with open files; give the context checkpoint_dir=, or leave "
                "the option out"
            )
        limits = Limits(self.roll_rows, self.roll_bytes, roll_after, self.buffer_bytes, across)
        format = self._format(ctx.operator)
        stage = self._store().open(ctx.owner, ctx.durable, ctx.operator)
        if state is None and not across:
            return FilesWriter(stage, format, shaper, limits, ctx)
        writer = LastingWriter(stage, format, shaper, limits, ctx)
        if state is not None:
            try:
                writer.restore(state)
            except BaseException:
                writer.close()
                raise
        return writer

    def _format(self, where: str) -> Format:
        codec = self.compression or _COMPRESSIONS[self.format][0]
        optional = None if codec == "none" else codec
        folders = self.partition_by
        if self.format == "parquet":
            return ParquetFormat(folders, codec, self.row_group_rows, where)
        if self.format == "arrow":
            return ArrowFormat(folders, optional, self.row_group_rows, where)
        if self.format == "avro":
            return AvroFormat(folders, CODECS[codec], where)
        if self.format == "csv":
            return CsvFormat(folders, optional, self.delimiter, self.header, where)
        return TextFormat(optional, where) if self.format == "text" else JsonFormat(folders, optional, where)

    def _store(self) -> staging.Store:
        path = str(self.path)
        if not is_remote(path):
            return LocalStore(path)
        from raystreaming_files.remote_store import remote_store

        return remote_store(path, self.storage_options)

    def commit(self, committables: Sequence[bytes]) -> None:
        """Give prepared files their names."""
        handles = list(map(staging.unpack, committables))
        store = self._store()
        store.publish([f for handle in handles for f in handle.files])
        if self.manifest:
            write_manifests(store, handles)
        store.discard([f for handle in handles for f in handle.ended])

    def abort(self, committables: Sequence[bytes]) -> None:
        """Delete staged files."""
        self._store().discard([f for c in committables for f in staging.unpack(c).files])

    def list_open(self, owner: str) -> Sequence[bytes]:
        """Return one handle per staged file of `owner`, for `abort`."""
        return [staging.leftover(owner, file) for file in self._store().list_staged(owner)]

    def keeps(self, state: bytes) -> Sequence[bytes]:
        """Return the journals of files that go on."""
        return kept_by(state)
