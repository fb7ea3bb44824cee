"""How two workers prove to each other that they belong to one attempt of one job; no socket here.

The worker that dials (D) and the one that accepts (A) share a secret that travels by Ray only::

    D -> A   hello:      magic, attempt, D's nonce, D's identity
    A -> D   challenge:  A's nonce, A's identity, HMAC(secret, "acceptor" + all that was said)
    D -> A   proof:      HMAC(secret, "dialer" + all that was said)

All messages have a fixed size. The two labels keep a proof from being sent back as one's own. With TLS,
the certificate that A shows is part of what is proven, so nobody can sit in between with another one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import struct
from typing import Protocol

_MAGIC = b"RSt1"
_NONCE = 32
_DIGEST = 32
_HELLO = struct.Struct(f"<4sI{_NONCE}s{_DIGEST}s")
_CHALLENGE = struct.Struct(f"<{_NONCE}s{_DIGEST}s{_DIGEST}s")


class Refused(Exception):
    """The other side has not proven that it belongs here."""


def identity(name: str) -> bytes:
    """Return the identity of the worker `name`: of fixed size, however long names are."""
    return hashlib.sha256(name.encode()).digest()


class Membership:
    """What a worker proves.

    Args:
        name: Name of this worker.
        secret: The secret of the job.
        attempt: Number of the attempt; workers of others are refused.
    """

    def __init__(self, name: str, secret: bytes, attempt: int) -> None:
        if len(secret) < 16:
            raise ValueError("the secret needs at least 16 random bytes")
        self.identity = identity(name)
        self.attempt = attempt
        self._secret = secret

    def mac(self, role: bytes, *said: bytes) -> bytes:
        """Return the proof of one side; all parts have fixed sizes."""
        return hmac.digest(self._secret, role + b"".join(said), "sha256")


class Handshake(Protocol):
    """One side of a handshake.

    Attributes:
        need: How many bytes `receive` wants next; 0 when the other side is proven.
    """

    need: int

    def start(self) -> bytes:
        """Return what is to be sent first."""
        ...

    def receive(self, data: bytes) -> bytes:
        """Take exactly `need` bytes and return what is to be sent.

        Raises:
            Refused: The other side is not what it has to be.
        """
        ...


class Dialer:
    """The side that opens the connection.

    Args:
        me: This worker.
        peer: Name of the worker that is dialled.
        binding: Digest of the certificate that it showed; empty without TLS.
    """

    def __init__(self, me: Membership, peer: str, binding: bytes) -> None:
        self.need = _CHALLENGE.size
        self._me = me
        self._peer = identity(peer)
        self._binding = binding
        self._hello = _HELLO.pack(_MAGIC, me.attempt, secrets.token_bytes(_NONCE), me.identity)

    def start(self) -> bytes:
        return self._hello

    def receive(self, data: bytes) -> bytes:
        nonce, identity_, mac = _CHALLENGE.unpack(data)
        said = (self._hello, nonce, identity_, self._binding)
        if not hmac.compare_digest(mac, self._me.mac(b"acceptor", *said)):
            raise Refused("it does not know the job's secret")
        if identity_ != self._peer:
            raise Refused("another worker answered at its address")
        self.need = 0
        return self._me.mac(b"dialer", *said)


class Acceptor:
    """The side that accepts the connection.

    Args:
        me: This worker.
        binding: Digest of the certificate that this worker showed; empty without TLS.

    Attributes:
        peer: The identity of the other side; proven once `need` is 0.
    """

    def __init__(self, me: Membership, binding: bytes) -> None:
        self.need = _HELLO.size
        self.peer = b""
        self._me = me
        self._binding = binding
        self._expected: bytes | None = None

    def start(self) -> bytes:
        return b""

    def receive(self, data: bytes) -> bytes:
        if self._expected is None:
            return self._challenge(data)
        if not hmac.compare_digest(data, self._expected):
            raise Refused("it does not know the job's secret")
        self.need = 0
        return b""

    def _challenge(self, hello: bytes) -> bytes:
        magic, attempt, _, self.peer = _HELLO.unpack(hello)
        if magic != _MAGIC:
            raise Refused("it does not speak this protocol")
        if attempt != self._me.attempt:
            raise Refused(f"it belongs to attempt {attempt}, this is attempt {self._me.attempt}")
        nonce = secrets.token_bytes(_NONCE)
        said = (hello, nonce, self._me.identity, self._binding)
        self._expected = self._me.mac(b"dialer", *said)
        self.need = _DIGEST
        return _CHALLENGE.pack(nonce, self._me.identity, self._me.mac(b"acceptor", *said))
