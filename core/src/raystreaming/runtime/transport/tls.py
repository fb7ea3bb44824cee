"""TLS between workers, where Ray itself uses it, with the same certificates."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from raystreaming.errors import OptionError


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files.

    Attributes:
        cert: Certificate of this node.
        key: Its key.
        ca: The authority that has signed the certificates of all nodes.
    """

    cert: str
    key: str
    ca: str

    def client(self) -> ssl.SSLContext:
        """Return the settings for connections that this worker opens."""
        # No names are compared: nodes share certificates in many clusters. The handshake proves who
        # the peer is, and that it is the owner of the certificate.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        return self._loaded(context)

    def server(self) -> ssl.SSLContext:
        """Return the settings for connections that this worker accepts."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.num_tickets = 0
        return self._loaded(context)

    def digest(self) -> bytes:
        """Return the digest of this node's certificate, as peers see it."""
        pem = Path(self.cert).read_text(encoding="ascii", errors="replace")
        end = "-----END CERTIFICATE-----"
        first = pem[pem.index("-----BEGIN CERTIFICATE-----") : pem.index(end) + len(end)]
        return digest_of(ssl.PEM_cert_to_DER_cert(first))

    def _loaded(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(self.cert, self.key)
        context.load_verify_locations(self.ca)
        return context


def digest_of(certificate: bytes) -> bytes:
    """Return the digest of a certificate in DER form."""
    return hashlib.sha256(certificate).digest()


_VARIABLES = ("RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT")


def tls_from_environment(env: Mapping[str, str]) -> Tls | None:
    """Return what Ray's variables say; None where Ray uses no TLS.

    Raises:
        OptionError: RAY_USE_TLS is set and others are missing.
    """
    if env.get("RAY_USE_TLS", "0").lower() not in ("1", "true"):
        return None
    if missing := [name for name in _VARIABLES if not env.get(name)]:
        raise OptionError(
            "RAY_USE_TLS", [f"{name} is not set; it is the path of a PEM file" for name in missing]
        )
    return Tls(*(env[name] for name in _VARIABLES))
