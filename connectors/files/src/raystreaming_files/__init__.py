"""Files for raystreaming: `FilesSource` reads them, `FilesSink` writes them exactly once.

The names are imported on first use: the plugin module of this package must not load pyarrow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raystreaming_files.sink import FilesSink
    from raystreaming_files.source import FilesSource

__all__ = ["FilesSink", "FilesSource"]

_HOMES = {"FilesSink": "raystreaming_files.sink", "FilesSource": "raystreaming_files.source"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
