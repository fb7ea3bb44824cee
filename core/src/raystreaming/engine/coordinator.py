"""`Coordinator`: the job master's brain, as a pure state machine.

It is told what happened (acknowledgements, ends, wishes, the time) and returns commands. One
checkpoint is in progress at a time, in three steps: all tasks acknowledge a barrier; the manifest
is created (the commit point); the sinks' output is committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from raystreaming.checkpoint.manifest import Manifest, OperatorState, SplitState, StateFile
from raystreaming.connector.source import Position, Split
from raystreaming.engine.messages import (
    AssignSplits,
    CheckpointComplete,
    Command,
    Commit,
    CommitPositions,
    EndInput,
    Finish,
    InjectBarrier,
    StoredSnapshot,
    TaskReport,
    WriteManifest,
)
from raystreaming.graph import ExecutionGraph, TaskSpec
from raystreaming.state import group_owners


class Phase(Enum):
    """Where the checkpoint in progress stands."""

    IDLE = "idle"
    ALIGNING = "waiting for tasks"
    WRITING = "writing the manifest"
    COMMITTING = "committing"


@dataclass(slots=True)
class _Pending:
    epoch: int
    final: bool
    stopping: bool
    waiting: set[int]
    found: dict[str, dict[str, SplitState]]
    acks: dict[int, StoredSnapshot] = field(default_factory=dict[int, StoredSnapshot])


class Coordinator:
    """Runs checkpoints and the end of one job.

    Args:
        graph: The execution graph.
        base: The manifest the run starts from; it has every planned split.
        interval: Seconds between the starts of two checkpoints.
        now: Seconds on the clock whose readings `tick` brings.
    """

    def __init__(self, graph: ExecutionGraph, base: Manifest, interval: float, now: float) -> None:
        self._graph = graph
        self._interval = interval
        self._sources = [t for t in graph.tasks if t.vertex.source is not None]
        self._running_sources = {t.id for t in self._sources}
        self._started = now
        self._assigned: dict[int, set[str]] = {t.id: set() for t in self._sources}
        self._found: dict[str, dict[str, SplitState]] = {}
        self._pending: _Pending | None = None
        self._epoch = base.epoch
        self._stop_wanted = False
        self.manifest = base
        self.phase = Phase.IDLE

    # What is told ------------------------------------------------------------------------

    def start(self) -> list[Command]:
        """Return the assignment of all splits that are still to be read."""
        return self._assign_open_splits(idle_too=True)

    def adopt(self, tasks: Iterable[TaskReport], now: float) -> list[Command]:
        """Take over from a coordinator that died while its tasks went on.

        A checkpoint that was in progress goes on: barriers that a source has seen are ignored there, and
        the parts that were stored are in the reports.
        """
        reports = list(tasks)
        for report in reports:
            if report.ended:
                self._running_sources.discard(report.task)
            if report.task in self._assigned:
                self._assigned[report.task] = set(report.splits)
        commands = self._assign_open_splits(idle_too=True)
        if max(r.epoch for r in reports) > self._epoch:
            commands += self._trigger(now)
            for report in reports:
                if report.stored is not None:
                    commands += self.acknowledge(report.stored)
        return commands

    def tick(self, now: float) -> list[Command]:
        """Start what is due: the final checkpoint, a wanted stop, or a periodic checkpoint."""
        if self.phase is not Phase.IDLE:
            return []
        due = now - self._started >= self._interval or bool(self._found)
        if not self._running_sources:
            return self._trigger(now, final=True)
        if self._stop_wanted:
            return self._trigger(now, stopping=True)
        return self._trigger(now) if due else []

    def next_tick(self) -> float | None:
        """Return when `tick` has something to do unless told something before; None if never."""
        return self._started + self._interval if self.phase is Phase.IDLE else None

    def splits_found(self, source: str, splits: Mapping[str, SplitState]) -> None:
        """Note what a later planning of a source has found; it is read once a checkpoint has it."""
        known = self.manifest.operators[source].splits
        new = {i: s for i, s in splits.items() if i not in known}
        if new:
            self._found.setdefault(source, {}).update(new)

    def source_ended(self, task: int) -> None:
        """Note that a source task has passed the end on."""
        self._running_sources.discard(task)

    def stop(self) -> None:
        """Take a checkpoint and end."""
        self._stop_wanted = True

    def drain(self) -> list[Command]:
        """End the input, so that the job finishes."""
        return [EndInput(task) for task in sorted(self._running_sources)]

    def acknowledge(self, snapshot: StoredSnapshot) -> list[Command]:
        """Note that a task's part of the checkpoint is stored."""
        pending = self._pending
        if pending is None or snapshot.epoch != pending.epoch:
            return []
        pending.acks[snapshot.task] = snapshot
        pending.waiting.discard(snapshot.task)
        if pending.waiting:
            return []
        self.phase = Phase.WRITING
        return [WriteManifest(self._next_manifest(pending))]

    def manifest_written(self, manifest: Manifest) -> list[Command]:
        """Note that the manifest exists: its output may be committed."""
        self.phase = Phase.COMMITTING
        self.manifest = manifest
        return [Commit(manifest)]

    def committed(self) -> list[Command]:
        """Note that the output is visible: the checkpoint is complete."""
        pending, self._pending = self._pending, None
        assert pending is not None
        self.phase = Phase.IDLE
        self.manifest = self.manifest.without_committables()
        commands: list[Command] = [*self._tell_positions(), CheckpointComplete(self.manifest)]
        if pending.final:
            commands.append(Finish("finished"))
        elif pending.stopping:
            commands.append(Finish("stopped"))
        else:
            commands += self._assign_open_splits()
        return commands

    # Inside ------------------------------------------------------------------------------

    def _assign_open_splits(self, idle_too: bool = False) -> list[Command]:
        """Assign the splits that no task has, each to the task with the fewest.

        Args:
            idle_too: Tell tasks that get none, too, so that they know whether any will come.
        """
        commands: list[Command] = []
        for source in {t.vertex.index: t.vertex.source for t in self._sources}.values():
            assert source is not None
            tasks = [t.id for t in self._sources if t.vertex.source is source]
            splits = self.manifest.operators[source.id].splits
            taken = set().union(*(self._assigned[t] for t in tasks))
            new: dict[int, list[tuple[Split, Position]]] = {t: [] for t in tasks}
            load = {t: sum(not splits[i].ended for i in self._assigned[t]) for t in tasks}
            for id_, split in sorted(splits.items()):
                if split.ended or id_ in taken:
                    continue
                task = min(tasks, key=lambda t: (load[t], t))
                load[task] += 1
                self._assigned[task].add(id_)
                new[task].append((Split(id_, split.payload), split.position))
            origin = source.source
            last = origin is not None and (origin.bounded or origin.discovery_interval is None)
            commands += [AssignSplits(t, mine, last) for t, mine in new.items() if mine or idle_too]
        return commands

    def _tell_positions(self) -> Iterable[Command]:
        for task in self._sources:
            source = task.vertex.source
            assert source is not None
            splits = self.manifest.operators[source.id].splits
            yield CommitPositions(task.id, {i: splits[i].position for i in self._assigned[task.id]})

    def _trigger(self, now: float, final: bool = False, stopping: bool = False) -> list[Command]:
        self._started = now
        self._epoch += 1
        found, self._found = self._found, {}
        waiting = {t.id for t in self._graph.tasks}
        self._pending = _Pending(self._epoch, final, stopping, waiting, found)
        self.phase = Phase.ALIGNING
        return [InjectBarrier(t.id, self._epoch, halt=stopping) for t in self._sources]

    def _next_manifest(self, pending: _Pending) -> Manifest:
        """Put the acknowledged parts together, on top of what did not change."""
        old = self.manifest
        operators = dict(old.operators)
        files: dict[str, StateFile] = dict(old.files)
        for task in self._graph.tasks:
            ack = pending.acks[task.id]
            files.update(ack.files)
            for op_id in ack.operators:
                operators[op_id] = _merged(operators[op_id], op_id, ack, task, old.key_groups)
            source = task.vertex.source
            if source is not None:
                operators[source.id] = _with_positions(operators[source.id], ack)
        for id_, splits in pending.found.items():
            operators[id_] = replace(operators[id_], splits={**splits, **operators[id_].splits})
        used = {ref.file for op in operators.values() for ref in op.groups.values()}
        return replace(
            old,
            sequence=old.sequence + 1,
            epoch=pending.epoch,
            finished=pending.final,
            operators=operators,
            files={name: file for name, file in files.items() if name in used},
        )


