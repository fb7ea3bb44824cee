"""pyarrow, as far as type checkers are concerned: it ships no complete types, so it is `Any` here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

pa: Any = pyarrow
pc: Any = pyarrow.compute
pj: Any = pyarrow.json
pq: Any = pyarrow.parquet
pv: Any = pyarrow.csv

Array: TypeAlias = Any
DataType: TypeAlias = Any
Field: TypeAlias = Any
NativeFile: TypeAlias = Any
RecordBatch: TypeAlias = Any
if TYPE_CHECKING:
    Schema: TypeAlias = Any
else:  # Options are checked against their annotations.
    Schema = pyarrow.Schema
ArrowError: type[Exception] = pa.ArrowException
