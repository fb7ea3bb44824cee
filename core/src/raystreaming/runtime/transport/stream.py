"""A connected, non-blocking socket, plain or TLS, behind three calls."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from typing import Protocol

from raystreaming.records.codec import Buffer

MAX_BUFFERS = 512
"""Buffers given to the system at once; it takes 1,024 (IOV_MAX)."""

_TLS_SEND = 1 << 16
_SILENCE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""A peer whose machine is gone without a word is noticed after 25 seconds."""


class Stream(Protocol):
    """A connection; the bytes of one call need not all go.

    Attributes:
        sock: What the selector watches.
        pending: Whether there may be more to receive that the selector does not see.
    """

    sock: socket.socket

    @property
    def pending(self) -> bool: ...

    def send(self, buffers: Sequence[Buffer]) -> int:
        """Send what goes at once and return how many bytes went."""
        ...

    def receive(self, buffers: Sequence[memoryview]) -> int | None:
        """Receive what is there and return how many bytes came: 0 at the end, None if none yet."""
        ...


class PlainStream:
    """A TCP connection."""

    pending = False

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def send(self, buffers: Sequence[Buffer]) -> int:
        try:
            return self.sock.sendmsg(buffers)
        except BlockingIOError:
            return 0

    def receive(self, buffers: Sequence[memoryview]) -> int | None:
        try:
            return self.sock.recvmsg_into(buffers)[0]
        except BlockingIOError:
            return None


class TlsStream:
    """A TLS connection, which two threads may not use at once."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.sock: socket.socket = sock
        self._ssl = sock
        self._lock = threading.Lock()

    @property
    def pending(self) -> bool:
        with self._lock:
            return self._ssl.pending() > 0

    def send(self, buffers: Sequence[Buffer]) -> int:
        # One call for many small buffers. What does not go is offered again in the same order, as
        # OpenSSL wants it.
        first = memoryview(buffers[0]).cast("B")
        if len(first) < _TLS_SEND:
            first = memoryview(b"".join(buffers)[:_TLS_SEND])
        try:
            with self._lock:
                return self._ssl.send(first)
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0

    def receive(self, buffers: Sequence[memoryview]) -> int | None:
        try:
            with self._lock:
                return self._ssl.recv_into(buffers[0])
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except ssl.SSLEOFError:
            return 0


def prepare(sock: socket.socket) -> None:
    """Set what every connection between workers has."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SILENCE.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 25_000)
