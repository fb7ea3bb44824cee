"""A thread that waits for sockets, for deadlines, and for calls of other threads."""

from __future__ import annotations

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class IoThread:
    """Runs handlers; all methods but `call` and `join` belong into the thread itself.

    Args:
        name: Name of the thread, for debuggers.
        failed: Called in the thread, which then ends, with what a handler raises.
        ended: Called as the last thing in the thread.
    """

    def __init__(self, name: str, failed: Callable[[BaseException], None], ended: Callable[[], None]) -> None:
        self._failed = failed
        self._ended = ended
        self._selector = selectors.DefaultSelector()
        self._calls: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._stopping = False
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)
        # A daemon: a transport that nobody closes must not hold the process.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._selector.register(self._woken, READ, self._drain)
        self._thread.start()

    def call(self, fn: Callable[[], None]) -> None:
        """Have the thread call something soon; from any thread."""
        self._calls.append(fn)
        with suppress(OSError):  # Full: it is woken already. Closed: there is nobody to call.
            self._waker.send(b"x")

    def join(self) -> None:
        """Wait for the thread to end, unless this is the thread."""
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def watch(self, sock: socket.socket, events: int, handler: Callable[[int], None]) -> None:
        """Call `handler` when one of `events` is possible; replaces an earlier watch of `sock`."""
        if sock in self._selector.get_map():
            self._selector.modify(sock, events, handler)
        else:
            self._selector.register(sock, events, handler)

    def forget(self, sock: socket.socket) -> None:
        """Watch `sock` no more; before it is closed."""
        with suppress(KeyError, ValueError):
            self._selector.unregister(sock)

    def after(self, delay: float, fn: Callable[[], None]) -> None:
        """Call `fn` after `delay` seconds."""
        heapq.heappush(self._timers, (time.monotonic() + delay, next(self._number), fn))

    def stop(self) -> None:
        """End the thread after the handlers that are due."""
        self._stopping = True

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turn()
        except BaseException as error:
            self._failed(error)
        finally:
            self._selector.close()
            self._woken.close()
            self._waker.close()
            self._ended()

    def _turn(self) -> None:
        wait = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for key, events in self._selector.select(wait):
            # An earlier handler of this turn may have closed the socket.
            if self._selector.get_map().get(key.fileobj) is key:
                key.data(events)
        while self._calls:
            self._calls.popleft()()
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2]()

    def _drain(self, _: int) -> None:
        with suppress(BlockingIOError):
            self._woken.recv(4096)
