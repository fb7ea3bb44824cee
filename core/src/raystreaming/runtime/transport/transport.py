"""`Transport`: sends and receives the frames of one worker."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeAlias

from raystreaming.errors import PeerLost
from raystreaming.observe.notices import log
from raystreaming.records import Batch, Frame
from raystreaming.records.codec import decode, encode
from raystreaming.runtime.transport.credits import Outgoing, ReceiveWindow, SendWindow
from raystreaming.runtime.transport.handshake import Acceptor, Dialer, Membership, Refused, identity
from raystreaming.runtime.transport.io_thread import READ, WRITE, IoThread
from raystreaming.runtime.transport.link import Link
from raystreaming.runtime.transport.merging import Merger
from raystreaming.runtime.transport.opening import Opening
from raystreaming.runtime.transport.stream import Stream
from raystreaming.runtime.transport.tls import Tls
from raystreaming.runtime.transport.wire import CREDIT, DATA, Arrived, WireError, credit_message, data_message

Address: TypeAlias = tuple[str, int]

HANDSHAKE_SECONDS = 5.0
"""How long an accepted connection may take to prove itself."""

MAX_UNPROVEN = 64
"""Accepted connections that have not proven themselves; one more, and the oldest is closed."""

GOODBYE_SECONDS = 1.0
"""How long `close` waits for peers to take what is sent."""


class _Out(NamedTuple):
    """A channel that this worker sends."""

    link: Link
    merger: Merger
    window: SendWindow


class _In(NamedTuple):
    """A channel that this worker receives."""

    link: Link
    window: ReceiveWindow


class Transport:
    """Carries frames between this worker and its peers, one connection per peer.

    The loop thread sends, decodes and tells what is consumed; a thread of the transport receives, sends what
    the loop thread could not send at once, and gives credit its effect. It listens from the start.

    Args:
        name: Name of this worker.
        host: Address to listen on.
        secret: Secret of the job, at least 16 random bytes; who knows it may run code in the workers.
        attempt: Number of the attempt; workers of other attempts are refused.
        deliver: Called in the transport's thread with messages to `decode`; with an empty list when a channel
            has room again.
        failed: Called in the transport's thread with a `PeerLost` when a peer is gone or cannot be reached.
        buffer_timeout: Seconds that records may wait for others to go with them; 0 sends each frame at once.
        window: Bytes of a channel that may be under way.
        tls: Certificates; None for plain TCP.
        connect_timeout: Seconds until all peers have to be connected.

    Attributes:
        address: Where it listens.
    """

    def __init__(
        self,
        name: str,
        host: str,
        secret: bytes,
        attempt: int,
        deliver: Callable[[list[Arrived]], None],
        failed: Callable[[BaseException], None],
        *,
        buffer_timeout: float = 0.005,
        window: int = 1 << 20,
        tls: Tls | None = None,
        connect_timeout: float = 30.0,
    ) -> None:
        self.name = name
        self._me = Membership(name, secret, attempt)
        self._deliver = deliver
        self._failed = failed
        self._buffer_timeout = buffer_timeout
        self._window = window
        self._connect_timeout = connect_timeout
        self._client: ssl.SSLContext | None = tls.client() if tls else None
        self._server: ssl.SSLContext | None = tls.server() if tls else None
        self._certificate = tls.digest() if tls else b""
        self._peers: Mapping[str, Address] = {}
        self._links: dict[str, Link] = {}
        self._out: dict[int, _Out] = {}
        self._in: dict[int, _In] = {}
        self._collecting: dict[int, Merger] = {}
        # The I/O thread's own.
        self._unproven: dict[Opening, None] = {}
        self._dialled: list[Opening] = []
        self._early: dict[bytes, Stream] = {}
        self._connected = False
        self._closing = False
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=MAX_UNPROVEN)
        self._listener.setblocking(False)
        self.address: Address = self._listener.getsockname()[:2]
        self._io = IoThread(f"{name} transport", self._broke, self._release)
        self._io.call(lambda: self._io.watch(self._listener, READ, self._accept))
        self._io.start()

    # The loop thread ---------------------------------------------------------------------

    def connect(
        self,
        peers: Mapping[str, Address],
        channels_out: Mapping[int, str],
        channels_in: Mapping[int, str],
    ) -> None:
        """Begin to connect; called once. Frames may be sent right away.

        Args:
            peers: Where the other workers listen, by name.
            channels_out: Which peer each channel goes to.
            channels_in: Which peer each channel comes from.
        """
        self._peers = dict(peers)
        self._links = {peer: Link(peer) for peer in peers}
        for channel, peer in channels_out.items():
            self._out[channel] = _Out(
                self._links[peer], Merger(self._buffer_timeout), SendWindow(self._window)
            )
        for channel, peer in channels_in.items():
            self._in[channel] = _In(self._links[peer], ReceiveWindow(self._window))
        self._io.call(self._connect)

    def send(self, frame: Frame) -> None:
        """Send the next frame of its channel, now or with others; never blocks.

        Raises:
            TransferError: A record cannot be pickled.
        """
        out = self._out[frame.channel]
        out.merger.most = max(1, out.window.records // 2)
        for ready in out.merger.add(frame, time.monotonic()):
            self._transmit(out, ready)
        if out.merger.due is None:
            self._collecting.pop(frame.channel, None)
        else:
            self._collecting[frame.channel] = out.merger

    def has_room(self, channel: int) -> bool:
        """Return whether the channel should get more; if not, `deliver` tells when it has room again."""
        return self._out[channel].window.has_room()

    def most(self, channel: int) -> int:
        """Return how many records of an outgoing channel may be under way."""
        return self._out[channel].window.records

    def flush(self, now: float) -> None:
        """Send what has waited long enough at the time `now` of the monotonic clock."""
        due = [c for c, merger in self._collecting.items() if merger.due is not None and merger.due <= now]
        for channel in due:
            del self._collecting[channel]
            out = self._out[channel]
            for frame in out.merger.take():
                self._transmit(out, frame)

    def next_flush(self) -> float | None:
        """Return when `flush` has something to do; None if nothing waits."""
        return min((m.due for m in self._collecting.values() if m.due is not None), default=None)

    def decode(self, arrived: Arrived) -> Frame:
        """Return the frame of a message; each message once, in the order in which they came."""
        element = decode(arrived.buffers())
        frame = Frame(arrived.channel, arrived.incarnation, arrived.number, element)
        self._in[arrived.channel].window.arrived(frame.offset + len(frame), arrived.size, len(frame))
        return frame

    def consumed(self, channel: int, offset: int, most: int) -> None:
        """Tell that everything before `offset` of an incoming channel is consumed.

        Args:
            channel: The channel.
            offset: The first offset that is not consumed.
            most: How many records may be under way, by how long the receiving task takes for one.
        """
        link, window = self._in[channel]
        credit = window.consumed(offset, most)
        if credit is not None and link.send([credit_message(channel, credit, most)]):
            self._io.call(partial(self._watch_for_writing, link))

    def close(self) -> None:
        """Say goodbye and end all connections, and the thread; any thread may call it, more than once.

        What was sent to connected peers goes out, unless one does not take it within a second. What is
        still collected does not.
        """
        self._io.call(self._shut)
        self._io.join()

    def _transmit(self, out: _Out, frame: Frame) -> None:
        """Encode a frame and send it, or keep it until there is credit."""
        for piece in out.merger.cut(frame):
            buffers = data_message(piece, encode(piece.element))
            size = sum(map(len, buffers))
            out.merger.encoded(piece, size)
            mark = not isinstance(piece.element, Batch)
            message = Outgoing(buffers, size, len(piece), mark)
            if out.link.offer(out.window, message):
                self._io.call(partial(self._watch_for_writing, out.link))

    # The I/O thread: making connections --------------------------------------------------

    def _accept(self, _: int) -> None:
        try:
            sock, address = self._listener.accept()
        except OSError:  # It is gone again, or this process has no descriptor left for it.
            return
        if len(self._unproven) == MAX_UNPROVEN:
            next(iter(self._unproven)).give_up(Refused("too many others came after it"))
        acceptor = Acceptor(self._me, self._certificate)

        def done(stream: Stream) -> None:
            del self._unproven[opening]
            self._accepted(acceptor.peer, stream)

        def failed(reason: Exception) -> None:
            del self._unproven[opening]
            log.debug("worker %s refused a connection from %s: %s", self.name, address[:2], reason)

        opening = Opening(self._io, sock, None, self._server, lambda _: acceptor, done, failed)
        self._unproven[opening] = None
        self._io.after(HANDSHAKE_SECONDS, lambda: opening.give_up(TimeoutError("it took too long")))
        opening.advance()

    def _accepted(self, peer: bytes, stream: Stream) -> None:
        """Keep a proven connection for `connect`, or take it."""
        if not self._connected:
            self._early.setdefault(peer, stream)
            if self._early[peer] is not stream:
                stream.sock.close()
            return
        link = next((li for li in self._links.values() if identity(li.peer) == peer), None)
        if link is None or link.stream is not None or link.over:
            stream.sock.close()
        else:
            self._open(link, stream)

    def _connect(self) -> None:
        self._connected = True
        if self._closing:
            return
        for link in self._links.values():
            # Of two workers, the one whose name comes first dials.
            if self.name < link.peer:
                self._dial(link)
            else:
                self._io.after(self._connect_timeout, partial(self._check, link))
        early, self._early = self._early, {}
        for peer, stream in early.items():
            self._accepted(peer, stream)

    def _dial(self, link: Link) -> None:
        address = self._peers[link.peer]
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        opening = Opening(
            self._io,
            socket.socket(family, socket.SOCK_STREAM),
            address,
            self._client,
            partial(Dialer, self._me, link.peer),
            partial(self._open, link),
            partial(self._lost, link),
        )
        self._dialled.append(opening)
        late = TimeoutError(f"no connection within {self._connect_timeout:g} s")
        self._io.after(self._connect_timeout, lambda: opening.give_up(late))
        opening.advance()

    def _check(self, link: Link) -> None:
        """Give up a peer that has not dialled."""
        if link.stream is None:
            self._lost(link, TimeoutError(f"it has not connected within {self._connect_timeout:g} s"))

    def _open(self, link: Link, stream: Stream) -> None:
        link.opened(stream)
        if self._closing:
            self._end(link)
        else:
            self._watch_for_writing(link)

    # The I/O thread: at work -------------------------------------------------------------

    def _watch_for_writing(self, link: Link) -> None:
        if link.stream is not None:
            self._io.watch(link.stream.sock, READ | WRITE, partial(self._serve, link))

    def _serve(self, link: Link, events: int) -> None:
        try:
            if events & READ:
                self._receive(link)
            if events & WRITE and link.stream is not None and not link.write():
                self._io.watch(link.stream.sock, READ, partial(self._serve, link))
                if self._closing:
                    # Not SSLSocket.shutdown, which would forget TLS. The peer answers by closing.
                    socket.socket.shutdown(link.stream.sock, socket.SHUT_WR)
        except (OSError, WireError) as error:
            self._lost(link, error)

    def _receive(self, link: Link) -> None:
        messages, ended = link.receive()
        arrived: list[Arrived] = []
        room = False
        for message in messages:
            if message.kind == DATA:
                channel = self._in.get(message.channel)
                if channel is None or channel.link is not link:
                    raise WireError(f"channel {message.channel} does not come from {link.peer!r}")
                arrived.append(message)
            elif message.kind == CREDIT:
                room |= self._credit(link, message)
            else:
                link.left = True
        if (arrived or room) and not self._closing:
            self._deliver(arrived)
        if ended:
            self._lost(link, ConnectionError("the connection was closed"))

    def _credit(self, link: Link, message: Arrived) -> bool:
        """Give credit its effect; return whether somebody waits for it."""
        out = self._out.get(message.channel)
        if out is None or out.link is not link:
            raise WireError(f"channel {message.channel} does not go to {link.peer!r}")
        if link.credit(out.window, message.number, message.incarnation):
            self._watch_for_writing(link)
        return out.window.watched and out.window.has_room()

    def _lost(self, link: Link, reason: Exception) -> None:
        """End a link, and tell about it unless it was to end."""
        if link.over:
            return
        self._end(link)
        if link.left or self._closing:
            return
        host, port = self._peers[link.peer]
        error = PeerLost(
            f"worker {link.peer!r} at {host}:{port} is lost: {reason}. If it is alive, check that its node "
            f"accepts connections from this one, and that both run the same attempt of the job with the same "
            f"TLS settings"
        )
        error.__cause__ = reason
        self._failed(error)

    # The I/O thread: the end -------------------------------------------------------------

    def _shut(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._io.forget(self._listener)
        self._listener.close()
        self._io.after(GOODBYE_SECONDS, self._io.stop)
        for link in self._links.values():
            link.say_goodbye()
            if link.stream is None:
                self._end(link)
            else:
                self._watch_for_writing(link)
        self._stop_if_idle()

    def _end(self, link: Link) -> None:
        stream = link.end()
        if stream is not None:
            self._io.forget(stream.sock)
            stream.sock.close()
        if self._closing:
            self._stop_if_idle()

    def _stop_if_idle(self) -> None:
        if all(link.over for link in self._links.values()):
            self._io.stop()

    def _broke(self, error: BaseException) -> None:
        if not self._closing:
            self._failed(error)

    def _release(self) -> None:
        """Close what is open when the thread ends."""
        self._closing = True
        self._listener.close()
        for opening in [*self._unproven, *self._dialled]:
            opening.give_up(Refused("this worker is closing"))
        for stream in self._early.values():
            stream.sock.close()
        for link in self._links.values():
            self._end(link)
