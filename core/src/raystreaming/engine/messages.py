"""What the state machines say: events of tasks, and commands of the coordinator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from raystreaming.checkpoint.manifest import Manifest, StateFile, StateRef
from raystreaming.connector.sink import Prepared
from raystreaming.connector.source import Position, Split
from raystreaming.state import GroupSnapshot

Outcome = Literal["finished", "stopped", "cancelled"]


@dataclass(frozen=True, slots=True)
class OperatorSnapshot:
    """One operator of one task at a barrier.

    Attributes:
        groups: Keyed state.
        state: Other state.
        prepared: Of a sink: what `prepare` returned.
    """

    groups: GroupSnapshot | None = None
    state: bytes | None = None
    prepared: Prepared = None


@dataclass(frozen=True, slots=True)
class Snapshot:
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


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """Task event: a source task has consumed everything and passed the end on."""

    task: int


TaskEvent: TypeAlias = "Snapshot | SourceEnded"


@dataclass(frozen=True, slots=True)
class StoredOperator:
    """An `OperatorSnapshot` after the I/O thread: state in files, output prepared."""

    full: bool = False
    groups: Mapping[int, StateRef] = field(default_factory=dict[int, StateRef])
    state: bytes | None = None
    committable: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """A `Snapshot` after the I/O thread."""

    task: int
    epoch: int
    positions: Mapping[str, tuple[Position, bool]]
    operators: Mapping[str, StoredOperator]
    files: Mapping[str, StateFile]


@dataclass(frozen=True, slots=True)
class AssignSplits:
    """Command: the task reads these splits; there will be no more if `last`."""

    task: int
    splits: list[tuple[Split, Position]]
    last: bool


@dataclass(frozen=True, slots=True)
class InjectBarrier:
    """Command: the source task ends its epoch; it consumes nothing afterwards if `halt`."""

    task: int
    epoch: int
    halt: bool


@dataclass(frozen=True, slots=True)
class EndInput:
    """Command: the source task passes the end on instead of reading further."""

    task: int


@dataclass(frozen=True, slots=True)
class WriteManifest:
    """Command: create the manifest, then call `Coordinator.manifest_written`."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Commit:
    """Command: commit the manifest's committables, then call `Coordinator.committed`."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class CheckpointComplete:
    """Command: tell readers how far they are, drop old checkpoints."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Finish:
    """Command: the job has ended."""

    outcome: Outcome


Command: TypeAlias = (
    "AssignSplits | InjectBarrier | EndInput | WriteManifest | Commit | CheckpointComplete | Finish"
)
