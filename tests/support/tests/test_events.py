"""Events are the same whenever they are made, and all of them arrive."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from itertools import islice

import pytest
from confluent_kafka import KafkaException

from raystreaming_test_support.events import (
    EVENT_SCHEMA,
    EVENT_TYPES,
    USERS,
    create_topic,
    expected_seqs,
    load_topic,
    make_events,
    seqs_of,
)
from raystreaming_test_support.kafka_broker import LocalBroker
from raystreaming_test_support.topics import TopicError, produce_all, read_topic

GOLDEN = "18fde73c66a9e88c20acdd745858d794751db675ed8fe716035a6dd9950c598a"


def test_events_never_change() -> None:
    joined = b"\n".join(make_events(10_000, seed=7))
    assert hashlib.sha256(joined).hexdigest() == GOLDEN


def test_an_event_follows_from_its_seed_and_seq() -> None:
    assert list(make_events(50, seed=3, start=9000)) == list(islice(make_events(9050, seed=3), 9000, None))
    assert list(make_events(50, seed=3)) != list(make_events(50, seed=4))


def test_fields_have_the_types_of_the_schema() -> None:
    types = {"int64": int, "float64": float, "string": str}
    for message in make_events(5000, seed=1, start=1_000_000):
        event = json.loads(message)
        assert [(name, types[kind]) for name, kind in EVENT_SCHEMA] == [
            (name, type(value)) for name, value in event.items()
        ]
        assert event["event_type"] in EVENT_TYPES
        assert 0 <= event["user_id"] < USERS


def test_size_and_mix() -> None:
    messages = list(make_events(20_000))
    assert 145 <= sum(map(len, messages)) / len(messages) <= 155
    assert len(set(messages)) == len(messages)
    kinds = Counter(json.loads(message)["event_type"] for message in messages)
    assert [kind for kind, _ in kinds.most_common()] == list(EVENT_TYPES)


def test_successive_events_have_every_user_once() -> None:
    users = Counter(json.loads(message)["user_id"] for message in make_events(USERS, start=123))
    assert len(users) == USERS


@pytest.mark.parametrize("drop", EVENT_TYPES)
def test_expected_seqs_agree_with_the_messages(drop: str) -> None:
    kept = [
        event["seq"]
        for event in map(json.loads, make_events(10_000, seed=5, start=777))
        if event["event_type"] != drop
    ]
    assert expected_seqs(10_000, seed=5, start=777, drop=drop) == kept
    assert 0 < len(kept) < 10_000


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="drop is 'veiw'"):
        expected_seqs(10, drop="veiw")


@pytest.mark.parametrize("compression", ["lz4", "none"])
def test_every_event_arrives_in_its_partition(
    kafka_broker: LocalBroker, kafka_topic: Callable[..., str], compression: str
) -> None:
    topic, servers = kafka_topic(), kafka_broker.servers
    load_topic(servers, topic, 20_001, compression=compression)
    load_topic(servers, topic, 9, start=20_001, create=False)
    even, odd = (seqs_of(values) for values in read_topic(servers, topic))
    assert even == list(range(0, 20_010, 2))
    assert odd == list(range(1, 20_010, 2))


def test_a_topic_that_exists_is_not_mixed_up(
    kafka_broker: LocalBroker, kafka_topic: Callable[..., str]
) -> None:
    topic = kafka_topic()
    create_topic(kafka_broker.servers, topic, partitions=2)
    with pytest.raises(KafkaException, match="TOPIC_ALREADY_EXISTS"):
        load_topic(kafka_broker.servers, topic, 10)


def test_a_message_that_the_broker_refuses_is_an_error(
    kafka_broker: LocalBroker, kafka_topic: Callable[..., str]
) -> None:
    topic = kafka_topic()
    create_topic(kafka_broker.servers, topic, config={"max.message.bytes": "200"})
    with pytest.raises(TopicError, match="1 messages refused"):
        produce_all(kafka_broker.servers, topic, [(0, b"x" * 1000)])


def test_a_topic_that_does_not_exist_is_an_error(
    kafka_broker: LocalBroker, kafka_topic: Callable[..., str]
) -> None:
    with pytest.raises(KafkaException):
        read_topic(kafka_broker.servers, kafka_topic("missing"))
