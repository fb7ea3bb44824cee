"""What travels through a job: batches of records, and the marks between them."""

from raystreaming.records.batch import Batch, Rows, is_columnar, readable_rows, rows_of
from raystreaming.records.columns import VALUE, bare, columns_of, lines_of, without_returns
from raystreaming.records.frame import Barrier, Element, EndOfInput, Frame
from raystreaming.records.kernels import kernels
from raystreaming.records.opaque import OpaqueColumn
from raystreaming.records.packing import pack, unpack
from raystreaming.records.tagged import Tagged

__all__ = [
    "VALUE",
    "Barrier",
    "Batch",
    "Element",
    "EndOfInput",
    "Frame",
    "OpaqueColumn",
    "Rows",
    "Tagged",
    "bare",
    "columns_of",
    "is_columnar",
    "kernels",
    "lines_of",
    "pack",
    "readable_rows",
    "rows_of",
    "unpack",
    "without_returns",
]
