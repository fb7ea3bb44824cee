"""What the state machines say: events of tasks, and commands of the coordinator.

Named tuples: making a frozen dataclass costs half a millisecond of every start.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

from raystreaming.checkpoint.manifest import Manifest, StateFile, StateRef
from raystreaming.connector.sink import Prepared
from raystreaming.connector.source import Position, Split
from raystreaming.state import GroupSnapshot

Outcome = Literal["finished", "stopped", "cancelled"]


class OperatorSnapshot(NamedTuple):
    """One operator of one task at a barrier.

    Attributes:
        groups: Keyed state.
        state: Other state.
        prepared: Of a sink: what `prepare` returned.
    """

    groups: GroupSnapshot | None = None
    state: bytes | None = None
    prepared: Prepared = None


class Snapshot(NamedTuple):
    """Task event: the task has passed a barrier.

    Attributes:
        task: Id of the task.
        epoch: The epoch that ended.
        positions: Of a source: position and whether it has ended, by split id.
        operators: By operator id.
    """

    task: int
    epoch: int
    positions: Mapping[str, tuple[Position, bool]]
    operators: Mapping[str, OperatorSnapshot]


class SourceEnded(NamedTuple):
    """Task event: a source task has consumed everything and passed the end on."""

    task: int


TaskEvent: TypeAlias = "Snapshot | SourceEnded"


class StoredOperator(NamedTuple):
    """An `OperatorSnapshot` after the I/O thread: state in files, output prepared."""

    full: bool = False
    groups: Mapping[int, StateRef] = MappingProxyType({})
    state: bytes | None = None
    committable: bytes | None = None


class StoredSnapshot(NamedTuple):
    """A `Snapshot` after the I/O thread."""

    task: int
    epoch: int
    positions: Mapping[str, tuple[Position, bool]]
    operators: Mapping[str, StoredOperator]
    files: Mapping[str, StateFile]


class TaskReport(NamedTuple):
    """How far a task has come, for a coordinator that takes over.

    Attributes:
        task: Id of the task.
        splits: Of a source: the splits it was given.
        ended: Of a source: whether it has passed the end on.
        epoch: The last epoch whose barrier it has seen; -1 before the first.
        stored: Its part of the last checkpoint, once that is stored.
    """

    task: int
    splits: tuple[str, ...]
    ended: bool
    epoch: int
    stored: StoredSnapshot | None


Report: TypeAlias = "StoredSnapshot | SourceEnded"
"""What the coordinator hears from a task."""


class AssignSplits(NamedTuple):
    """Command: the task reads these splits; there will be no more if `last`."""

    task: int
    splits: list[tuple[Split, Position]]
    last: bool


class InjectBarrier(NamedTuple):
    """Command: the source task ends its epoch, if it has not; it consumes nothing afterwards if `halt`."""

    task: int
    epoch: int
    halt: bool


class EndInput(NamedTuple):
    """Command: the source task passes the end on instead of reading further."""

    task: int


class CommitPositions(NamedTuple):
    """Command: the source task tells its reader how far a completed checkpoint has come."""

    task: int
    positions: Mapping[str, Position]


class WriteManifest(NamedTuple):
    """Command: create the manifest, then call `Coordinator.manifest_written`."""

    manifest: Manifest


class Commit(NamedTuple):
    """Command: commit the manifest's committables, then call `Coordinator.committed`."""

    manifest: Manifest


class CheckpointComplete(NamedTuple):
    """Command: drop old checkpoints."""

    manifest: Manifest


class Finish(NamedTuple):
    """Command: the job has ended."""

    outcome: Outcome


TaskOrder: TypeAlias = "AssignSplits | InjectBarrier | EndInput | CommitPositions"
"""Commands to a task."""

Command: TypeAlias = "TaskOrder | WriteManifest | Commit | CheckpointComplete | Finish"
