"""A real broker and what the tests do with it. Nothing here stands in for Kafka."""

from __future__ import annotations

import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from raystreaming.connector import Fetched, PlanContext, Reader, ReaderContext, Split
from raystreaming.records import rows_of
from raystreaming_kafka import KafkaSource
from raystreaming_kafka.clients import confluent_planner
from raystreaming_test_support.events import create_topic
from raystreaming_test_support.kafka_broker import LocalBroker

TIMEOUT = 60.0
_LEFT_SOCKETS = r"unclosed <(socket\.socket|ssl\.SSLSocket) fd=\d+, family=\S+, type=\S+, proto=6"


def pytest_configure(config: pytest.Config) -> None:
    """Let kafka-python leave the sockets of failed connections to the garbage collector.

    That may find them in any later test, and when pytest ends. Those of its clients' threads are no TCP
    sockets: one of a client that was not closed is still an error.
    """
    config.addinivalue_line("filterwarnings", f"ignore:{_LEFT_SOCKETS}:ResourceWarning")
    warnings.filterwarnings("ignore", _LEFT_SOCKETS, ResourceWarning)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long tests to the nox session that asks for them.

    Among them are the variants of a test with kafka-python, but for the first: what they vary is code that
    both clients share.
    """
    seen: set[tuple[object, str]] = set()
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            test = (item.parent, item.originalname)
            if item.callspec.params.get("client") == "kafka-python":
                if test in seen:
                    item.add_marker(pytest.mark.long)
                seen.add(test)
    left_out = [item for item in items if item.get_closest_marker("long")]
    if config.option.markexpr != "long":
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@dataclass
class Drained:
    """What readers gave, in order."""

    fetched: list[Fetched] = field(default_factory=list)

    @property
    def rows(self) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        for one in self.fetched:
            found[one.split] += rows_of(one.batch.values) if one.batch else []
        return dict(found)

    @property
    def positions(self) -> dict[str, Any]:
        return {one.split: one.position for one in self.fetched}

    @property
    def ends(self) -> list[str]:
        return [one.split for one in self.fetched if one.end]

    @property
    def count(self) -> int:
        return sum(len(one.batch) for one in self.fetched if one.batch)


class Kafka:
    """Short words for what tests do with a broker."""

    def __init__(self, broker: LocalBroker, name: Any, producer: Producer) -> None:
        self.broker = broker
        self.servers = broker.servers
        self._name = name
        self._producer = producer
        self._readers: list[Reader[Any]] = []
        self._transactional: dict[str, Producer] = {}

    def close(self) -> None:
        """Close what was opened: a reader that a test leaves would go on reading."""
        for reader in self._readers:
            reader.close()

    def topic(self, partitions: int = 1, **config: str) -> str:
        name: str = self._name("in")
        create_topic(
            self.servers, name, partitions, {key.replace("_", "."): value for key, value in config.items()}
        )
        return name

    def produce(
        self,
        topic: str,
        values: Iterable[bytes | None],
        partition: int = 0,
        keys: Iterable[bytes] | None = None,
    ) -> None:
        for value, key in zip(values, keys or iter(lambda: None, 0), strict=False):
            self._producer.produce(topic, value, key=key, partition=partition)
        assert self._producer.flush(TIMEOUT) == 0

    def transaction(self, topic: str, values: Iterable[bytes], how: str, partition: int = 0) -> Producer:
        """Write in a transaction that is committed, aborted, or left open (keep what is returned)."""
        producer = self._transactional.get(topic)
        if producer is None:
            settings = {"bootstrap.servers": self.servers, "transactional.id": topic, "log_level": 3}
            producer = self._transactional[topic] = Producer(settings)
            producer.init_transactions(TIMEOUT)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, partition=partition)
        assert producer.flush(TIMEOUT) == 0
        if how == "committed":
            producer.commit_transaction(TIMEOUT)
        elif how == "aborted":
            producer.abort_transaction(TIMEOUT)
        if how != "open":
            self.wait_for_mark(topic, partition)
        return producer

    def wait_for_mark(self, topic: str, partition: int) -> None:
        """Wait until the broker has written the transaction's mark: it answers the commit before that."""
        admin = AdminClient({"bootstrap.servers": self.servers})
        deadline = time.monotonic() + TIMEOUT
        place = TopicPartition(topic, partition)

        def end(isolation: IsolationLevel) -> int:
            asked = admin.list_offsets({place: OffsetSpec.latest()}, isolation_level=isolation)
            offset: int = asked[place].result(TIMEOUT).offset
            return offset

        while end(IsolationLevel.READ_COMMITTED) < end(IsolationLevel.READ_UNCOMMITTED):
            assert time.monotonic() < deadline, "the transaction does not end"
            time.sleep(0.01)

    def delete_before(self, topic: str, offset: int, partition: int = 0) -> None:
        """Do what retention does."""
        admin = AdminClient({"bootstrap.servers": self.servers})
        for done in admin.delete_records([TopicPartition(topic, partition, offset)]).values():
            done.result(TIMEOUT)

    def source(self, topic: str | list[str], **options: Any) -> KafkaSource:
        topics = [topic] if isinstance(topic, str) else topic
        return KafkaSource(**{"topics": topics, "servers": self.servers, "stop": "latest", **options})

    def open(
        self,
        source: KafkaSource,
        splits: Iterable[Split],
        positions: Mapping[str, Any] | None = None,
        **ctx: Any,
    ) -> Reader[Any]:
        reader = source.open(ReaderContext(**ctx))
        self._readers.append(reader)
        reader.add_splits([(split, (positions or {}).get(split.id)) for split in splits])
        return reader

    def drain(
        self,
        reader: Reader[Any],
        *,
        ends: int | None = None,
        records: int | None = None,
        limit: int = 1000,
        into: Drained | None = None,
    ) -> Drained:
        """Read until so many splits have ended, or so many records have come."""
        drained = into or Drained()
        deadline = time.monotonic() + TIMEOUT
        while (ends is not None and len(drained.ends) < ends) or (
            records is not None and drained.count < records
        ):
            fetched = reader.read(limit, time.monotonic() + 0.1)
            if fetched is not None:
                drained.fetched.append(fetched)
                if fetched.batch is not None:
                    assert 0 < len(fetched.batch) <= limit
            assert time.monotonic() < deadline, f"only {drained.count} records, ends {drained.ends}"
        return drained

    def read_until(
        self, condition: Callable[[], object], reading: Iterable[tuple[Reader[Any], Drained]]
    ) -> None:
        """Read with several readers until something is so."""
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline
            for reader, drained in reading:
                fetched = reader.read(1000, time.monotonic() + 0.1)
                if fetched is not None:
                    drained.fetched.append(fetched)

    def read_all(
        self, source: KafkaSource, positions: Mapping[str, Any] | None = None, **ctx: Any
    ) -> Drained:
        splits = source.plan(PlanContext())
        reader = self.open(source, splits, positions, **ctx)
        try:
            return self.drain(reader, ends=len(splits))
        finally:
            reader.close()


