"""`KafkaReader`: one consumer for all partitions of a task, each up to its stop offset."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from raystreaming.connector import Batch, Fetched, Position, Reader, ReaderContext, Split, Terminal
from raystreaming.errors import shown_record
from raystreaming_kafka.clients import Chunk, Client, OffsetGone, Partition, Reached, logger
from raystreaming_kafka.fields import WithMetadata
from raystreaming_kafka.formats import BadRecord, Decoder

_BATCH_BYTES = 4_000_000
_FIRST_GUESS = 1_000
_PROBE_TIMEOUT = 0.6
"""Longer than a fetch that waits at the broker (0.5 s): on the same connection, that is answered first."""
_PROBE_EVERY = 0.5
_SHOWN = 120


@dataclass(slots=True, eq=False)
class _Place:
    """Where a split is read: `position` comes after what was given out, `fetched` after what was polled."""

    split: str
    partition: Partition
    position: int
    stop: int | None
    fetched: int


@dataclass(slots=True, eq=False)
class _Piece:
    """Messages that wait to be given out, and whether the split ends with them."""

    place: _Place
    messages: list[Any]
    given: int
    end: bool


class KafkaReader(Reader[Any]):
    """Reads the partitions assigned to one task. Positions are the next offset to read.

    Args:
        client: A fresh client, which the reader closes.
        decoder: Makes records of values.
        ctx: Who this reader is.
        servers: The brokers' addresses, for messages.
        commits: Whether there is a group to commit to.
        warn_after: Seconds without a broker before a warning.
        with_metadata: Makes records of values and what comes with them; None: values are the records.
        skip_lost: Whether to go on behind messages that retention has deleted.
    """

    def __init__(
        self,
        client: Client,
        decoder: Decoder,
        ctx: ReaderContext,
        *,
        servers: str,
        commits: bool,
        warn_after: float,
        with_metadata: WithMetadata | None = None,
        skip_lost: bool = False,
    ) -> None:
        self._client = client
        self._decoder = decoder
        self._with_metadata = with_metadata
        self._skip_lost = skip_lost
        self._ctx = ctx
        self._servers = servers
        self._commits = commits
        self._outage = _Outage(client, servers, warn_after)
        self._partitions: dict[str, Partition] = {}
        self._active: dict[Partition, _Place] = {}
        self._pending: deque[_Piece] = deque()
        # Splits whose last messages were left out, with the position after them; those to be told now.
        self._left_out: dict[str, int] = {}
        self._to_tell: deque[Fetched] = deque()
        self._message_bytes = float(_FIRST_GUESS)

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        """Assign partitions; one whose stop is reached already only gives its end."""
        positions: dict[Partition, int] = {}
        for split, position in splits:
            payload = split.payload
            partition = Partition(payload["topic"], payload["partition"])
            start = payload["start"] if position is None else position
            place = _Place(split.id, partition, start, payload["stop"], start)
            self._partitions[split.id] = partition
            if place.stop is not None and place.position >= place.stop:
                self._pending.append(_Piece(place, [], 0, end=True))
            else:
                self._active[partition] = place
                positions[partition] = place.position
        if positions:
            self._client.assign(positions)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        """Return the next records of one partition as soon as there are some.

        Where nothing but messages that are left out came until the deadline, only the position after
        them is returned, so that they are not read and counted again after a crash.
        """
        polled = False
        while not self._to_tell:
            while self._pending:
                fetched = self._give(limit)
                if fetched is not None:
                    return fetched
            left = max(0.0, deadline - time.monotonic())
            if not self._active:
                time.sleep(left)
                return None
            if polled and not left:
                self._to_tell.extend(Fetched(s, None, p) for s, p in self._left_out.items())
                self._left_out.clear()
                break
            try:
                found = self._client.poll(self._room(limit), left)
            except OffsetGone as gone:
                self._go_on_or_fail(gone)
                continue
            for one in found:
                if isinstance(one, Chunk):
                    self._take(one)
                else:
                    self._reached(one)
            self._outage.look()
            polled = True
        return self._to_tell.popleft() if self._to_tell else None

    def _room(self, limit: int) -> int:
        """Return how many messages to ask for: as many as may be given out in one batch."""
        return max(1, min(limit, int(_BATCH_BYTES / self._message_bytes)))

    def _take(self, chunk: Chunk) -> None:
        place = self._active.get(chunk.partition)
        if place is None:
            return
        messages, offset = chunk.messages, self._client.offset
        place.fetched = offset(messages[-1]) + 1
        end = False
        if place.stop is not None and offset(messages[-1]) >= place.stop - 1:
            end = True
            if offset(messages[-1]) >= place.stop:
                messages = messages[: bisect_left(messages, place.stop, key=offset)]
            self._end(place)
        self._pending.append(_Piece(place, messages, 0, end))

    def _reached(self, reached: Reached) -> None:
        place = self._active.get(reached.partition)
        if place is None:
            return
        place.fetched = max(place.fetched, reached.offset)
        if place.stop is not None and reached.offset >= place.stop:
            self._end(place)
            self._pending.append(_Piece(place, [], 0, end=True))

    def _end(self, place: _Place) -> None:
        del self._active[place.partition]
        self._client.unassign([place.partition])

    def _give(self, limit: int) -> Fetched | None:
        """Decode the next part of what waits; None if nothing comes of it."""
        piece = self._pending[0]
        place, start = piece.place, piece.given
        messages = piece.messages
        if start or len(messages) > limit:
            messages = messages[start : start + limit]
        values = self._client.values(messages)
        values = self._cut(values)
        if len(values) < len(messages):
            messages = messages[: len(values)]
        piece.given += len(messages)
        done = piece.given >= len(piece.messages)
        if done:
            self._pending.popleft()
        end = done and piece.end
        if messages:
            place.position = self._client.offset(messages[-1]) + 1
        if end and place.stop is not None:
            place.position = place.stop
        rows = None
        unreadable = self._decoder.bad
        rejected = unreadable.rejected
        if values:
            unreadable.at = lambda index: self._at(place, messages[index])
            try:
                if self._with_metadata is None:
                    rows = self._decoder.decode(values)
                else:
                    metadata = self._client.metadata(messages)
                    rows = self._with_metadata.decode(values, place.partition, metadata)
            except BadRecord as bad:
                raise self._bad(bad, place, messages) from bad.__cause__
        if rows is None and not end and unreadable.rejected == rejected:
            self._left_out[place.split] = place.position
            return None
        self._left_out.pop(place.split, None)
        return Fetched(place.split, None if rows is None else Batch(rows), place.position, end)

    def _cut(self, values: list[bytes | None]) -> list[bytes | None]:
        """Leave out what would make the batch too large; keep the size of messages in mind."""
        if not values:
            return values
        total = sum(map(len, filter(None, values)))
        self._message_bytes += 0.3 * (max(1.0, total / len(values)) - self._message_bytes)
        if total <= _BATCH_BYTES * 1.25:
            return values
        sizes = list(accumulate(len(v) if v else 0 for v in values))
        return values[: max(1, bisect_left(sizes, _BATCH_BYTES))]

    def _at(self, place: _Place, message: Any) -> str:
        partition = place.partition
        return (
            f"topic {partition.topic!r}, partition {partition.number}, offset {self._client.offset(message)}"
        )

    def _bad(self, bad: BadRecord, place: _Place, messages: list[Any]) -> Terminal:
        return Terminal(
            f"A message of {self._at(place, messages[bad.index])}, cannot be read (step "
            f"{self._ctx.operator}): {bad.why}. Its value: {shown_record(bad.value, _SHOWN)}. Correct what "
            "writes to the topic, or pass on_error='skip' to leave such messages out and count them, or "
            "on_error=dead_letter(sink) to keep them."
        )

    def _go_on_or_fail(self, gone: OffsetGone) -> None:
        """Go on at the earliest message where that is wanted; else raise what says where and why."""
        partition = gone.partition
        place = self._active.get(partition)
        offset = gone.offset if gone.offset is not None else place.position if place else -1
        there = self._client.range_of(partition, 5.0)
        if self._skip_lost and place is not None and there is not None and offset < there[0]:
            self._jump(place, offset, there[0])
            return
        raise self._gone(partition, offset, there) from gone.__cause__

    def _jump(self, place: _Place, offset: int, earliest: int) -> None:
        logger.warning(
            "topic %r, partition %d: offset %d was to be read, but the earliest available is %d; step %s "
            "goes on there, %d offsets are lost",
            *place.partition,
            offset,
            earliest,
            self._ctx.operator,
            earliest - offset,
        )
        self._ctx.count("lost", earliest - offset)
        self._client.unassign([place.partition])
        if place.stop is not None and earliest >= place.stop:
            del self._active[place.partition]
            self._pending.append(_Piece(place, [], 0, end=True))
            return
        place.position = place.fetched = earliest
        self._client.assign({place.partition: earliest})

    def _gone(self, partition: Partition, offset: int, there: tuple[int, int] | None) -> Terminal:
        text = (
            f"Topic {partition.topic!r}, partition {partition.number}, has no offset {offset} at "
            f"{self._servers} (step {self._ctx.operator}): "
        )
        if there is None:
            why = "it is out of the partition's range"
        elif offset < there[0]:
            why = f"the earliest available is {there[0]}; retention has deleted what was before"
        else:
            why = f"it ends at {there[1]} (earliest {there[0]}); the topic was truncated or made anew"
        return Terminal(
            f"{text}{why}. What is missing cannot be read again: run with --fresh to start over at start=, "
            "or pass on_lost='earliest' to go on with what is left, and let the topic keep messages "
            "(retention.ms) longer than the job may stand still."
        )

    def lag(self) -> int | None:
        """Return how many offsets lie before the stops, or before the ends that the broker told of last.

        Among them may be some that are no messages (any more), or not committed yet. Where the client's
        memory for messages is full, it fetches no more, and hears of no more.
        """
        waiting = sum(len(piece.messages) - piece.given for piece in self._pending)
        for place in self._active.values():
            end = self._client.known_end(place.partition) if place.stop is None else place.stop
            if end is None:
                return None
            waiting += max(0, end - place.fetched)
        return waiting

    def commit(self, positions: Mapping[str, Position]) -> None:
        """Commit to the group, if there is one, without waiting."""
        known = {
            self._partitions[split]: int(position)
            for split, position in positions.items()
            if split in self._partitions and position is not None
        }
        if self._commits and known:
            self._client.commit(known)

    def close(self) -> None:
        """Close the consumer."""
        self._pending.clear()
        self._active.clear()
        self._client.close()


class _Outage:
    """Says once that no broker answers, and once that one is back."""

    def __init__(self, client: Client, servers: str, warn_after: float) -> None:
        self._client = client
        self._servers = servers
        self._warn_after = warn_after
        self._since: float | None = None
        self._next_probe = 0.0
        self._warned = False

    def look(self) -> None:
        """Called after each poll. A probe is the only thing that may take longer than `read` was given."""
        if not self._client.trouble():
            if self._since is not None:
                self._over()
            return
        now = time.monotonic()
        if self._since is None:
            self._since, self._next_probe = now, now + self._warn_after
        if now < self._next_probe:
            return
        self._next_probe = now + _PROBE_EVERY
        if self._client.reachable(_PROBE_TIMEOUT):
            self._over()
        elif not self._warned:
            self._warned = True
            logger.warning("no broker of %s reachable for %g s; waiting", self._servers, self._warn_after)

    def _over(self) -> None:
        if self._warned and self._since is not None:
            seconds = time.monotonic() - self._since
            logger.info("a broker of %s is reachable again after %.0f s; going on", self._servers, seconds)
        self._since, self._warned = None, False
