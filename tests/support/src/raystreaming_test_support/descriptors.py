"""What processes have opened."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress


def opened_by(pid: int | str) -> Counter[str]:
    """Return what a process has opened, by how often; it may open and close while this looks.

    Args:
        pid: Its id, or `self`.
    """
    found: Counter[str] = Counter()
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            found[os.readlink(f"/proc/{pid}/fd/{descriptor}")] += 1
    return found
