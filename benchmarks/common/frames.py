"""What the transport's benchmark sends: the same for both contenders."""

ROW = 100
"""Bytes of a row of the Arrow batches."""


def values(kind, size):
    """Return the values of one frame of about `size` bytes."""
    if kind == "bytes":
        return [bytes([n % 251]) * 1024 for n in range(size // 1024)]
    import pyarrow as pa

    rows = size // ROW
    text = pa.array([f"{n:076}" for n in range(rows)])
    return pa.record_batch({"id": pa.array(range(rows)), "value": pa.array([0.5] * rows), "text": text})
