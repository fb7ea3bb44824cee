"""`FilesSink`: its options, and the commit of what its writers have staged."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from raystreaming.connector import TwoPhaseSink, TwoPhaseWriter, WriterContext, option
from raystreaming_files import staging
from raystreaming_files.arrow import Schema
from raystreaming_files.epoch import Limits
from raystreaming_files.formats import Format, Shaper
from raystreaming_files.lines_out import JsonFormat, RowsShaper, TextFormat
from raystreaming_files.parquet_out import ParquetFormat
from raystreaming_files.paths import check_path, local_path
from raystreaming_files.schema import ArrowShaper
from raystreaming_files.writer import FilesWriter


def _positive(value: int) -> str | None:
    return None if value > 0 else "must be at least 1"


def _check_partition_by(columns: Sequence[str]) -> str | None:
    if len(set(columns)) < len(columns):
        return "names a column twice"
    if any(not c or c.startswith(".") for c in columns):
        return "must not hold an empty name or one that begins with a dot (readers leave such folders out)"
    return None


class FilesSink(TwoPhaseSink[Any]):
    """Write Parquet, JSON-lines or text files.

    Delivery: exactly once: files appear whole, with the checkpoint that holds their records.
    Parallelism: any number of tasks; each writes files of its own, named by run and task.
    A restart: repeats nothing. Committed files stay, prepared ones are committed, others deleted.

    Files are staged in ``<path>/.raystreaming`` and end at each checkpoint at the latest. The
    folder may hold other files; none is ever replaced.

    Parquet takes dicts and Arrow batches. Without ``schema=`` the types are those of the records;
    where they widen (integers to floats, a new column) the next file has the wider types.
    JSON lines take whatever has a JSON form, text takes ``str`` without newlines.

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

    path: str | os.PathLike[str] = option(
        kw_only=False,
        check=check_path,
        doc="The folder to write to, made if need be; local, file:// allowed.",
    )
    format: Literal["parquet", "jsonl", "text"] = option(
        default="parquet", doc="What to write: Parquet, one JSON value a line, or lines of UTF-8 text."
    )
    partition_by: Sequence[str] = option(
        default=(),
        check=_check_partition_by,
        doc="Columns that become Hive folders (column=value) and are left out of the files.",
    )
    schema: Schema | None = option(
        default=None, doc="Types of the columns of Parquet files; from the records if not given."
    )
    compression: Literal["none", "snappy", "gzip", "zstd", "lz4", "brotli"] | None = option(
        default=None, doc="Codec of Parquet files; snappy if not given."
    )
    roll_rows: int | None = option(default=None, check=_positive, doc="Most records of a file.")
    roll_bytes: int | None = option(
        default=None, check=_positive, doc="Size at which a file ends; the last write may exceed it a little."
    )
    row_group_rows: int = option(default=131_072, check=_positive, doc="Rows of a Parquet row group.")
    buffer_bytes: int = option(
        default=128 << 20,
        check=_positive,
        doc="Memory for records not yet written, per task and epoch; two epochs may be under way.",
    )

    def __post_init__(self) -> None:
        # Absolute from the start: commits happen in other processes.
        object.__setattr__(self, "path", local_path(self.path))
        object.__setattr__(self, "columnar", self.format == "parquet")

    def validate(self) -> Iterable[str]:
        """Yield what is wrong between options."""
        if self.format != "parquet":
            for name in ("schema", "compression"):
                if getattr(self, name) is not None:
                    yield f"option {name!r} is for Parquet, the format is {self.format!r}"
        if self.format == "text" and self.partition_by:
            yield "option 'partition_by' is for records with columns, a line of text has none"
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
        format: Format
        shaper: Shaper
        if self.format == "parquet":
            codec = self.compression or "snappy"
            format = ParquetFormat(self.partition_by, codec, self.row_group_rows, ctx.operator)
            shaper = ArrowShaper(self.schema, self.partition_by, ctx.operator)
        elif self.format == "jsonl":
            format, shaper = JsonFormat(self.partition_by, ctx.operator), RowsShaper()
        else:
            format, shaper = TextFormat(ctx.operator), RowsShaper()
        limits = Limits(self.roll_rows, self.roll_bytes, self.buffer_bytes)
        return FilesWriter(str(self.path), format, shaper, limits, ctx)

    def commit(self, committables: Sequence[bytes]) -> None:
        """Give prepared files their names."""
        staging.publish(str(self.path), [f for c in committables for f in staging.unpack(c)])

    def abort(self, committables: Sequence[bytes]) -> None:
        """Delete staged files."""
        staging.discard(str(self.path), [f for c in committables for f in staging.unpack(c)])

    def list_open(self, owner: str) -> Sequence[bytes]:
        """Return one handle per staged file of `owner`, for `abort`."""
        return [staging.pack([f]) for f in staging.list_staged(str(self.path), owner)]
