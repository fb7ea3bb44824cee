"""A connection until its other side is proven: dialled or accepted, plain or TLS."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Callable, Generator, Iterator

from raystreaming.runtime.transport.handshake import Handshake, Refused
from raystreaming.runtime.transport.io_thread import READ, WRITE, IoThread
from raystreaming.runtime.transport.stream import PlainStream, Stream, TlsStream, prepare
from raystreaming.runtime.transport.tls import digest_of


class Opening:
    """Takes one socket through TCP, TLS and the handshake, on the I/O thread.

    Args:
        io: The thread.
        sock: The socket.
        dial: Where to connect it; None if it was accepted.
        context: TLS settings; None for plain TCP.
        make: Makes the handshake, given the certificate of the other side if that accepts (else empty).
        done: Called with the stream once the other side is proven.
        failed: Called with the reason otherwise; the socket is closed then.
    """

    def __init__(
        self,
        io: IoThread,
        sock: socket.socket,
        dial: tuple[str, int] | None,
        context: ssl.SSLContext | None,
        make: Callable[[bytes], Handshake],
        done: Callable[[Stream], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._io = io
        self._sock = sock
        self._dial = dial
        self._context = context
        self._make = make
        self._done = done
        self._failed = failed
        self._stream: Stream
        self._steps = self._run()
        self.open = True

    def advance(self, events: int = 0) -> None:
        """Go on until something has to come from the other side."""
        try:
            wanted = next(self._steps, 0)
        except (OSError, Refused) as error:
            self.give_up(error)
            return
        if wanted:
            self._io.watch(self._sock, wanted, self.advance)
            return
        self._io.forget(self._sock)
        self.open = False
        self._done(self._stream)

    def give_up(self, reason: Exception) -> None:
        """Close the socket and tell why; nothing happens if it is proven or closed."""
        if self.open:
            self.open = False
            self._io.forget(self._sock)
            self._sock.close()
            self._failed(reason)

    def _run(self) -> Iterator[int]:
        """Yield what to wait for."""
        prepare(self._sock)
        yield from self._connect()
        certificate = b""
        if self._context is None:
            self._stream = PlainStream(self._sock)
        else:
            tls = yield from self._secure(self._context)
            self._stream = TlsStream(tls)
            certificate = digest_of(tls.getpeercert(binary_form=True) or b"")
        handshake = self._make(certificate)
        self._send(handshake.start())
        while handshake.need:
            data = memoryview(bytearray(handshake.need))
            rest = data
            while rest:
                count = self._stream.receive([rest])
                if count == 0:
                    raise Refused("it closed the connection during the handshake")
                if count is None:
                    yield READ
                else:
                    rest = rest[count:]
            self._send(handshake.receive(bytes(data)))

    def _connect(self) -> Iterator[int]:
        if self._dial is None:
            return
        code = self._sock.connect_ex(self._dial)
        if code == errno.EINPROGRESS:
            yield WRITE
            code = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def _secure(self, context: ssl.SSLContext) -> Generator[int, None, ssl.SSLSocket]:
        self._io.forget(self._sock)  # Wrapping takes the descriptor out of the old object.
        server = self._dial is None
        self._sock = tls = context.wrap_socket(self._sock, server_side=server, do_handshake_on_connect=False)
        while True:
            try:
                tls.do_handshake()
                return tls
            except ssl.SSLWantReadError:
                yield READ
            except ssl.SSLWantWriteError:
                yield WRITE

    def _send(self, data: bytes) -> None:
        # A new connection takes a hundred bytes at once.
        if data and self._stream.send([data]) != len(data):
            raise Refused("the handshake could not be sent")
