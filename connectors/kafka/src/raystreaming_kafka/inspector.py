"""`KafkaInspector`: what ``raystreaming describe kafka`` says of a cluster and its topics."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from raystreaming.connector import Inspector, PlanContext, ReaderContext, option
from raystreaming.records import rows_of
from raystreaming_kafka.clients import Partition, Planner, open_planner
from raystreaming_kafka.connection import KafkaConnection
from raystreaming_kafka.guess import Guess, guess
from raystreaming_kafka.plan import is_public, unknown_topics, visible_topics
from raystreaming_kafka.source import KafkaSource

_PATIENCE = 10.0
"""Seconds that the last messages of a topic are waited for."""


class KafkaInspector(KafkaConnection, Inspector):
    """List the topics of a cluster; of some, the partitions, offsets, and what their messages seem to be."""

    reserved: ClassVar[Mapping[str, Mapping[str, str | None]]] = KafkaSource.reserved

    topics: list[str] = option(
        default_factory=list[str], doc="Topics to look into; without any, all are listed."
    )
    samples: int = option(
        default=100,
        check=lambda samples: None if samples > 0 else "must be 1 or more",
        doc="How many of a topic's last messages are read to guess what they are.",
    )

    def inspect(self) -> Iterable[str]:
        """Yield the lines to print.

        Raises:
            Retryable: No broker answers within about ten seconds.
            Terminal: A topic is not there, or may not be read.
        """
        with open_planner(self.connection()) as planner:
            found = self._partitions(planner)
            every = [partition for partitions in found.values() for partition in partitions]
            first, ends = planner.first_offsets(every), planner.end_offsets(every)
        if not self.topics:
            yield from _list(found, first, ends)
            return
        for topic, partitions in found.items():
            rows = [[str(p.number), str(first[p]), str(ends[p])] for p in partitions]
            yield f"topic {topic}"
            yield from _table(["partition", "earliest", "latest"], rows)
            yield ""
            guessed = guess(self._last(topic, partitions, first, ends))
            yield from guessed.lines
            yield ""
            yield "To begin with:"
            yield f"  {self._code(topic, guessed)}"
            yield ""

    def _partitions(self, planner: Planner) -> dict[str, list[Partition]]:
        found: dict[str, list[Partition]] = {}
        missing: list[str] = []
        for topic in self.topics or filter(is_public, planner.topics()):
            numbers = planner.partitions(topic)
            if numbers is not None:
                found[topic] = [Partition(topic, number) for number in numbers]
            elif self.topics:  # else it was deleted just now
                missing.append(topic)
        if missing:
            raise unknown_topics(self.servers, missing, visible_topics(planner))
        return found

    def _last(
        self,
        topic: str,
        partitions: Sequence[Partition],
        first: Mapping[Partition, int],
        ends: Mapping[Partition, int],
    ) -> list[bytes | None]:
        """Return the values of the last messages, as many of each partition."""
        share = -(-self.samples // len(partitions))
        source = KafkaSource(
            topics=[topic],
            start={topic: {p.number: max(first[p], ends[p] - share) for p in partitions}},
            stop={topic: {p.number: ends[p] for p in partitions}},
            on_lost="earliest",
            **{name: getattr(self, name) for name in _connecting()},
        )
        reader = source.open(ReaderContext())
        try:
            splits = source.plan(PlanContext())
            reader.add_splits([(split, None) for split in splits])
            values: list[bytes | None] = []
            open_, deadline = len(splits), time.monotonic() + _PATIENCE
            while open_ and time.monotonic() < deadline:
                fetched = reader.read(self.samples, deadline)
                if fetched is not None:
                    values += rows_of(fetched.batch.values) if fetched.batch else []
                    open_ -= fetched.end
            return values
        finally:
            reader.close()

    def _code(self, topic: str, guessed: Guess) -> str:
        """Return the line that reads a topic; of secrets, where it finds them."""
        options = {"servers": _written(self.servers), "topics": _written([topic])}
        for name, default in _connecting().items():
            given = getattr(self, name)
            if given == default or name in options:
                continue
            if name == "client_options":
                options[name] = "{" + ", ".join(f"{_written(setting)}: ..." for setting in given) + "}"
            elif name in ("password", "tls_key_password"):
                options[name] = _written(f"${{env:KAFKA_{name.upper()}}}")
            else:
                options[name] = _written(given)
        options |= {**guessed.options, "stop": _written("latest")}
        return f"ctx.read_kafka({', '.join(f'{name}={value}' for name, value in options.items())})"


def _written(value: Any) -> str:
    """Return a value as Python code, text in the quotes of JSON."""
    return repr(value) if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)


def _connecting() -> dict[str, Any]:
    """Return the options that say how to connect, and their defaults."""
    this: Any = KafkaConnection
    return {
        field.name: field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        for field in dataclasses.fields(this)
    }


def _list(
    found: Mapping[str, Sequence[Partition]], first: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> Iterator[str]:
    rows = [
        [topic, str(len(partitions)), str(sum(ends[p] - first[p] for p in partitions))]
        for topic, partitions in found.items()
    ]
    yield from _table(["topic", "partitions", "offsets"], rows)
    yield ""
    yield "--topics NAME looks into one." if rows else "There is no topic that may be seen."


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        yield "  " + "  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip()
