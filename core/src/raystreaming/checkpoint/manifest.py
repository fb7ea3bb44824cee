"""`Manifest`: what a checkpoint holds. Its atomic creation is the commit point of an epoch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from raystreaming.errors import CheckpointDamaged
from raystreaming.records import pack, unpack

FORMAT = 1


class SplitState(NamedTuple):
    """How far a split has been read.

    Attributes:
        payload: The split's payload, stop offsets included.
        position: The reader's position after the last record that belongs to the checkpoint.
        ended: Whether the split has been read to its end.
    """

    payload: dict[str, Any]
    position: Any = None
    ended: bool = False


class StateRef(NamedTuple):
    """Where the state of a key group lies: a range of bytes in a state file."""

    file: str
    offset: int
    length: int


class StateFile(NamedTuple):
    """Size in bytes and sha256 of a state file."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class OperatorState:
    """All of one operator that a checkpoint holds.

    Attributes:
        kind: What the operator is, for messages.
        name: Its name, for messages.
        parallelism: Its number of tasks when the checkpoint was made.
        splits: Of a source: all splits by id.
        bounded: Of a source: whether the splits end by themselves.
        groups: Of a keyed operator: state by key group.
        states: State of an operator or writer by task index.
        committables: Of a two-phase sink: handles of the epoch, to be committed.
    """

    kind: str
    name: str
    parallelism: int
    splits: dict[str, SplitState] = field(default_factory=dict[str, SplitState])
    bounded: bool = False
    groups: dict[int, StateRef] = field(default_factory=dict[int, StateRef])
    states: dict[int, bytes] = field(default_factory=dict[int, bytes])
    committables: list[bytes] = field(default_factory=list[bytes])

    @property
    def holds_something(self) -> bool:
        """Whether anything would be lost without the operator."""
        return bool(self.splits or self.groups or self.states or self.committables)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One checkpoint of a job.

    Attributes:
        job: Name of the job.
        job_id: Identity of the job's output in the outside world, from its first start on.
        sequence: Number of the checkpoint; without gaps, so that a rival's write collides.
        epoch: The epoch it ends.
        run: The start of the job that wrote it.
        key_groups: Number of key groups, fixed at the first start.
        submission: The submission of the job that the run belongs to.
        finished: Whether all sources had ended.
        operators: What it holds, by operator id.
        files: The state files it refers to.
    """

    job: str
    job_id: str
    sequence: int
    epoch: int
    run: str
    key_groups: int
    submission: str = ""
    finished: bool = False
    operators: dict[str, OperatorState] = field(default_factory=dict[str, OperatorState])
    files: dict[str, StateFile] = field(default_factory=dict[str, StateFile])

    def encode(self) -> bytes:
        """Return the manifest as bytes that carry their own checksum."""
        body = pack(_plain(self))
        return hashlib.sha256(body).digest() + body

    @staticmethod
    def decode(data: bytes, name: str) -> Manifest:
        """Return the manifest in `data`.

        Raises:
            CheckpointDamaged: The bytes are not what was written; names the file `name`.
        """
        digest, body = data[:32], data[32:]
        if hashlib.sha256(body).digest() != digest:
            raise damaged(name, "its content does not match its checksum")
        raw: dict[str, Any] = unpack(body)
        if raw["format"] != FORMAT:
            raise damaged(name, f"it has format {raw['format']}, this version reads {FORMAT}")
        operators = {
            id_: OperatorState(
                kind=op["kind"],
                name=op["name"],
                parallelism=op["parallelism"],
                splits={i: SplitState(*s) for i, s in op["splits"].items()},
                bounded=op["bounded"],
                groups={g: StateRef(*r) for g, r in op["groups"].items()},
                states=op["states"],
                committables=op["committables"],
            )
            for id_, op in raw["operators"].items()
        }
        files = {name_: StateFile(*f) for name_, f in raw["files"].items()}
        scalars = {k: raw[k] for k in _SCALARS}
        return Manifest(**scalars, operators=operators, files=files)

    def without_committables(self) -> Manifest:
        """Return the manifest as it goes on when everything in it is committed."""
        operators = {i: replace(op, committables=[]) for i, op in self.operators.items()}
        return replace(self, operators=operators)


_SCALARS = ("job", "job_id", "sequence", "epoch", "run", "key_groups", "submission", "finished")


def _plain(m: Manifest) -> dict[str, Any]:
    return {
        "format": FORMAT,
        **{name: getattr(m, name) for name in _SCALARS},
        "operators": {
            id_: {
                "kind": op.kind,
                "name": op.name,
                "parallelism": op.parallelism,
                "splits": {i: [s.payload, s.position, s.ended] for i, s in op.splits.items()},
                "bounded": op.bounded,
                "groups": {g: [r.file, r.offset, r.length] for g, r in op.groups.items()},
                "states": op.states,
                "committables": op.committables,
            }
            for id_, op in m.operators.items()
        },
        "files": {name: [f.size, f.sha256] for name, f in m.files.items()},
    }


def damaged(name: str, why: str) -> CheckpointDamaged:
    """Build the error for a bad file."""
    return CheckpointDamaged(
        f"checkpoint file {name} is damaged: {why}. Restore the file from a copy, or start over "
        f"with --fresh (fresh=True), which reads everything again"
    )
