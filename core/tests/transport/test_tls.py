"""TLS with Ray's variables: members of one authority talk, plain and foreign clients are refused."""

import datetime
import ipaddress
import socket
import ssl
from contextlib import suppress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from raystreaming.errors import OptionError, PeerLost
from raystreaming.records import Batch, EndOfInput
from raystreaming.runtime.transport import Tls, tls_from_environment
from raystreaming.runtime.transport.handshake import Dialer, Membership
from raystreaming.runtime.transport.tls import digest_of


def certificate(subject, key, issuer, issuer_key, is_authority):
    name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])  # noqa: E731
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
    )
    return builder.sign(issuer_key, hashes.SHA256())


def make(folder, authority):
    """Write a key and a certificate for each of two nodes, signed by an authority of this name."""
    folder.mkdir()
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = certificate(authority, ca_key, authority, ca_key, True)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    made = []
    for node in ("a", "b"):
        key = ec.generate_private_key(ec.SECP256R1())
        own = certificate(node, key, authority, ca_key, False)
        (folder / f"{node}.pem").write_bytes(
            own.public_bytes(serialization.Encoding.PEM) + ca.public_bytes(serialization.Encoding.PEM)
        )
        (folder / f"{node}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        made.append(Tls(str(folder / f"{node}.pem"), str(folder / f"{node}.key"), str(folder / "ca.pem")))
    return made


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    return make(tmp_path_factory.mktemp("tls") / "ours", "our authority")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return make(tmp_path_factory.mktemp("tls") / "theirs", "another authority")


def works(a, b):
    a.transport.connect({"b": b.address}, {1: "b"}, {2: "b"})
    b.transport.connect({"a": a.address}, {2: "a"}, {1: "a"})
    sizes = [1, 100, 16_384, 70_000, 3_000_000, 5]
    for node, out in ((a, 1), (b, 2)):
        for n in sizes:
            node.send(out, Batch([bytes([out]) * n]))
        node.send(out, EndOfInput())
    for node, in_ in ((b, 1), (a, 2)):
        *batches, end = node.receive_until(in_, len(sizes) + 1)
        got = [x for batch in batches for x in batch.values]
        assert end == EndOfInput()
        assert got == [bytes([in_]) * n for n in sizes]
    assert a.failures.empty()
    assert b.failures.empty()


def test_members_talk(nodes, ours):
    works(nodes("a", tls=ours[0]), nodes("b", tls=ours[1]))


def test_nothing_travels_in_clear(nodes, ours):
    a, seen = nodes("a", tls=ours[0]), b""
    with socket.create_server(("127.0.0.1", 0)) as server:
        a.transport.connect({"b": server.getsockname()[:2]}, {1: "b"}, {})
        sock, _ = server.accept()
        with sock:
            seen = sock.recv(4096)
    assert seen[0] == 0x16, "a TLS handshake"
    assert b"RSt1" not in seen


def test_a_plain_client_is_refused(nodes, ours):
    a, b, plain = nodes("a", tls=ours[0]), nodes("b", tls=ours[1]), nodes("a")
    plain.transport.connect({"b": b.address}, {1: "b"}, {})
    assert isinstance(plain.failure(), PeerLost)
    works(a, b)


def test_a_certificate_of_another_authority_is_refused(nodes, ours, theirs):
    a, b, stranger = nodes("a", tls=ours[0]), nodes("b", tls=ours[1]), nodes("a", tls=theirs[0])
    stranger.transport.connect({"b": b.address}, {1: "b"}, {})
    assert isinstance(stranger.failure(), PeerLost)
    works(a, b)


def test_a_client_without_a_certificate_is_refused(nodes, ours):
    a, b = nodes("a", tls=ours[0]), nodes("b", tls=ours[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ours[0].ca)
    with socket.create_connection(b.address, timeout=30) as raw:
        # It hears of it when it reads: with TLS 1.3 its own side of the handshake is done before.
        with (
            suppress(ssl.SSLError, ConnectionError),
            context.wrap_socket(raw, server_hostname="127.0.0.1") as sock,
        ):
            sock.sendall(Dialer(Membership("a", bytes(range(32)), 1), "b", b"").start())
            assert sock.recv(1) == b""
    works(a, b)


def test_who_sits_in_between_with_another_certificate_is_refused(nodes, ours):
    """It may pass all messages on, with a certificate of the authority: the proofs name the certificate."""
    a, b = nodes("a", tls=ours[0]), nodes("b", tls=ours[1])
    context = ours[0].client()
    with socket.create_connection(b.address, timeout=30) as raw, context.wrap_socket(raw) as sock:
        dialer = Dialer(Membership("a", bytes(range(32)), 1), "b", ours[0].digest())
        sock.sendall(dialer.start())
        challenge = sock.recv(96)
        with pytest.raises(Exception, match="does not know"):
            dialer.receive(challenge)
    works(a, b)


def test_the_digest_is_that_of_the_first_certificate(nodes, ours):
    b = nodes("b", tls=ours[1])
    context = ours[0].client()
    with socket.create_connection(b.address, timeout=30) as raw, context.wrap_socket(raw) as sock:
        assert digest_of(sock.getpeercert(binary_form=True)) == ours[1].digest()


NAMES = {"RAY_TLS_SERVER_CERT": "cert", "RAY_TLS_SERVER_KEY": "key", "RAY_TLS_CA_CERT": "ca"}


@pytest.mark.parametrize("value", ["1", "true", "True"])
def test_rays_variables(value):
    assert tls_from_environment({**NAMES, "RAY_USE_TLS": value}) == Tls("cert", "key", "ca")


@pytest.mark.parametrize("env", [{}, NAMES, {**NAMES, "RAY_USE_TLS": "0"}])
def test_no_tls_unless_ray_uses_it(env):
    assert tls_from_environment(env) is None


def test_missing_variables_are_named():
    with pytest.raises(OptionError, match=r"RAY_TLS_SERVER_KEY is not set.*RAY_TLS_CA_CERT is not set"):
        tls_from_environment({"RAY_USE_TLS": "1", "RAY_TLS_SERVER_CERT": "cert"})
