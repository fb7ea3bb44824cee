"""One line on the terminal that says how a job gets on, and never gets in the way of other output."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, TextIO

from raystreaming.observe.progress import line, progress
from raystreaming.observe.status import JobStatus
from raystreaming.observe.wanted import PROGRESS, wants_json

FIRST_AFTER = 1.5
"""Seconds before the line is shown: short jobs need none."""

WINDOW = 1.0
"""Seconds between two lines, over which rates are computed."""

_ERASE = "\r\x1b[K"
"""The cursor is left at the beginning: what nobody stood in for overwrites the line."""


class ProgressLine:
    """Shows the line on stderr, a terminal, while its body runs and calls `look` now and then.

    Whoever prints finds the line erased: ``sys.stdout`` and ``sys.stderr`` are stood in for where they are
    the terminal, and it is drawn only where the cursor is at the beginning of a line.

    Args:
        status: Returns how the job is.
    """

    def __init__(self, status: Callable[[], JobStatus]) -> None:
        self._status = status
        self._terminal = sys.stderr
        self._lock = threading.RLock()
        self._drawn = False
        self._at_start = True
        self._before: JobStatus | None = None
        self._next = time.monotonic() + FIRST_AFTER
        self._stood_in: dict[str, Any] = {}

    def __enter__(self) -> ProgressLine:
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if _is_terminal(stream):
                self._stood_in[name] = stream
                setattr(sys, name, _StandIn(stream, self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._drawn:
                self._erase()
        for name, stream in self._stood_in.items():
            setattr(sys, name, stream)

    def look(self) -> None:
        """Draw the line anew if it is time."""
        if not self._at_start or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + WINDOW
        now = self._status()
        text = line(progress(self._before, now))
        self._before = now
        columns = shutil.get_terminal_size().columns
        with self._lock:
            if self._at_start:
                self._terminal.write(f"{_ERASE}{text[: columns - 1]}\r")
                self._terminal.flush()
                self._drawn = True

    def written(self, stream: TextIO, text: str) -> int:
        """Write what somebody prints, where the line was."""
        with self._lock:
            if self._drawn:
                self._erase()
            if text:
                self._at_start = text[-1] == "\n"
            return stream.write(text)

    def _erase(self) -> None:
        self._terminal.write(_ERASE)
        self._terminal.flush()
        self._drawn = False


class _StandIn:
    """A stream whose writes make way for themselves."""

    def __init__(self, stream: TextIO, shown: ProgressLine) -> None:
        self._stream = stream
        self.write = partial(shown.written, stream)

    def writelines(self, lines: list[str]) -> None:
        for text in lines:
            self.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def is_wanted(stream: object) -> bool:
    """Return whether a progress line is shown there; ``RAYSTREAMING_PROGRESS=0`` turns it off."""
    off = os.environ.get("TERM") == "dumb" or os.environ.get(PROGRESS) == "0" or wants_json()
    return not off and _is_terminal(stream)


def _is_terminal(stream: object) -> bool:
    asked: Callable[[], bool] | None = getattr(stream, "isatty", None)  # a program's own may have none
    return asked is not None and asked()
