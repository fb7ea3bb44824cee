"""Sources and a two-phase sink in memory whose outside world outlives any crash of a job."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from raystreaming.connector.options import option
from raystreaming.connector.sink import Prepared, TwoPhaseSink, TwoPhaseWriter, WriterContext
from raystreaming.connector.source import (
    Fetched,
    PlanContext,
    Position,
    Reader,
    ReaderContext,
    Source,
    Split,
)
from raystreaming.errors import Terminal
from raystreaming.records import Batch, pack, rows_of, unpack

T_co = TypeVar("T_co", covariant=True)


class WorldViolation(AssertionError):
    """The job did to the outside world what a correct job never does."""


@dataclass(slots=True)
class Output:
    """What one writer wrote in one epoch.

    Attributes:
        owner: `WriterContext.owner` of the writer.
        task: Index of the writer's task.
        values: The records, in order.
        prepared: Whether the epoch has ended.
    """

    owner: str
    task: int
    values: list[Any] = field(default_factory=list[Any])
    prepared: bool = False

    def checksum(self) -> int:
        """Return a checksum of the records."""
        return zlib.crc32(repr(self.values).encode())


class World:
    """Where a `MemorySink` writes: staged output, and output that was committed.

    It is as strict as the outside can be: what is committed twice must be the same, what was
    aborted or not prepared cannot be committed, what was committed is never removed.

    Attributes:
        staged: Output that is neither committed nor aborted, by handle.
        committed: Committed output by handle, in the order of the commits.
        interrupt: Called before every change; a simulation crashes jobs there.
    """

    def __init__(self) -> None:
        self.staged: dict[str, Output] = {}
        self.committed: dict[str, Output] = {}
        self.interrupt: Callable[[], None] = _nothing

    @property
    def values(self) -> list[Any]:
        """All committed records."""
        return [value for output in self.committed.values() for value in output.values]

    def values_of(self, task: int) -> list[Any]:
        """Return the committed records of one sink task."""
        return [v for output in self.committed.values() if output.task == task for v in output.values]

    def write(self, handle: str, owner: str, task: int, values: list[Any]) -> None:
        """Stage records under a handle."""
        self.interrupt()
        if handle in self.committed:
            raise WorldViolation(f"{handle} is written to after its commit")
        self.staged.setdefault(handle, Output(owner, task)).values.extend(values)

    def prepare(self, handle: str) -> bytes | None:
        """End the handle's epoch and return its committable."""
        self.interrupt()
        output = self.staged.get(handle)
        if output is None:
            return None
        output.prepared = True
        return _pack(handle, output)

    def commit(self, committables: Sequence[bytes]) -> None:
        """Publish."""
        for committable in committables:
            self.interrupt()
            handle, checksum = unpack(committable)
            done = self.committed.get(handle)
            if done is not None:
                if done.checksum() != checksum:
                    raise WorldViolation(f"{handle} is committed twice, with different records")
                continue
            output = self.staged.get(handle)
            if output is None:
                raise Terminal(f"{handle} is to be committed, and was thrown away")
            if not output.prepared or output.checksum() != checksum:
                raise WorldViolation(f"{handle} is to be committed, and is not what was prepared")
            self.committed[handle] = self.staged.pop(handle)

    def abort(self, committables: Sequence[bytes]) -> None:
        """Throw staged output away; committed output stays."""
        for committable in committables:
            self.interrupt()
            handle, _ = unpack(committable)
            self.staged.pop(handle, None)

    def list_open(self, owner: str) -> list[bytes]:
        """Return what `owner` has staged."""
        self.interrupt()
        return [_pack(h, output) for h, output in self.staged.items() if output.owner == owner]


def _nothing() -> None:
    pass


def _pack(handle: str, output: Output) -> bytes:
    return pack([handle, output.checksum()])


class MemorySink(TwoPhaseSink[Any]):
    """Writes to a `World`, exactly once."""

    world: World = option(doc="Where the records go.")
    lazy: bool = option(default=False, doc="Prepare on the I/O thread.")
    stateful: bool = option(default=False, doc="Keep state in the checkpoint, and check it.")

    def open(self, state: bytes | None, ctx: WriterContext) -> TwoPhaseWriter[Any]:
        """Return a writer that stages in the world."""
        return _MemoryWriter(self, state, ctx)

    def commit(self, committables: Sequence[bytes]) -> None:
        """Publish."""
        self.world.commit(committables)

    def abort(self, committables: Sequence[bytes]) -> None:
        """Throw staged output away."""
        self.world.abort(committables)

    def list_open(self, owner: str) -> Sequence[bytes]:
        """Return what is staged."""
        return self.world.list_open(owner)


