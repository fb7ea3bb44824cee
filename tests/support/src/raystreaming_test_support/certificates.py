"""Certificates for tests, made when they are needed: an authority, a server, a client.

Only this module needs `cryptography`.
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_PEM = serialization.Encoding.PEM


def make_certificates(folder: Path, key_password: str) -> None:
    """Write `ca.pem`; `server.pem` (key and certificate); `client.pem` and `client.key`; `other-ca.pem`.

    Args:
        folder: An existing folder.
        key_password: What `client.key` is encrypted with.
    """
    ca_key, other_key = _key(), _key()
    ca = _certificate("authority", ca_key, None, ca_key)
    (folder / "ca.pem").write_bytes(ca.public_bytes(_PEM))
    other = _certificate("stranger", other_key, None, other_key)
    (folder / "other-ca.pem").write_bytes(other.public_bytes(_PEM))
    server, client = _key(), _key()
    (folder / "server.pem").write_bytes(
        _private(server, serialization.NoEncryption())
        + _certificate("server", server, ca, ca_key).public_bytes(_PEM)
    )
    (folder / "client.pem").write_bytes(_certificate("client", client, ca, ca_key).public_bytes(_PEM))
    encrypted = serialization.BestAvailableEncryption(key_password.encode())
    (folder / "client.key").write_bytes(_private(client, encrypted))


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _private(key: ec.EllipticCurvePrivateKey, encryption: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, encryption)


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None,
    authority_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.datetime.now(datetime.timezone.utc)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(authority.subject if authority else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
    )
    return builder.sign(authority_key, hashes.SHA256())
