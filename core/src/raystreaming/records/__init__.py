"""What travels through a job: batches of records, and the marks between them."""

from raystreaming.records.batch import Batch, Rows, is_columnar, rows_of
from raystreaming.records.frame import Barrier, Element, EndOfInput, Frame

__all__ = ["Barrier", "Batch", "Element", "EndOfInput", "Frame", "Rows", "is_columnar", "rows_of"]
