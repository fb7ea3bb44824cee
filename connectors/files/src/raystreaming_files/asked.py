"""What is asked for of a file with columns: which of them, of which types, in which form."""

from __future__ import annotations

from dataclasses import dataclass

from raystreaming.records import Rows
from raystreaming_files.arrow import RecordBatch, Schema
from raystreaming_files.folders import Folders


@dataclass(frozen=True, slots=True)
class Asked:
    """What a cursor is to make of the columns of its file.

    Attributes:
        folders: The columns of its folders.
        schema: Types of the columns; others are left out, those that the file lacks are null. None: as
            the file has them.
        columns: The columns to keep, in this order; None for all.
        columnar: Give Arrow batches, where the types have a place in Arrow; else dicts.
    """

    folders: Folders
    schema: Schema | None
    columns: list[str] | None
    columnar: bool

    def select(self, batch: RecordBatch) -> RecordBatch:
        """Return the file's `batch` with the columns asked for."""
        return self.folders.select(batch, self.schema, self.columns)

    def rows(self, batch: RecordBatch) -> Rows:
        """Return `batch` in the form asked for."""
        rows: Rows = batch if self.columnar else batch.to_pylist()
        return rows