def _merged(
    old: OperatorState, op_id: str, ack: StoredSnapshot, task: TaskSpec, key_groups: int
) -> OperatorState:
    """Return the operator's state with one task's part replaced."""
    part = ack.operators[op_id]
    groups = dict(old.groups)
    if part.full:
        owners = group_owners(key_groups, task.vertex.parallelism)
        groups = {g: ref for g, ref in groups.items() if owners[g] != task.index}
    groups.update(part.groups)
    states = dict(old.states)
    if part.state is None:
        states.pop(task.index, None)
    else:
        states[task.index] = part.state
    committables = list(old.committables)
    if part.committable is not None:
        committables.append(part.committable)
    return replace(old, groups=groups, states=states, committables=committables)


def _with_positions(old: OperatorState, ack: StoredSnapshot) -> OperatorState:
    splits = dict(old.splits)
    for id_, (position, ended) in ack.positions.items():
        splits[id_] = SplitState(splits[id_].payload, position, ended)
    return replace(old, splits=splits)


def describe_operators(
    graph: ExecutionGraph, planned: dict[str, dict[str, SplitState]], old: Manifest | None
) -> dict[str, OperatorState]:
    """Return the operators of a run's first manifest: planned splits, and all state of before."""
    operators: dict[str, OperatorState] = {}
    for vertex in {t.vertex.index: t.vertex for t in graph.tasks}.values():
        for op in vertex.with_dead_letters:
            before = old.operators.get(op.id) if old is not None else None
            operators[op.id] = OperatorState(
                op.kind,
                op.name,
                op.parallelism,
                splits=planned.get(op.id, {}),
                bounded=op.source is not None and op.source.bounded,
                groups=before.groups if before else {},
                states=before.states if before else {},
            )
    return operators
