"""Ctrl-C before there is a job that waits for it, for ``raystreaming run``.

Python raises KeyboardInterrupt wherever the main thread is. Inside an import it may be swallowed (by a
callback of the import system, say, or a module that tries several ways), and inside `submit` it would
leave a running job that nobody waits for. There it is put off until the main thread is out of them.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
from types import FrameType

_PATIENCE = 2.0
"""Seconds after which it is raised all the same: a program may do all its work while it is imported."""

_pending: list[int] = []
_overdue = False


def install() -> None:
    """Handle SIGINT with care, unless it is ignored; called in the main thread."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _handle)


def remember() -> None:
    """Let the next job that is waited for find an interrupt."""
    _pending.append(signal.SIGINT)


def take() -> bool:
    """Return whether an interrupt was put off; it is the caller's now."""
    try:
        _pending.pop()
    except IndexError:
        return False
    return True


def _handle(number: int, frame: FrameType | None) -> None:
    if _pending:  # the second one
        os._exit(128 + number)
    if _overdue or not _put_off(frame):
        raise KeyboardInterrupt
    remember()
    # Not threading.Thread: the main thread may be holding a lock of that module.
    _thread.start_new_thread(_raise_later, ())


def _raise_later() -> None:
    """Raise what was put off, unless a job has taken it."""
    global _overdue
    main = threading.main_thread().ident or 0
    give_up = time.monotonic() + _PATIENCE
    while _pending and _put_off(sys._current_frames().get(main)):
        if time.monotonic() >= give_up:
            _overdue = True
            break
        time.sleep(0.01)
    if take():
        _thread.interrupt_main()


def _put_off(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib"):
            return True
        if code.co_name == "submit" and frame.f_globals.get("__name__") == "raystreaming.api.context":
            return True
        frame = frame.f_back
    return False
