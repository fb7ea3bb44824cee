"""Sample events: what people do in a web shop, as JSON messages of about 150 bytes.

The message of a seed and a seq is always the same, whatever was made before it, so a
test can say what a job must give without keeping its input.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import lru_cache

import orjson

from raystreaming_test_support.topics import create_topic, produce_all

__all__ = [
    "EVENT_SCHEMA",
    "EVENT_TYPES",
    "create_topic",
    "expected_seqs",
    "load_topic",
    "make_events",
    "seqs_of",
]

EVENT_TYPES = ("view", "click", "cart", "purchase", "refund")
"""The values of `event_type`, the most frequent first."""

EVENT_SCHEMA = [
    ("seq", "int64"),
    ("user_id", "int64"),
    ("item_id", "int64"),
    ("event_type", "string"),
    ("price", "float64"),
    ("event_time", "int64"),
    ("session", "string"),
]
"""Names and Arrow's type names of the fields; `event_time` is in ms since the epoch."""

FIRST_EVENT_TIME = 1_700_000_000_000
"""The `event_time` of seq 0; every further seq is one millisecond later."""

USERS = 50_000
"""How many users there are: any so many successive events have one of each."""

_TYPE_WEIGHTS = (60, 20, 10, 8, 2)

# The parts that do not follow from the seq come from two tables, read round and round.
# The lengths are prime, so that pairs repeat only after four million messages, and a
# table is longer than the window of a compressor that would find the repetition.
_MIDDLES = 4093
_ENDS = 1021
_USER_STEP = 48_271  # has no factor in common with USERS


def make_events(count: int, seed: int = 0, start: int = 0) -> Iterator[bytes]:
    """Make the events from seq `start` to before `start + count`.

    Args:
        count: How many.
        seed: Events of another seed differ.
        start: The first seq.

    Yields:
        JSON messages, in the order of their seq.
    """
    middles, ends, _ = _tables(seed)
    first_user = seed % USERS
    for seq in range(start, start + count):
        yield b'{"seq":%d,"user_id":%d%b%d%b' % (
            seq,
            (seq * _USER_STEP + first_user) % USERS,
            middles[seq % _MIDDLES],
            FIRST_EVENT_TIME + seq,
            ends[seq % _ENDS],
        )


def expected_seqs(count: int, seed: int = 0, start: int = 0, *, drop: str = "view") -> list[int]:
    """Return the seqs that a filter `event_type != drop` keeps of `make_events`.

    It looks the types up, so it shares no JSON and no filter with what is tested.

    Args:
        count: As for `make_events`.
        seed: As for `make_events`.
        start: As for `make_events`.
        drop: The event type that the filter drops.

    Returns:
        The seqs in order.
    """
    if drop not in EVENT_TYPES:
        raise ValueError(f"drop is {drop!r}; event types are {', '.join(EVENT_TYPES)}")
    _, _, types = _tables(seed)
    return [s for s in range(start, start + count) if types[s % _MIDDLES] != drop]


def seqs_of(messages: Iterable[bytes]) -> list[int]:
    """Return the `seq` of each JSON message, in the order of the messages."""
    return [orjson.loads(message)["seq"] for message in messages]


def load_topic(
    servers: str,
    topic: str,
    count: int,
    partitions: int = 2,
    *,
    seed: int = 0,
    start: int = 0,
    create: bool = True,
    compression: str = "lz4",
) -> None:
    """Fill a topic with events: that of seq i goes to partition `i % partitions`.

    Args:
        servers: Addresses of brokers.
        topic: The topic.
        count: How many events.
        partitions: How many partitions the topic has.
        seed: As for `make_events`.
        start: As for `make_events`.
        create: Whether to make the topic; False adds to one that exists.
        compression: `lz4`, `none` or another that Kafka knows.

    Raises:
        TopicError: Not every event has arrived.
        KafkaException: The topic could not be made, for instance because it exists.
    """
    if create:
        create_topic(servers, topic, partitions)
    events = make_events(count, seed, start)
    places = (seq % partitions for seq in range(start, start + count))
    produce_all(servers, topic, zip(places, events, strict=True), compression=compression)


@lru_cache(maxsize=4)
def _tables(seed: int) -> tuple[list[bytes], list[bytes], list[str]]:
    """Return the middles and ends of the messages, and the types in the middles."""
    dice = random.Random(seed)
    types = dice.choices(EVENT_TYPES, _TYPE_WEIGHTS, k=_MIDDLES)
    middles = [
        b',"item_id":%d,"event_type":"%b","price":%d.%02d,"event_time":'
        % (
            dice.randrange(1000, 100_000),
            event_type.encode(),
            dice.randrange(1, 500),
            dice.randrange(100),
        )
        for event_type in types
    ]
    ends = [b',"session":"%028x"}' % dice.randrange(1, 16**28) for _ in range(_ENDS)]
    return middles, ends, types
