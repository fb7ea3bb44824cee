"""What the transport's benchmark sends: the same for both contenders."""

ROW = 100
"""Bytes of a row of the Arrow batches."""


POOL = 4_000_000
"""Bytes of the frames that are sent in turn: of a repeated one that is merged, pickle sends one."""


def frames(kind, size):
    """Return the values of different frames of about `size` bytes each."""
    return [_values(kind, size, seed) for seed in range(POOL // size)]


def _values(kind, size, seed):
    if kind == "bytes":
        return [(seed * 1_000 + n).to_bytes(4, "big") * 256 for n in range(size // 1024)]
    import pyarrow as pa

    rows = size // ROW
    text = pa.array([f"{seed + n:076}" for n in range(rows)])
    return pa.record_batch({"id": pa.array(range(rows)), "value": pa.array([0.5] * rows), "text": text})
