"""The broker is a real one, keeps its data over a kill, and outlives nobody."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic  # where it is typed

from raystreaming_test_support.descriptors import opened_by
from raystreaming_test_support.events import load_topic, make_events
from raystreaming_test_support.kafka_broker import BrokerError, LocalBroker
from raystreaming_test_support.topics import create_topic, end_offsets, read_topic

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# Starts a broker, says where it is, and waits to be killed.
OWNER = """
import sys, time
from raystreaming_test_support.kafka_broker import LocalBroker
broker = LocalBroker()
broker.start()
{then}
print(broker.pid, broker.log_file.parent, broker.servers, flush=True)
time.sleep(600)
"""


@pytest.fixture
def own_broker() -> Iterator[LocalBroker]:
    with LocalBroker() as broker:
        yield broker


@contextmanager
def owner(then: str = "") -> Iterator[tuple[subprocess.Popen[str], int, Path]]:
    """Run a process that owns a broker; give it, the JVM's pid and its folder."""
    command = [sys.executable, "-c", OWNER.format(then=then)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            pid, folder, _ = process.stdout.readline().split()
            yield process, int(pid), Path(folder)
        finally:
            process.kill()


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def soon(condition: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_reads_back_what_was_produced(kafka_broker: LocalBroker, kafka_topic: Callable[..., str]) -> None:
    topic = kafka_topic("produced")
    load_topic(kafka_broker.servers, topic, 1001, partitions=3)
    events = list(make_events(1001))
    read = read_topic(kafka_broker.servers, topic)
    assert read == [events[0::3], events[1::3], events[2::3]]


def test_waits_for_leaders_that_do_not_know_it_yet(
    kafka_broker: LocalBroker, kafka_topic: Callable[..., str]
) -> None:
    topic, partitions = kafka_topic(), 20  # of so many, one is always late
    admin = AdminClient({"bootstrap.servers": kafka_broker.servers})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)
    while len(admin.list_topics(topic, timeout=30).topics[topic].partitions) < partitions:
        pass
    assert end_offsets(kafka_broker.servers, topic) == [0] * partitions


def test_reads_committed_messages_only(kafka_broker: LocalBroker, kafka_topic: Callable[..., str]) -> None:
    topic = kafka_topic("transactions")
    create_topic(kafka_broker.servers, topic)
    producer = Producer({"bootstrap.servers": kafka_broker.servers, "transactional.id": topic})
    producer.init_transactions(30)
    for value, end in (
        (b"committed", producer.commit_transaction),
        (b"aborted", producer.abort_transaction),
    ):
        producer.begin_transaction()
        producer.produce(topic, value)
        producer.flush(30)
        end(30)
    assert read_topic(kafka_broker.servers, topic) == [[b"committed"]]
    both = read_topic(kafka_broker.servers, topic, committed_only=False)
    assert both == [[b"committed", b"aborted"]]


def test_port_and_data_survive_a_kill(own_broker: LocalBroker) -> None:
    load_topic(own_broker.servers, "events", 5000)
    before, pid = own_broker.servers, own_broker.pid
    written = read_topic(before, "events")

    own_broker.kill()
    assert not alive(pid)
    assert not own_broker.running
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", own_broker.port), timeout=1)

    own_broker.restart()
    assert own_broker.servers == before
    assert own_broker.pid != pid
    assert read_topic(before, "events") == written
    load_topic(before, "events", 5000, start=5000, create=False)
    assert end_offsets(before, "events") == [5000, 5000]


def test_restarts_while_it_runs(own_broker: LocalBroker) -> None:
    create_topic(own_broker.servers, "kept", partitions=2)
    pid = own_broker.pid
    own_broker.restart()
    assert not alive(pid)
    assert end_offsets(own_broker.servers, "kept") == [0, 0]


def test_stop_leaves_nothing() -> None:
    broker = LocalBroker()
    broker.start()
    pid, folder = broker.pid, broker.log_file.parent
    broker.stop()
    assert not alive(pid)
    assert not folder.exists()
    broker.stop()  # harmless


def test_stop_after_kill_leaves_nothing(own_broker: LocalBroker) -> None:
    folder = own_broker.log_file.parent
    own_broker.kill()
    assert folder.exists()
    own_broker.stop()
    assert not folder.exists()


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_dies_with_its_parent(sig: signal.Signals) -> None:
    with owner() as (process, pid, folder):
        assert alive(pid)
        process.send_signal(sig)
        assert soon(lambda: not alive(pid))
        assert soon(lambda: not folder.exists())


def test_dies_after_a_restart_too() -> None:
    with owner(then="broker.kill(); broker.restart()") as (process, pid, folder):
        process.kill()
        assert soon(lambda: not alive(pid))
        assert soon(lambda: not folder.exists())


def test_dies_though_a_forked_child_of_its_parent_lives() -> None:
    fork = "import os\nif os.fork() == 0: time.sleep(90); os._exit(0)"
    with owner(then=fork) as (process, pid, _):
        process.kill()
        assert soon(lambda: not alive(pid))


def test_outlives_the_thread_that_started_it() -> None:
    def start_in_a_thread(broker: LocalBroker) -> None:
        from threading import Thread

        thread = Thread(target=broker.start)
        thread.start()
        thread.join()

    broker = LocalBroker()
    try:
        start_in_a_thread(broker)
        time.sleep(0.5)
        assert broker.running
    finally:
        broker.stop()


@LINUX_ONLY
def test_dies_with_its_watchdog(own_broker: LocalBroker) -> None:
    pid = own_broker.pid
    watchdog = os.getpgid(pid)  # it leads the group
    assert watchdog not in {pid, os.getpgid(0)}
    os.kill(watchdog, signal.SIGKILL)
    assert soon(lambda: not alive(pid))


@LINUX_ONLY
def test_listens_on_loopback_only(own_broker: LocalBroker) -> None:
    inodes = {name.removeprefix("socket:[").rstrip("]") for name in opened_by(own_broker.pid)}
    listening = {}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            address, port = fields[1].split(":")
            if fields[9] in inodes and (fields[3] == "0A" or table[0] == "u"):
                listening[int(port, 16)] = address
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    assert own_broker.port in listening
    assert len(listening) == 2  # and the controller's
    assert set(listening.values()) <= loopback


@LINUX_ONLY
def test_inherits_no_descriptors(tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    with open(ours, "w") as file:
        os.set_inheritable(file.fileno(), True)
        with LocalBroker() as broker:
            for pid in (broker.pid, os.getpgid(broker.pid)):
                assert str(ours) not in opened_by(pid)
            assert os.readlink(f"/proc/{broker.pid}/fd/0") == os.devnull


def test_a_failed_start_shows_the_log_and_leaves_nothing() -> None:
    broker = LocalBroker(config={"num.network.threads": "many"})
    with pytest.raises(BrokerError, match="ended while it started") as caught:
        broker.start()
    assert "num.network.threads" in str(caught.value)
    with pytest.raises(BrokerError, match="was not started"):
        _ = broker.log_file


def test_a_start_that_takes_too_long() -> None:
    with pytest.raises(BrokerError, match=r"was not ready after 0\.1 s"):
        LocalBroker(start_timeout=0.1).start()


def test_a_second_start_is_refused(own_broker: LocalBroker) -> None:
    with pytest.raises(BrokerError, match="was started before"):
        own_broker.start()


def test_two_brokers_are_two_clusters(own_broker: LocalBroker, kafka_broker: LocalBroker) -> None:
    ids = {
        AdminClient({"bootstrap.servers": one.servers}).list_topics(timeout=30).cluster_id
        for one in (own_broker, kafka_broker)
    }
    assert len(ids) == 2


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_in_the_foreground(sig: signal.Signals) -> None:
    command = [sys.executable, "-m", "raystreaming_test_support.kafka_broker"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            servers = process.stdout.readline().strip()
            assert AdminClient({"bootstrap.servers": servers}).list_topics(timeout=30).brokers
            process.send_signal(sig)
            assert process.wait(60) == 0
        finally:
            process.kill()
    host, port = servers.split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1)
