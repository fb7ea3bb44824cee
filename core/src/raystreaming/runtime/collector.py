"""The garbage collector's settings while jobs run.

Batches of fresh records are no garbage and keyed state lives long: with Python's defaults the
collector takes two thirds of the time of a word count.
"""

from __future__ import annotations

import gc
import threading

_THRESHOLDS = (100_000, 50, 100)
_lock = threading.Lock()
_running = 0
_before = (700, 10, 10)


def tune() -> None:
    """Make collections rare and spare what exists already. Pairs with `restore`."""
    global _running, _before
    with _lock:
        _running += 1
        if _running == 1:
            _before = gc.get_threshold()
            gc.freeze()
            gc.set_threshold(*_THRESHOLDS)


def restore() -> None:
    """Put the settings back when the last job has ended."""
    global _running
    with _lock:
        _running -= 1
        if _running == 0:
            gc.set_threshold(*_before)
            gc.unfreeze()
