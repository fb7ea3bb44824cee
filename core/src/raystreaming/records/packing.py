"""msgpack, for everything that lasts: positions, committables, manifests."""

from __future__ import annotations

from typing import Any, cast

import msgpack


def pack(value: Any) -> bytes:
    """Return a value of msgpack types as bytes; tuples become lists."""
    return cast("bytes", msgpack.packb(value, use_bin_type=True))


def unpack(data: bytes) -> Any:
    """Return the value in `data`; maps may have keys of any kind."""
    return msgpack.unpackb(data, raw=False, strict_map_key=False)