class _MemoryWriter(TwoPhaseWriter[Any]):
    def __init__(self, sink: MemorySink, state: bytes | None, ctx: WriterContext) -> None:
        self._sink = sink
        self._context = ctx
        self._prepared = 0 if state is None else int(state)
        self._epochs = 0
        self._prefix = f"{ctx.owner}/{ctx.run}/{ctx.task}"
        if sink.stateful:
            known = {o.task for o in sink.world.committed.values() if o.owner == ctx.owner}
            if (state is None) != (ctx.task not in known):
                raise WorldViolation(f"writer {ctx.task} got state {state!r} of {known}")

    @property
    def _handle(self) -> str:
        return f"{self._prefix}/{self._epochs}"

    def write(self, batch: Batch) -> None:
        ctx = self._context
        self._sink.world.write(self._handle, ctx.owner, ctx.task, rows_of(batch.values))

    def prepare(self, epoch: int) -> Prepared:
        handle, world = self._handle, self._sink.world
        if self._sink.stateful:
            # Every epoch leaves something, so that the state has a trace in the world.
            world.write(handle, self._context.owner, self._context.task, [])
        self._epochs += 1
        self._prepared += 1
        if self._sink.lazy:
            return lambda: world.prepare(handle)
        return world.prepare(handle)

    def snapshot(self) -> bytes | None:
        return str(self._prepared).encode() if self._sink.stateful else None


class MemorySource(Source[T_co]):
    """Reads lists, one per split. The lists may grow between runs; endless ones while running."""

    splits: dict[str, list[Any]] = option(kw_only=False, doc="Records by split id.")
    endless: bool = option(default=False, doc="The splits have no end.")
    end_alone: bool = option(default=False, doc="The end of a split comes without records.")

    @property
    def bounded(self) -> bool:
        """Unless the splits are endless."""
        return not self.endless

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """Return the splits, up to the records there are now."""
        if self.endless:
            return [Split(id_) for id_ in self.splits]
        return [Split(id_, {"stop": len(values)}) for id_, values in self.splits.items()]

    def open(self, ctx: ReaderContext) -> Reader[T_co]:
        """Return a reader of all splits in turn."""
        return _MemoryReader(self)


class _MemoryReader(Reader[T_co]):
    def __init__(self, source: MemorySource[T_co]) -> None:
        self._source = source
        self._splits: deque[tuple[Split, int]] = deque()

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        for split, position in splits:
            at, ended = (0, False) if position is None else (position["at"], position["end"])
            if ended and at >= split.payload["stop"]:
                raise WorldViolation(f"split {split.id} has been read to its end, and comes again")
            self._splits.append((split, at))

    def read(self, limit: int, deadline: float) -> Fetched | None:
        for _ in range(len(self._splits)):
            split, at = self._splits.popleft()
            values = self._source.splits[split.id]
            end_at = split.payload.get("stop")
            stop = min(at + limit, len(values) if end_at is None else end_at)
            end = end_at is not None and stop >= end_at
            if self._source.end_alone and stop > at:
                end = False
            if not end:
                self._splits.append((split, stop))
            if stop > at or end:
                batch = Batch(values[at:stop]) if stop > at else None
                return Fetched(split.id, batch, {"at": stop, "end": end}, end)
        return None


class ForeignSource(Source[T_co]):
    """A source whose reader is "in another language": only bytes cross the boundary."""

    splits: dict[str, list[Any]] = option(kw_only=False, doc="Records (msgpack values) by split id.")

    @property
    def bounded(self) -> bool:
        """True."""
        return True

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """Return the splits."""
        return [Split(id_, {"stop": len(values)}) for id_, values in self.splits.items()]

    def open(self, ctx: ReaderContext) -> Reader[T_co]:
        """Return a reader that calls the library."""
        return _ForeignReader(ForeignLibrary(pack(self.splits)))


class ForeignLibrary:
    """The other side of the boundary: takes and returns nothing but msgpack bytes."""

    def __init__(self, splits: bytes) -> None:
        self._data: dict[str, list[Any]] = unpack(splits)
        self._cursors: dict[str, list[int]] = {}

    def call(self, method: str, request: bytes) -> bytes | None:
        """Run a method of the library."""
        if method == "add":
            for id_, stop, position in unpack(request):
                self._cursors[id_] = [0 if position is None else unpack(position)[0], stop]
            return None
        limit = unpack(request)
        for id_, (at, stop) in self._cursors.items():
            upto = min(at + limit, stop)
            del self._cursors[id_]
            if upto < stop:
                self._cursors[id_] = [upto, stop]
            records: bytes = pack(self._data[id_][at:upto])
            after: bytes = pack([upto])
            answer: bytes = pack([id_, records, after, upto >= stop])
            return answer
        return None


class _ForeignReader(Reader[T_co]):
    def __init__(self, library: ForeignLibrary) -> None:
        self._library = library

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        request = [[s.id, s.payload["stop"], position] for s, position in splits]
        self._library.call("add", pack(request))

    def read(self, limit: int, deadline: float) -> Fetched | None:
        answer = self._library.call("read", pack(limit))
        if answer is None:
            return None
        split, blob, position, end = unpack(answer)
        values = unpack(blob)
        return Fetched(split, Batch(values) if values else None, position, end)
