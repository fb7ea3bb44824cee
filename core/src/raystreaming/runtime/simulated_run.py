"""One start of a simulated job: its tasks, its coordinator, and all that is on its way between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, Literal

from raystreaming.checkpoint.manifest import Manifest
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.connector.on_error import goes_on
from raystreaming.connector.rejecting import Rejected
from raystreaming.connector.source import Fetched, Position, Reader, ReaderContext, Split
from raystreaming.engine.coordinator import Coordinator
from raystreaming.engine.messages import (
    AssignSplits,
    CheckpointComplete,
    Command,
    Commit,
    CommitPositions,
    EndInput,
    Finish,
    InjectBarrier,
    Outcome,
    Snapshot,
    SourceEnded,
    StoredSnapshot,
    TaskReport,
    WriteManifest,
)
from raystreaming.engine.task import Task
from raystreaming.graph import LogicalOperator
from raystreaming.records import Barrier, Batch, Frame
from raystreaming.runtime.build import build_tasks
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.start import commit, discover
from raystreaming.runtime.storing import store_snapshot

Wish = Literal["stop", "drain"]

CREDITS = 4
PIECES = (1, 2, 3, 5, 1000)
LIMITS = (1, 2, 3, 7, 64)
THE_PAST = 0.0
"""Deadline of every read: readers never wait."""


class SimulationFailed(AssertionError):
    """A simulated run went wrong; names the seed that repeats it."""


class Scenario:
    """What all starts of a simulated job share; `Simulation` decides it.

    Attributes:
        spec: The job.
        store: Its checkpoints.
        random: Decides what happens.
        rough: Cut frames, deliver them again, deliver those of strangers.
        capacity: How many records a channel takes before its senders have to wait.
        tick: Seconds that pass at a time, at most.
        now: Seconds on the clock.
        checkpoints: How many were completed.
        repeats: How many frames were delivered again.
        most_waiting: The most records that were on one channel.
        fingerprint: Equal for equal schedules.
        history: Names of what happened; None where nobody wants them.
    """

    spec: JobSpec
    store: CheckpointStore
    random: Random
    rough: bool
    capacity: int
    tick: float
    now: float = 0.0
    checkpoints: int = 0
    repeats: int = 0
    most_waiting: int = 0
    fingerprint: int = 0
    history: list[str] | None = None


class SimulatedReader:
    """A reader and what is on its way to and from it."""

    def __init__(self, task: Task) -> None:
        op = task.spec.vertex.source
        assert op is not None
        assert op.source is not None
        self.task = task
        self.source = op.source
        self.rejected: list[Rejected] = []
        self.context = ReaderContext(
            operator=op.id,
            task=task.spec.index,
            parallelism=op.parallelism,
            columnar=task.spec.vertex.columnar_source,
            fails=not goes_on(op.on_error),
            rejected=self.rejected.append,
            config=op.config,
        )
        self.reader: Reader[Any] | None = None
        self.controls: deque[Callable[[], None]] = deque()
        self.messages: deque[Callable[[Reader[Any]], None]] = deque()
        self.fetched: deque[tuple[Fetched, tuple[Rejected, ...]]] = deque()
        self.credits = CREDITS
        self.open_splits = 0

    def assign(self, splits: list[tuple[Split, Position]], last: bool) -> None:
        """Give splits to the task first, then to the reader."""
        self.task.assign({s.id: position for s, position in splits}, last)
        self.messages.append(partial(self._add_splits, splits))

    def _add_splits(self, splits: list[tuple[Split, Position]], reader: Reader[Any]) -> None:
        self.open_splits += len(splits)
        reader.add_splits(splits)

    def fetch(self, limit: int) -> bool:
        """Handle a message, or read; return whether something was done."""
        if self.reader is None:
            self.reader = self.source.open(self.context)
        if self.messages:
            self.messages.popleft()(self.reader)
            return True
        if not (self.credits and self.open_splits):
            return False
        fetched = self.reader.read(limit, THE_PAST)
        if fetched is None:
            return False
        if fetched.batch is not None and len(fetched.batch) > limit:
            raise SimulationFailed(f"{self.context.operator}: more records than the limit {limit}")
        self.credits -= 1
        self.open_splits -= fetched.end
        self.fetched.append((fetched, tuple(self.rejected)))
        self.rejected.clear()
        return True


class SimulatedRun:
    """One start of the job, until it ends or is lost."""

    def __init__(self, simulation: Scenario, base: Manifest) -> None:
        self.sim = simulation
        self.random = simulation.random
        self.outcome: Outcome | None = None
        self.acting = False
        self.retires = True
        self._wished = False
        spec = simulation.spec
        self._run_id = base.run
        self.tasks = build_tasks(spec, spec.execution.tasks, base, simulation.store)
        self.coordinator = Coordinator(spec.execution, base, spec.checkpoint_interval, simulation.now)
        channels = spec.execution.channels
        self._receiver = {c.id: self.tasks[c.receiver] for c in channels}
        self._wires: dict[int, deque[Frame]] = {c.id: deque() for c in channels}
        self._on_wire = dict.fromkeys(self._wires, 0)
        self._delivered: dict[int, deque[Frame]] = {c.id: deque(maxlen=3) for c in channels}
        self._outputs = [[c for e in t.spec.outputs for c in e.channels] for t in self.tasks]
        self._sources = {t.spec.id: SimulatedReader(t) for t in self.tasks if t.spec.vertex.source}
        self._io: list[tuple[str, Callable[[], None]]] = []
        self._mail: list[Callable[[], None]] = []
        self._stored: dict[int, StoredSnapshot] = {}
        self._discovering = [
            op
            for op in spec.graph.sources
            if op.source is not None and not op.source.bounded and op.source.discovery_interval is not None
        ]
        self._slots = self._make_slots()
        for task in self.tasks:
            task.open()
        self._do(self.coordinator.start())

    def _make_slots(self) -> list[Callable[[], bool]]:
        """Return everything that may happen, what is to happen more often more often."""
        every: list[Callable[[], bool]] = [partial(self._deliver, c) for c in self._wires]
        every += [partial(self._step, task) for task in self.tasks]
        for source in self._sources.values():
            every += [
                partial(self._fetch, source),
                partial(self._feed, source),
                partial(self._control, source),
            ]
        weights = self.random.choices((1, 2, 4, 8), k=len(every))
        slots = [slot for slot, weight in zip(every, weights, strict=True) for _ in range(weight)]
        about = 1 + len(slots) // 12
        every_now_and_then = [partial(self._discover, op) for op in self._discovering]
        return slots + [self._do_io, self._read_mail, self._tick] * about + every_now_and_then

    @property
    def at_commit_point(self) -> bool:
        """Whether a manifest or a commit is under way."""
        return any(kind in ("manifest", "commit") for kind, _ in self._io)

    def act(self) -> None:
        """Let one thing happen."""
        self.acting = True
        slots, pick = self._slots, self.random.random
        sim, n = self.sim, len(self._slots)
        try:
            while True:
                index = int(pick() * n)
                if slots[index]():
                    break
        finally:
            self.acting = False
        sim.fingerprint = (sim.fingerprint * 1_000_003 + index) & 0xFFFF_FFFF_FFFF
        if sim.history is not None:
            sim.history.append(_name(slots[index]))

    def wish(self, wish: Wish | None) -> None:
        """Have the job stopped or drained."""
        if wish is None or self._wished:
            return
        self._wished = True
        if wish == "stop":
            self.coordinator.stop()
        else:
            self._do(self.coordinator.drain())

    def replace_coordinator(self) -> bool:
        """Lose the coordinator with all it knew and had under way, and have another take over.

        Tasks, readers and what they store go on. Returns whether there was something to take over.
        """
        sim, store = self.sim, self.sim.store
        base = store.latest()
        if base is None or base.run != self._run_id or self.outcome is not None:
            return False
        self._io = [(kind, call) for kind, call in self._io if kind == "store"]
        self._mail.clear()
        for source in self._sources.values():
            for _ in range(self.random.randrange(len(source.controls) + 1)):
                source.controls.popleft()()
            source.controls.clear()  # orders on their way are void
        reports = [
            TaskReport(t.spec.id, t.splits, t.ended, t.epoch, self._stored.get(t.spec.id)) for t in self.tasks
        ]
        if not store.is_committed(base):
            commit(sim.spec, store, base)
        self.coordinator = Coordinator(
            sim.spec.execution, base.without_committables(), sim.spec.checkpoint_interval, sim.now
        )
        self._wished = False
        self._do(self.coordinator.adopt(reports, sim.now))
        return True

    def close(self, settle: bool) -> None:
        """Close readers and tasks; with the I/O that is left, if it is to settle."""
        if settle:
            for _, call in self._io:
                call()
        for source in self._sources.values():
            if source.reader is not None:
                source.reader.close()
        for task in self.tasks:
            task.close()

    # What may happen ---------------------------------------------------------------------

    def _tick(self) -> bool:
        self.sim.now += self.random.random() * self.sim.tick
        self._do(self.coordinator.tick(self.sim.now))
        return True

    def _deliver(self, channel: int) -> bool:
        wire = self._wires[channel]
        if not wire:
            return False
        frame = wire[0]
        kind = self.random.random()
        if kind < 0.5 and self.sim.rough:
            self.sim.repeats += 1
            if kind < 0.1 and self._delivered[channel]:
                frame = self.random.choice(self._delivered[channel])  # once more
                self._receiver[channel].receive(frame)
            elif kind < 0.2:
                junk = Batch(["of a stranger"] * len(frame))
                self._receiver[channel].receive(Frame(channel, frame.incarnation + 1, frame.offset, junk))
            elif isinstance(frame.element, Batch) and len(frame) > 1:
                head, tail = frame.cut(self.random.randrange(1, len(frame)))
                self._receiver[channel].receive(head)
                if kind < 0.35:  # else the rest comes with all of the frame
                    wire[0] = tail
                    self._on_wire[channel] -= len(head)
            return True
        wire.popleft()
        if isinstance(frame.element, Batch):
            self._on_wire[channel] -= len(frame)
        self._delivered[channel].append(frame)
        self._receiver[channel].receive(frame)
        return True

    def _has_room(self, task: Task) -> bool:
        capacity = self.sim.capacity
        return all(self._waiting(c) < capacity for c in self._outputs[task.spec.id])

    def _waiting(self, channel: int) -> int:
        return self._on_wire[channel] + self._receiver[channel].queued(channel)

    def _step(self, task: Task) -> bool:
        if not (task.ready and (task.mark_due or self._has_room(task))):
            return False
        task.piece.records = task.piece.rows = self.random.choice(PIECES)
        task.step()
        for frame in task.frames:
            self._wires[frame.channel].append(frame)
            if isinstance(frame.element, Batch):
                self._on_wire[frame.channel] += len(frame)
                waiting = self._waiting(frame.channel)
                if waiting > self.sim.most_waiting:
                    self.sim.most_waiting = waiting
        task.frames.clear()
        if task.consumed:
            self._sources[task.spec.id].credits += len(task.consumed)
            task.consumed.clear()
        for event in task.events:
            if isinstance(event, Snapshot):
                self._io.append(("store", partial(self._store_snapshot, event)))
            else:
                self._mail.append(partial(self._source_ended, event))
        task.events.clear()
        return True

    def _fetch(self, source: SimulatedReader) -> bool:
        return source.fetch(self.random.choice(LIMITS))

    def _feed(self, source: SimulatedReader) -> bool:
        if not source.fetched:
            return False
        source.task.feed(*source.fetched.popleft())
        return True

    def _control(self, source: SimulatedReader) -> bool:
        if not source.controls:
            return False
        source.controls.popleft()()
        return True

    def _do_io(self) -> bool:
        """Finish any one piece of I/O; old files go before anything new is stored."""
        if not self._io:
            return False
        index = self.random.randrange(len(self._io))
        for earlier in range(index):
            if self._io[earlier][0] == "retire":
                index = earlier
                break
        _, call = self._io.pop(index)
        call()
        return True

    def _discover(self, op: LogicalOperator) -> bool:
        self.coordinator.splits_found(op.id, discover(op, self.coordinator.manifest))
        return True

    def _read_mail(self) -> bool:
        if not self._mail:
            return False
        self._mail.pop(self.random.randrange(len(self._mail)))()
        return True

    # Commands and I/O --------------------------------------------------------------------

    def _do(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case AssignSplits(task, splits, last):
                    source = self._sources[task]
                    source.controls.append(partial(source.assign, splits, last))
                case InjectBarrier(task, epoch, halt):
                    source = self._sources[task]
                    source.controls.append(partial(source.task.inject, Barrier(epoch), halt))
                case EndInput(task):
                    source = self._sources[task]
                    source.controls.append(source.task.drain)
                case WriteManifest(manifest):
                    self._io.append(("manifest", partial(self._write_manifest, manifest)))
                case Commit(manifest):
                    self._io.append(("commit", partial(self._commit, manifest)))
                case CommitPositions(task, positions):
                    self._sources[task].messages.append(partial(_tell_positions, positions))
                case CheckpointComplete():
                    self.sim.checkpoints += 1
                    self._io.append(("retire", self._retire))
                case Finish(outcome):
                    self.outcome = outcome

    def _source_ended(self, event: SourceEnded) -> None:
        self.coordinator.source_ended(event.task)

    def _store_snapshot(self, snapshot: Snapshot) -> None:
        stored = store_snapshot(snapshot, self.sim.store, self._run_id)
        self._stored[stored.task] = stored
        self._mail.append(lambda: self._do(self.coordinator.acknowledge(stored)))

    def _write_manifest(self, manifest: Manifest) -> None:
        self.sim.store.write_manifest(manifest)
        self._mail.append(lambda: self._do(self.coordinator.manifest_written(manifest)))

    def _commit(self, manifest: Manifest) -> None:
        commit(self.sim.spec, self.sim.store, manifest)
        self._mail.append(lambda: self._do(self.coordinator.committed()))

    def _retire(self) -> None:
        if self.retires:
            self.sim.store.retire()


def _tell_positions(positions: Mapping[str, Position], reader: Reader[Any]) -> None:
    reader.commit(positions)


def _name(slot: Callable[[], bool]) -> str:
    if isinstance(slot, partial):
        what = slot.args[0]
        if isinstance(what, SimulatedReader):
            what = what.task
        return f"{slot.func.__name__} {what.spec.name if isinstance(what, Task) else what}"
    return slot.__name__
