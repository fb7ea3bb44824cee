"""The columns of the events."""

import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("seq", pa.int64()),
        ("user_id", pa.int64()),
        ("item_id", pa.int64()),
        ("event_type", pa.string()),
        ("price", pa.float64()),
        ("event_time", pa.int64()),
        ("session", pa.string()),
    ]
)
