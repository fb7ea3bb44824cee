"""What travels through a job: batches of records, and the marks between them."""

from raystreaming.records.batch import Batch, Rows, is_columnar, rows_of
from raystreaming.records.frame import Barrier, Element, EndOfInput, Frame
from raystreaming.records.opaque import OpaqueColumn
from raystreaming.records.packing import pack, unpack

__all__ = [
    "Barrier",
    "Batch",
    "Element",
    "EndOfInput",
    "Frame",
    "OpaqueColumn",
    "Rows",
    "is_columnar",
    "pack",
    "rows_of",
    "unpack",
]