@pytest.fixture(scope="session")
def broker() -> Iterator[LocalBroker]:
    """A broker that compacts soon."""
    with LocalBroker(config={"log.cleaner.backoff.ms": "200"}) as running:
        yield running


def producer_of(broker: LocalBroker) -> Producer:
    return Producer(
        {
            "bootstrap.servers": broker.servers,
            "enable.idempotence": True,  # or a retry changes the order
            "linger.ms": 60_000,  # a flush sends all that is there at once, as one batch
            "log_level": 0,  # else it says on stderr that a broker is gone, where tests look
        }
    )


@pytest.fixture(scope="session")
def producer(broker: LocalBroker) -> Producer:
    return producer_of(broker)


@pytest.fixture
def kafka(broker: LocalBroker, kafka_topic: Any, producer: Producer) -> Iterator[Kafka]:
    with closing(Kafka(broker, kafka_topic, producer)) as opened:
        yield opened


@pytest.fixture
def own_kafka(kafka_topic: Any) -> Iterator[Kafka]:
    """A broker of this test alone, which may kill it, and whose topics do not come back once deleted."""
    with LocalBroker(config={"auto.create.topics.enable": "false"}) as running:
        with closing(Kafka(running, kafka_topic, producer_of(running))) as opened:
            yield opened


@pytest.fixture(scope="session", autouse=True)
def clients_are_closed() -> Iterator[None]:
    """A client of kafka-python that nobody has closed goes on in its thread."""
    yield
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("kafka-")]
    for thread in threads:
        thread.join(10)
    assert not [thread for thread in threads if thread.is_alive()]


@pytest.fixture(params=["confluent", "kafka-python"])
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let planning and the making of clients wait for a broker only shortly."""
    for module in ("confluent_planner", "kafka_python", "kafka_python_producer"):
        monkeypatch.setattr(f"raystreaming_kafka.clients.{module}.ANSWER_WITHIN", 2.0)
    monkeypatch.setitem(confluent_planner._LIMIT, "request_timeout", 2.0)
