"""SASL and TLS against a real broker, and that no secret is found anywhere afterwards."""

from __future__ import annotations

import io
import logging
import pickle
import socket
import traceback
from types import SimpleNamespace

import pytest

from raystreaming import StreamingContext
from raystreaming.cli.main import main
from raystreaming.connector import OptionError, PlanContext, Secret, Terminal, WriterContext
from raystreaming_kafka import KafkaSink, KafkaSource
from raystreaming_test_support.secure_kafka import SecureBroker
from raystreaming_test_support.topics import create_topic

CANARY = "canary-Pa55word"
KEY_CANARY = "canary-K3yword"
WRONG = "canary-Wr0ngword"
ALL = (CANARY, KEY_CANARY, WRONG)
MECHANISMS = ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]
LIBRARIES = ("kafka", "raystreaming", "confluent_kafka")


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    with SecureBroker(folder, {"alice": CANARY}, KEY_CANARY) as broker:
        create_topic(broker.servers, "t")
        yield broker


@pytest.fixture
def said(capfd):
    """Everything that is logged, at every level, and printed meanwhile; it must hold no secret."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    loggers = [logging.getLogger(), *map(logging.getLogger, LIBRARIES)]
    levels = [(logger, logger.level) for logger in loggers]
    logging.getLogger().addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        logging.getLogger().removeHandler(handler)
        for logger, level in levels:
            logger.setLevel(level)
    out, err = capfd.readouterr()
    assert_clean(stream.getvalue() + out + err)


def assert_clean(text):
    for line in text.splitlines():
        for secret in ALL:
            assert secret not in line, line.replace(secret, "<the secret>")


def by_sasl(broker, mechanism, password=CANARY, **more):
    return {
        "servers": broker.sasl_servers,
        "sasl": mechanism,
        "username": "alice",
        "password": password,
        "tls": True,
        "tls_ca": str(broker.certificates / "ca.pem"),
        **more,
    }


def by_certificate(broker, key_password=KEY_CANARY, **more):
    return {
        "servers": broker.tls_servers,
        "tls": True,
        "tls_ca": str(broker.certificates / "ca.pem"),
        "tls_certificate": str(broker.certificates / "client.pem"),
        "tls_key": str(broker.certificates / "client.key"),
        "tls_key_password": key_password,
        **more,
    }


def through(broker, folder, options, said):
    """Write and read a message in jobs; return what was read and everything that could be seen."""
    create_topic(broker.servers, topic := f"t-{folder.name}")
    ctx = StreamingContext(checkpoint_dir=folder / "state")
    stream = ctx.from_collection(["hello"])
    stream.write_kafka(topic=topic, format="string", **options)
    seen = [ctx.explain(), repr(ctx), repr(stream)]
    ctx.execute("write")
    ctx = StreamingContext(checkpoint_dir=folder / "state")
    ctx.read_kafka(topics=[topic], group="g", stop="latest", format="string", **options).collect()
    seen.append(ctx.explain())
    job = ctx.execute("read")
    seen += [repr(job), repr(job.status())]
    files = [path for path in (folder / "state").rglob("*") if path.is_file()]
    assert files, "no checkpoint to look into"
    seen += [path.read_bytes().decode("latin-1") for path in files]
    assert_clean("\n".join(seen))
    assert said.getvalue(), "nothing was logged: the search shows nothing"
    return job.result()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_sasl(secure, client, mechanism, tmp_path, said):
    options = by_sasl(secure, mechanism, client=client)
    assert through(secure, tmp_path, options, said) == ["hello"]


def test_a_certificate_of_ones_own(secure, client, tmp_path, said):
    assert through(secure, tmp_path, by_certificate(secure, client=client), said) == ["hello"]


def test_debug_output_of_librdkafka(secure, tmp_path, said):
    options = by_sasl(secure, "SCRAM-SHA-512", client_options={"debug": "security,broker,conf"})
    assert through(secure, tmp_path, options, said) == ["hello"]
    assert "librdkafka" in said.getvalue()


def test_secrets_that_are_looked_up_where_they_are_used(secure, client, tmp_path, said, monkeypatch):
    monkeypatch.setenv("THE_PASSWORD", CANARY)
    (tmp_path / "key-password").write_text(KEY_CANARY + "\n")
    for options in (
        by_sasl(secure, "SCRAM-SHA-256", "${env:THE_PASSWORD}", client=client),
        by_certificate(secure, f"${{file:{tmp_path / 'key-password'}}}", client=client),
    ):
        folder = tmp_path / f"{tmp_path.name}-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        assert through(secure, folder, options, said) == ["hello"]
        source = KafkaSource(topics=["t"], **options)
        assert not any(secret.encode() in pickle.dumps(source) for secret in ALL)


def test_describing_what_is_there(secure, client, tmp_path, capfd, monkeypatch):
    """The line that it prints reads the topic, and finds the secrets elsewhere."""
    create_topic(secure.servers, topic := f"t-{tmp_path.name}")
    for options, variable, secret in (
        (by_sasl(secure, "PLAIN", client=client), "KAFKA_PASSWORD", CANARY),
        (by_certificate(secure, client=client), "KAFKA_TLS_KEY_PASSWORD", KEY_CANARY),
    ):
        flags = [(f"--{name.replace('_', '-')}", value) for name, value in options.items()]
        given = [text for name, value in flags for text in ([name] if value is True else [name, value])]
        assert main(["describe", "kafka", *given, "--topics", topic]) == 0
        out, err = capfd.readouterr()
        assert_clean(out + err)
        (line,) = (line for line in out.splitlines() if "ctx." in line)
        monkeypatch.setenv(variable, secret)
        ctx = StreamingContext()
        eval(line, {"ctx": ctx}).collect()
        assert ctx.execute("read").result() == []


def refused(options, said):
    """Return what the source and the sink say, as one text."""
    texts = []
    source = KafkaSource(topics=["t"], stop="latest", **options)
    sink = KafkaSink(topic="t", **options)
    for call in (
        lambda: source.plan(PlanContext()),
        lambda: sink.open(None, WriterContext()),
    ):
        with pytest.raises(Terminal) as caught:
            call()
        texts.append(str(caught.value))
        trace = "".join(traceback.format_exception(caught.value))
        assert_clean(trace + repr(caught.value))
    return "\n".join(texts)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password(secure, client, mechanism, said):
    text = refused(by_sasl(secure, mechanism, WRONG, client=client), said)
    assert text.count("was refused") == 2
    assert text.count("password=") == 2
    assert secure.sasl_servers in text


@pytest.mark.parametrize("transport", ["KafkaTCPTransport", "KafkaSSLTransport"])
def test_what_came_with_the_end_of_a_connection_is_kept(transport):
    """A refusal, that is, which kafka-python drops when it reads both at once."""
    kafka_python = pytest.importorskip("raystreaming_kafka.clients.kafka_python_connect")
    receive = getattr(kafka_python.library.net.transport, transport)._sock_recv
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        theirs.sendall(b"refused")
        theirs.close()
        reader = SimpleNamespace(_sock=ours)
        assert receive(reader) == (b"refused", None)
        data, error = receive(reader)
        assert data == b""
        assert error is not None


def test_brokers_of_another_authority(secure, client, said):
    other = str(secure.certificates / "other-ca.pem")
    text = refused(by_sasl(secure, "PLAIN", client=client, tls_ca=other), said)
    assert text.count("tls_ca=") == 2


def test_a_wrong_password_of_the_key(secure, client, said, impatient):
    text = refused(by_certificate(secure, WRONG, client=client), said)
    assert "tls_key_password" in text or "ssl" in text.lower()


def test_a_certificate_file_that_is_not_there(secure, client, said):
    text = refused(by_sasl(secure, "PLAIN", client=client, tls_ca="/no/such/ca.pem"), said)
    assert text.count("(tls_ca='/no/such/ca.pem'): the file cannot be read") == 2


def test_a_variable_that_is_not_set(secure, client, said):
    text = refused(by_sasl(secure, "PLAIN", "${env:NO_SUCH_VARIABLE}", client=client), said)
    assert text.count("environment variable NO_SUCH_VARIABLE, which is not set") == 2


def test_a_file_that_is_not_there(secure, client, said):
    text = refused(by_sasl(secure, "PLAIN", "${file:/no/such/file}", client=client), said)
    assert text.count("file /no/such/file, which cannot be read") == 2


@pytest.mark.parametrize("secret", [str, Secret])
@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda **o: KafkaSource(topics=["t"], servers="h:1", **o), "source"),
        (lambda **o: KafkaSink(topic="t", servers="h:1", **o), "sink"),
    ],
)
def test_what_can_be_printed_of_options(make, names, secret):
    options = make(
        sasl="PLAIN",
        username="alice",
        password=secret(CANARY),
        tls=True,
        tls_certificate=__file__,
        tls_key=__file__,
        tls_key_password=secret(KEY_CANARY),
        client_options={"anything": secret(WRONG)},
    )
    connection = options.connection()
    assert_clean(f"{options!r} {options} {connection!r} {connection.hide(' '.join(ALL))}")
    assert pickle.loads(pickle.dumps(options)) == options
    for wrong in ({"password": secret(CANARY)}, {"client_options": secret(CANARY)}, {"tls": secret(CANARY)}):
        with pytest.raises(OptionError) as caught:
            make(**wrong)
        if "tls" not in wrong or secret is Secret:
            assert_clean(str(caught.value))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"password": "x"}, "option 'password' needs sasl="),
        ({"sasl": "PLAIN", "username": "u"}, "sasl='PLAIN' needs password="),
        ({"sasl": "GSSAPI"}, "'SCRAM-SHA-512'"),
        ({"tls_ca": "f"}, "option 'tls_ca' needs tls=True"),
        ({"tls": True, "tls_key": "f"}, "tls_certificate= and tls_key= go together"),
        ({"tls": True, "tls_key_password": "x"}, "needs tls_key="),
        ({"tls": True, "client_options": {"security.protocol": "SSL"}}, "use tls= for it"),
        ({"tls": True, "tls_ca": "f", "client_options": {"ssl.ca.location": "g"}}, "use tls_ca= for it"),
    ],
)
def test_what_is_wrong_is_said(options, problem):
    for make in (
        lambda: KafkaSource(topics=["t"], servers="h:1", **options),
        lambda: KafkaSink(topic="t", servers="h:1", **options),
    ):
        with pytest.raises(OptionError) as caught:
            make()
        (found,) = caught.value.problems
        assert problem in found
