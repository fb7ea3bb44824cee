"""The I/O half of a snapshot: state into a file, prepared output finished."""

from __future__ import annotations

from raystreaming.checkpoint.manifest import StateFile, StateRef
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.engine.messages import Snapshot, StoredOperator, StoredSnapshot
from raystreaming.failpoints import reach


def store_snapshot(snapshot: Snapshot, store: CheckpointStore, run: str) -> StoredSnapshot:
    """Write a task's state and finish what its sinks prepared; may block.

    All keyed state of the task goes into one file, found again by offset and length.
    """
    name = f"state-{snapshot.epoch:08}-{run}-{snapshot.task}.bin"
    chunks: list[bytes] = []
    size = 0
    operators: dict[str, StoredOperator] = {}
    for id_, op in snapshot.operators.items():
        refs: dict[int, StateRef] = {}
        if op.groups is not None:
            for group, data in op.groups.groups.items():
                refs[group] = StateRef(name, size, len(data))
                chunks.append(data)
                size += len(data)
        committable = op.prepared() if callable(op.prepared) else op.prepared
        full = op.groups is not None and op.groups.full
        operators[id_] = StoredOperator(full, refs, op.state, committable)
    reach("prepared")
    files: dict[str, StateFile] = {}
    if chunks:
        files[name] = store.write_state(name, b"".join(chunks))
        reach("state.stored")
    return StoredSnapshot(snapshot.task, snapshot.epoch, snapshot.positions, operators, files)
