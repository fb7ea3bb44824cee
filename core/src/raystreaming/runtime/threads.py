"""Threads made when a job is submitted, so that it can go on while the interpreter shuts down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class CallThread:
    """A thread that runs what it is given, one call after the other, until it is ended.

    Args:
        name: Name of the thread, for debuggers.
        failed: Called in the thread with whatever a call raises.
    """

    def __init__(self, name: str, failed: Callable[[BaseException], None]) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._failed = failed
        # A daemon, so that user code that hangs cannot keep the process; the job's loop thread,
        # which is none, holds the interpreter until the job is over.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, fn: Callable[[], None]) -> None:
        """Run `fn` in the thread after what was given before."""
        self._calls.put(fn)

    def settle(self, timeout: float | None = None) -> bool:
        """Wait until everything given so far has run; return whether it has."""
        settled = threading.Event()
        self._calls.put(settled.set)
        return settled.wait(timeout)

    def end(self) -> None:
        """Let the thread end after what was given before."""
        self._calls.put(None)

    def _run(self) -> None:
        while (fn := self._calls.get()) is not None:
            try:
                fn()
            except BaseException as error:
                self._failed(error)
