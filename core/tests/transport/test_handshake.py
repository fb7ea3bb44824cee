"""The handshake without sockets: who knows the secret gets in, nobody else does."""

import pytest

from raystreaming.runtime.transport.handshake import Acceptor, Dialer, Membership, Refused, identity

SECRET = bytes(32)


def shake(dialer, acceptor, change=lambda n, data: data):
    """Run a handshake; `change` may alter message number `n` on its way."""
    hello = change(0, dialer.start())
    assert len(hello) == acceptor.need
    challenge = change(1, acceptor.receive(hello))
    assert len(challenge) == dialer.need
    proof = change(2, dialer.receive(challenge))
    assert len(proof) == acceptor.need
    assert acceptor.receive(proof) == b""
    assert dialer.need == acceptor.need == 0


def sides(secrets=(SECRET, SECRET), attempts=(1, 1), bindings=(b"", b""), dialled="b"):
    return (
        Dialer(Membership("a", secrets[0], attempts[0]), dialled, bindings[0]),
        Acceptor(Membership("b", secrets[1], attempts[1]), bindings[1]),
    )


def test_members_of_one_attempt_let_each_other_in():
    dialer, acceptor = sides()
    shake(dialer, acceptor)
    assert acceptor.peer == identity("a")


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({"secrets": (SECRET, b"another secret, of enough bytes")}, "does not know the job's secret"),
        ({"attempts": (1, 2)}, "belongs to attempt 1, this is attempt 2"),
        ({"bindings": (b"certificate", b"that of somebody in between")}, "does not know the job's secret"),
        ({"dialled": "c"}, "another worker answered"),
    ],
)
def test_others_do_not(different, reason):
    with pytest.raises(Refused, match=reason):
        shake(*sides(**different))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_no_byte_can_be_changed(number):
    size = [72, 96, 32][number]
    for position in range(size):

        def change(n, data, position=position):
            if n != number:
                return data
            assert len(data) == size
            return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]

        with pytest.raises(Refused):
            shake(*sides(), change)


def test_a_proof_serves_once():
    dialer, acceptor = sides()
    said = []
    shake(dialer, acceptor, lambda n, data: said.append(data) or data)
    _, fresh = sides()
    fresh.receive(said[0])
    with pytest.raises(Refused):
        fresh.receive(said[2])


def test_the_acceptors_proof_is_none_of_the_dialer():
    dialer, acceptor = sides()
    challenge = acceptor.receive(dialer.start())
    with pytest.raises(Refused):
        acceptor.receive(challenge[-32:])


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="at least 16 random bytes"):
        Membership("a", b"secret", 1)
