"""A real broker and what the tests do with it. Nothing here stands in for Kafka."""

from __future__ import annotations

import gc
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from raystreaming.connector import Fetched, PlanContext, Reader, ReaderContext, Split
from raystreaming.records import rows_of
from raystreaming_kafka import KafkaSource
from raystreaming_test_support.events import create_topic
from raystreaming_test_support.kafka_broker import LocalBroker

TIMEOUT = 60.0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave long tests to the nox session that asks for them."""
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

    def __init__(self, broker: LocalBroker, name: Any) -> None:
        self.broker = broker
        self.servers = broker.servers
        self._name = name

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
        producer = Producer(
            {
                "bootstrap.servers": self.servers,
                "enable.idempotence": True,  # or a retry changes the order
                "linger.ms": 5,
                "log_level": 3,
            }
        )
        for value, key in zip(values, keys or iter(lambda: None, 0), strict=False):
            producer.produce(topic, value, key=key, partition=partition)
        assert producer.flush(TIMEOUT) == 0

    def transaction(
        self, topic: str, values: Iterable[bytes], how: str, partition: int = 0, *, name: str = "t"
    ) -> Producer:
        """Write in a transaction that is committed, aborted, or left open (keep what is returned)."""
        producer = Producer(
            {"bootstrap.servers": self.servers, "transactional.id": f"{topic}-{name}", "log_level": 3}
        )
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


@pytest.fixture
def make_kafka(kafka_topic: Any) -> Callable[[LocalBroker], Kafka]:
    return lambda broker: Kafka(broker, kafka_topic)


@pytest.fixture
def kafka(broker: LocalBroker, kafka_topic: Any) -> Kafka:
    return Kafka(broker, kafka_topic)


@pytest.fixture
def own_kafka(kafka_topic: Any) -> Iterator[Kafka]:
    """A broker of this test alone, which may kill it."""
    with LocalBroker() as running:
        yield Kafka(running, kafka_topic)


@pytest.fixture(scope="module", autouse=True)
def sockets_are_collected():
    """kafka-python leaves sockets of failed connections to the collector: the next module would be blamed."""
    yield
    gc.collect()


@pytest.fixture(params=["confluent", "kafka-python"])
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name
