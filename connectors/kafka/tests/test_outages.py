"""Brokers that go away, offsets that go away, and things that were never there."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time

import pytest

from raystreaming.connector import PlanContext, ReaderContext, Retryable, Split, Terminal, WriterContext
from raystreaming_kafka import KafkaSink, KafkaSource


def numbered(count, lead="m"):
    return [f"{lead}{i}".encode() for i in range(count)]


def said(caplog, level, servers):
    return [
        record.getMessage()
        for record in caplog.records
        if (record.levelno, record.name) == (level, "raystreaming.kafka")
        and f"broker of {servers} " in record.getMessage()
    ]


def unexpected(err):
    """Return lines of standard error but librdkafka's own when a client ends as something comes for it."""
    return [line for line in err.splitlines() if "|BGQUEUE|" not in line]


@pytest.mark.slow
def test_an_outage(own_kafka, client, caplog, capfd):
    """Readers warn once, if it is worth a word, go on by themselves, and lose and repeat nothing.

    One of them is reading when the broker is killed, one waits for what comes, one is more patient. Each has
    an address of its own, by which what they say is told apart.
    """
    kafka = own_kafka
    caplog.set_level(logging.INFO, logger="raystreaming.kafka")
    reading, quiet = kafka.topic(2), kafka.topic()
    values = [b"%06d" % i * 20 for i in range(30_000)]
    kafka.produce(reading, values, 0)
    kafka.produce(reading, values[:9000], 1)
    busy, idle, patient = (",".join([kafka.servers] * times) for times in (1, 2, 3))
    readers, drained = {}, {}
    for servers, topic, options in (
        (busy, reading, {"warn_after": "1s", "prefetch_memory": "1MiB"}),
        (idle, quiet, {"warn_after": "1s", "stop": None, "group": "g"}),
        (patient, quiet, {"warn_after": "10m", "stop": None}),
    ):
        source = kafka.source(topic, client=client, servers=servers, **options)
        readers[servers] = kafka.open(source, source.plan(PlanContext()))
        drained[servers] = kafka.drain(readers[servers], records=0)

    def read_until(condition, *some):
        kafka.read_until(condition, [(readers[servers], drained[servers]) for servers in some or readers])

    kafka.produce(quiet, numbered(4)[:1])
    read_until(lambda: drained[idle].count and drained[patient].count, idle, patient)
    while_quiet = time.monotonic() + 2
    read_until(lambda: time.monotonic() > while_quiet, idle, patient)
    assert not said(caplog, logging.WARNING, idle), "a quiet topic is no outage"
    read_until(lambda: drained[busy].count >= 2000, busy)
    kafka.broker.kill()
    read_until(lambda: said(caplog, logging.WARNING, busy) and said(caplog, logging.WARNING, idle))
    assert len(drained[busy].ends) < 2, "it had fetched everything before the kill: the test shows nothing"
    kafka.broker.restart()
    read_until(lambda: said(caplog, logging.INFO, busy) and said(caplog, logging.INFO, idle))
    kafka.produce(quiet, numbered(4)[1:])
    read_until(lambda: [d.count for d in drained.values()] == [39_000, 4, 4])
    kafka.drain(readers[busy], ends=2, into=drained[busy])
    assert drained[busy].rows == {f"{reading}-0": values, f"{reading}-1": values[:9000]}
    assert drained[idle].rows == drained[patient].rows == {f"{quiet}-0": numbered(4)}
    for servers in (busy, idle):
        assert said(caplog, logging.WARNING, servers) == [
            f"no broker of {servers} reachable for 1 s; waiting"
        ]
        (back,) = said(caplog, logging.INFO, servers)
        assert "reachable again" in back
    assert not said(caplog, logging.WARNING, patient)
    assert not said(caplog, logging.INFO, patient)
    assert unexpected(capfd.readouterr().err) == []

    # Closing ends, too, while no broker is there.
    kafka.broker.kill()
    readers[idle].commit({f"{quiet}-0": 4})
    started = time.monotonic()
    for reader in readers.values():
        reader.close()
    assert time.monotonic() - started < 40


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


def test_a_server_where_nothing_listens(client, impatient, capfd):
    source = KafkaSource(topics=["t"], servers="127.0.0.1:1", client=client)
    with pytest.raises(Retryable, match=r"127\.0\.0\.1:1 .*failed.*nc -vz 127\.0\.0\.1 1.*servers="):
        source.plan(PlanContext())
    assert unexpected(capfd.readouterr().err) == []


def test_what_finds_no_broker_leaves_no_thread(client, impatient):
    """Reading tries again and again: what each try leaves would add up."""
    source = KafkaSource(topics=["t"], servers="127.0.0.1:1", client=client)
    sink = KafkaSink(topic="t", servers="127.0.0.1:1", client=client)
    before = set(threading.enumerate())
    reader = source.open(ReaderContext())
    where = {"topic": "t", "partition": 0, "start": 0, "stop": None}
    reader.add_splits([(Split("t-0", where), None)])
    for _ in range(3):
        assert reader.read(1, time.monotonic()) is None
    reader.close()
    for connect in (lambda: source.plan(PlanContext()), lambda: sink.open(None, WriterContext())):
        with pytest.raises(Retryable):
            connect()
    assert not set(threading.enumerate()) - before


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
