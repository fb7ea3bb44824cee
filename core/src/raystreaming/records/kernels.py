"""pyarrow's functions, loaded when needed; type checkers do not see them, as they are made at run time."""

from __future__ import annotations

from typing import Any


def kernels() -> Any:
    """Return `pyarrow.compute`."""
    import pyarrow.compute

    return pyarrow.compute
