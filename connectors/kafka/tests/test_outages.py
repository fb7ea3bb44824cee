"""Brokers that go away, offsets that go away, and things that were never there."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import time

import pytest

from raystreaming.connector import PlanContext, Retryable, Terminal

# kafka-python leaves the sockets of failed connections to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def collected():
    yield
    gc.collect()


def numbered(count, lead="m"):
    return [f"{lead}{i}".encode() for i in range(count)]


def read_for(reader, seconds, into):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        fetched = reader.read(1000, time.monotonic() + 0.1)
        if fetched is not None:
            into.fetched.append(fetched)


def said(caplog, level):
    return [r.getMessage() for r in caplog.records if r.levelno == level and r.name == "raystreaming.kafka"]


@pytest.mark.slow
def test_a_broker_killed_and_restarted_while_reading(own_kafka, client, caplog, capfd):
    """It warns once, goes on by itself, and loses and repeats nothing."""
    kafka = own_kafka
    topic = kafka.topic(2)
    values = [b"%06d" % i * 20 for i in range(30_000)]
    kafka.produce(topic, values, 0)
    kafka.produce(topic, values[:9000], 1)
    caplog.set_level(logging.INFO, logger="raystreaming.kafka")
    source = kafka.source(topic, client=client, warn_after="1s", prefetch_memory="1MiB")
    splits = source.plan(PlanContext())
    reader = kafka.open(source, splits)
    drained = kafka.drain(reader, records=2000)
    kafka.broker.kill()
    read_for(reader, 3.5, drained)
    assert len(drained.ends) < 2, "it had fetched everything before the kill: the test shows nothing"
    assert said(caplog, logging.WARNING) == [f"no broker of {kafka.servers} reachable for 1 s; waiting"]
    kafka.broker.restart()
    kafka.drain(reader, ends=2, into=drained)
    reader.close()
    assert drained.rows == {f"{topic}-0": values, f"{topic}-1": values[:9000]}
    assert len(said(caplog, logging.WARNING)) == 1
    (back,) = said(caplog, logging.INFO)
    assert "reachable again" in back
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_an_idle_reader_notices_an_outage_and_its_end(own_kafka, client, caplog):
    kafka = own_kafka
    topic = kafka.topic()
    caplog.set_level(logging.INFO, logger="raystreaming.kafka")
    source = kafka.source(topic, client=client, warn_after="1s", stop=None)
    reader = kafka.open(source, source.plan(PlanContext()))
    drained = kafka.drain(reader, records=0)
    read_for(reader, 2.5, drained)
    assert not said(caplog, logging.WARNING), "a quiet topic is no outage"
    kafka.broker.kill()
    read_for(reader, 3.5, drained)
    assert len(said(caplog, logging.WARNING)) == 1
    kafka.broker.restart()
    deadline = time.monotonic() + 30
    while not said(caplog, logging.INFO):
        assert time.monotonic() < deadline
        read_for(reader, 0.2, drained)
    kafka.produce(topic, numbered(3))
    kafka.drain(reader, records=3, into=drained)
    assert drained.rows == {f"{topic}-0": numbered(3)}
    reader.close()


@pytest.mark.slow
def test_a_short_outage_is_not_worth_a_word(own_kafka, client, caplog):
    kafka = own_kafka
    topic = kafka.topic()
    caplog.set_level(logging.INFO, logger="raystreaming.kafka")
    source = kafka.source(topic, client=client, warn_after="60s", stop=None)
    reader = kafka.open(source, source.plan(PlanContext()))
    drained = kafka.drain(reader, records=0)
    read_for(reader, 0.5, drained)
    kafka.broker.kill()
    kafka.broker.restart()
    kafka.produce(topic, numbered(3))
    kafka.drain(reader, records=3, into=drained)
    assert drained.rows == {f"{topic}-0": numbered(3)}
    assert not said(caplog, logging.WARNING)
    assert not said(caplog, logging.INFO)
    reader.close()


@pytest.mark.slow
def test_closing_while_no_broker_is_there(own_kafka, client):
    kafka = own_kafka
    topic = kafka.topic()
    kafka.produce(topic, numbered(5))
    source = kafka.source(topic, client=client, group="g", stop=None)
    reader = kafka.open(source, source.plan(PlanContext()))
    kafka.drain(reader, records=5)
    kafka.broker.kill()
    time.sleep(0.5)
    reader.commit({f"{topic}-0": 5})
    started = time.monotonic()
    reader.close()
    assert time.monotonic() - started < 20


def test_retention_has_deleted_what_was_to_be_read(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, numbered(100))
    source = kafka.source(topic, client=client)
    splits = source.plan(PlanContext())
    kafka.delete_before(topic, 60)
    reader = kafka.open(source, splits, {f"{topic}-0": 10})
    with pytest.raises(Terminal) as caught:
        kafka.drain(reader, ends=1)
    reader.close()
    text = str(caught.value)
    for part in (
        repr(topic),
        "partition 0",
        "no offset 10",
        "earliest available is 60",
        "--fresh",
        kafka.servers,
    ):
        assert part in text


def test_a_position_behind_the_end(kafka, client):
    topic = kafka.topic()
    kafka.produce(topic, numbered(5))
    source = kafka.source(topic, client=client, stop=None)
    reader = kafka.open(source, source.plan(PlanContext()), {f"{topic}-0": 500})
    with pytest.raises(Terminal, match=r"no offset 500 .* it ends at 5 \(earliest 0\).*made anew"):
        kafka.drain(reader, records=1)
    reader.close()


def test_an_unknown_topic(kafka, client):
    topic = kafka.topic()
    source = kafka.source([topic, topic[:-1] + "z", "nothing-like-it"], client=client)
    with pytest.raises(Terminal) as caught:
        source.plan(PlanContext())
    text = str(caught.value)
    assert f"'{topic[:-1]}z' (did you mean '{topic}'?), 'nothing-like-it' at {kafka.servers}" in text
    assert "kafka-topics.sh" in text
    with pytest.raises(Terminal, match="nothing-like-it"):  # the question has not made it
        kafka.source("nothing-like-it", client=client).plan(PlanContext())


@pytest.mark.slow
def test_a_server_where_nothing_listens(client, capfd):
    from raystreaming_kafka import KafkaSource

    source = KafkaSource(topics=["t"], servers="127.0.0.1:1", client=client)
    started = time.monotonic()
    with pytest.raises(Retryable, match=r"127\.0\.0\.1:1 .*failed.*nc -vz 127\.0\.0\.1 1.*servers="):
        source.plan(PlanContext())
    assert time.monotonic() - started < 25
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("client", "options"),
    [("confluent", {"security.protokol": "x"}), ("kafka-python", {"security_protokol": "x"})],
)
def test_a_setting_that_the_library_does_not_know(kafka, client, options):
    source = kafka.source("t", client=client, client_options=options)
    with pytest.raises(Terminal, match=r"client_options.*security.protokol"):
        source.plan(PlanContext())
    with pytest.raises(Terminal, match=r"client_options.*security.protokol"):
        kafka.open(source, [])


@pytest.mark.parametrize(("client", "module"), [("confluent", "confluent_kafka"), ("kafka-python", "kafka")])
def test_a_client_library_that_is_not_installed(client, module):
    program = f"""
import sys
sys.modules[{module!r}] = None
from raystreaming_kafka import KafkaSource
from raystreaming.connector import PlanContext, Terminal
try:
    KafkaSource(topics=["t"], servers="127.0.0.1:1", client={client!r}).plan(PlanContext())
except Terminal as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert f"pip install {module.replace('_', '-').replace('kafka-python', 'kafka')}" in done.stdout
    assert f"client={client!r}" in done.stdout
