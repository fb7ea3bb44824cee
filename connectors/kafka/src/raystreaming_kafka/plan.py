"""What to read: the partitions of the topics, each from its start to its stop."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from raystreaming.connector import ConnectorError, KnownSplit, PlanContext, Split, Terminal
from raystreaming.errors import nearest
from raystreaming_kafka.clients import Partition, Planner, Producer, logger

Offsets: TypeAlias = "dict[Partition, int]"
Given: TypeAlias = Mapping[str, Mapping[int, int]]
"""Offsets as users give them: by topic and partition."""

Start: TypeAlias = "Literal['earliest', 'latest', 'committed'] | datetime | Given"
Stop: TypeAlias = "Literal['latest'] | datetime | Given | None"


@dataclass(frozen=True)
class Wanted:
    """What the options of a source say of what is to be read."""

    servers: str
    topics: Sequence[str]
    pattern: str | None
    start: Start
    stop: Stop
    group: str | None
    skip_lost: bool

    def matches(self, topic: str) -> bool:
        """Return whether a topic is to be read."""
        if self.pattern is None:
            return topic in self.topics
        return is_public(topic) and re.fullmatch(self.pattern, topic) is not None


def plan_splits(wanted: Wanted, planner: Planner, ctx: PlanContext) -> list[Split]:
    """List one split per partition, with its start and stop offset.

    A partition that the job has not known before is read from its first message, whatever `start`
    says, so that nothing written to a new partition is lost.

    Raises:
        Retryable: No broker answers within about ten seconds.
        Terminal: What is to be read is not there, or not any more.
    """
    partitions = _partitions(wanted, planner)
    _refuse_gone(wanted, partitions, ctx.known)
    first = planner.first_offsets(partitions)
    needs_ends = wanted.stop is not None or ctx.known or wanted.start != "earliest"
    ends = planner.end_offsets(partitions) if needs_ends else {}
    starts = dict(first) if ctx.known else _starts(wanted, planner, first, ends)
    stops = _stops(wanted, planner, ends)
    splits: list[Split] = []
    for partition in partitions:
        known = ctx.known.get(str(partition))
        start = starts[partition]
        if known is not None:
            start = known.split.payload["start"]
            position = start if known.position is None else known.position
            if position > ends[partition]:
                raise _truncated(wanted, partition, position, ends[partition])
        payload = {
            "topic": partition.topic,
            "partition": partition.number,
            "start": start,
            "stop": stops.get(partition),
        }
        splits.append(Split(str(partition), payload))
    return splits


def _partitions(wanted: Wanted, planner: Planner) -> list[Partition]:
    topics = wanted.topics
    if wanted.pattern is not None:
        existing = list(filter(is_public, planner.topics()))
        topics = [topic for topic in existing if wanted.matches(topic)]
        if not topics:
            raise Terminal(
                f"KafkaSource(topic_pattern={wanted.pattern!r}): no topic at {wanted.servers} has a name "
                f"that fits it whole. There {_shown(existing)}. Correct topic_pattern= (a regular "
                "expression), or create the first topic before the job starts."
            )
    partitions: list[Partition] = []
    missing: list[str] = []
    for topic in topics:
        numbers = planner.partitions(topic)
        if numbers is not None:
            partitions += [Partition(topic, number) for number in numbers]
        elif wanted.pattern is None:  # else it was deleted just now
            missing.append(topic)
    if missing:
        raise unknown_topics(wanted.servers, missing, visible_topics(planner))
    return partitions


def _starts(wanted: Wanted, planner: Planner, first: Offsets, ends: Offsets) -> Offsets:
    """Return where a new job begins."""
    start, partitions = wanted.start, list(first)
    if start == "earliest":
        return dict(first)
    if start == "latest":
        return dict(ends)
    if isinstance(start, datetime):
        return ends | planner.offsets_at(partitions, _milliseconds(start))
    if start == "committed":
        asked, origin = planner.committed(partitions), f"group {wanted.group!r} has committed"
    else:
        asked, origin = _given(wanted, "start", start, partitions), "start= names"
    for partition, offset in asked.items():
        if first[partition] <= offset <= ends[partition]:
            continue
        if wanted.skip_lost and offset < first[partition]:
            logger.warning(
                "topic %r, partition %d: %s offset %d, but the earliest available is %d; the job begins "
                "there, %d offsets are lost",
                *partition,
                origin,
                offset,
                first[partition],
                first[partition] - offset,
            )
            asked[partition] = first[partition]
            continue
        raise Terminal(
            f"KafkaSource(start=...): {origin} offset {offset} of topic {partition.topic!r}, partition "
            f"{partition.number}, but {wanted.servers} has {first[partition]} to {ends[partition]} only"
            + (
                ": retention has deleted what was before. Pass on_lost='earliest' to read what is left, or "
                "another start=."
                if offset < first[partition]
                else ": the topic was truncated or made anew. Pass another start=."
            )
        )
    return first | asked


def _stops(wanted: Wanted, planner: Planner, ends: Offsets) -> Offsets:
    stop = wanted.stop
    if stop is None:
        return {}
    if stop == "latest":
        return ends
    if isinstance(stop, datetime):
        return ends | planner.offsets_at(list(ends), _milliseconds(stop))
    given = _given(wanted, "stop", stop, list(ends))
    missing = [str(partition) for partition in ends if partition not in given]
    if missing:
        raise Terminal(
            f"KafkaSource(stop=...) gives no offset for {', '.join(missing)}: name one for every partition, "
            "as {'topic': {0: 100, 1: 100}}; 0 reads nothing of it."
        )
    return given


def _given(wanted: Wanted, option: str, offsets: Given, partitions: Sequence[Partition]) -> Offsets:
    """Return offsets that the user gave by partition."""
    found = {Partition(topic, number): at for topic, by in offsets.items() for number, at in by.items()}
    unknown = [str(partition) for partition in found if partition not in partitions]
    if unknown:
        raise Terminal(
            f"KafkaSource({option}=...) has offsets for {', '.join(unknown)}, which the job does not read: "
            f"there are {', '.join(map(str, partitions))} at {wanted.servers}."
        )
    return found


def _milliseconds(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def _refuse_gone(wanted: Wanted, partitions: Sequence[Partition], known: Mapping[str, KnownSplit]) -> None:
    there = set(map(str, partitions))
    for split_id, one in known.items():
        topic = one.split.payload["topic"]
        if split_id not in there and not one.ended and wanted.matches(topic):
            raise Terminal(
                f"Topic {topic!r}, partition {one.split.payload['partition']}, which the job has been "
                f"reading, is not at {wanted.servers} any more: the topic was deleted or made anew. Run with "
                "--fresh to start over, or name topics that exist."
            )


def visible_topics(planner: Planner | Producer) -> list[str]:
    """Return the topics that a message may name: none where they may not be listed."""
    try:
        return list(filter(is_public, planner.topics()))
    except ConnectorError as error:
        logger.debug("topics cannot be listed: %s", error)
        return []


def is_public(topic: str) -> bool:
    """Return whether a topic is none of the brokers' own."""
    return not topic.startswith("__")


def unknown_topics(servers: str, missing: Sequence[str], visible: Sequence[str]) -> Terminal:
    """Return what to raise when topics are not there, given those that may be seen."""
    named = [f"{topic!r}{nearest(topic, visible)}" for topic in missing]
    return Terminal(
        f"KafkaSource(topics=...): no topic {', '.join(named)} at {servers}. There "
        f"{_shown(visible)}. Correct topics=, or create the topic first: "
        f"`kafka-topics.sh --bootstrap-server {servers} --create --topic {missing[0]}`."
    )


def _shown(visible: Sequence[str]) -> str:
    shown = ", ".join(visible[:10]) + (", ..." if len(visible) > 10 else "")
    return f"is: {shown}" if visible else "is none that may be seen"


def _truncated(wanted: Wanted, partition: Partition, position: int, end: int) -> Terminal:
    return Terminal(
        f"Topic {partition.topic!r}, partition {partition.number}, ends at {end} at {wanted.servers}, "
        f"but the job has read up to {position} already: the topic was truncated or made anew. Run "
        "with --fresh to read it from start=."
    )
