"""Starting a job: from its last checkpoint, or from nothing.

The order is the guarantee: the new run's first manifest is created (that fences out every older
run), what the last checkpoint prepared is committed, everything else the job left open is aborted,
and only then do readers and writers open.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from raystreaming.checkpoint.manifest import Manifest, OperatorState, SplitState
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.connector.sink import TwoPhaseSink
from raystreaming.connector.source import KnownSplit, PlanContext, Split
from raystreaming.engine.coordinator import describe_operators
from raystreaming.errors import CheckpointDamaged, CheckpointError, add_note
from raystreaming.failpoints import reach
from raystreaming.graph import LogicalOperator
from raystreaming.observe.notices import about, log
from raystreaming.runtime.spec import JobSpec


@dataclass(frozen=True, slots=True)
class Start:
    """A run that may begin: its manifest is durable and nothing of an older run is in the way."""

    manifest: Manifest


def owner(manifest: Manifest, operator: str) -> str:
    """Return the name of a sink in the outside world."""
    return f"{manifest.job_id}-{operator}"


def begin(spec: JobSpec, store: CheckpointStore, fresh: bool) -> Start:
    """Take the job's checkpoints over and return where to begin.

    Raises:
        CheckpointDamaged: The last checkpoint cannot be read.
        CheckpointError: The job does not fit its last checkpoint; names the operators.
        JobLocked: Another run was faster.
        ConnectorError: A source cannot be planned, or prepared output cannot be committed.
    """
    last = store.last_sequence()
    old, forgotten = (None, _forgotten(store)) if fresh else (store.latest(), None)
    committed = old is None or store.is_committed(old)
    if old is not None:
        old = old.without_committables() if committed else old
        check_drift(spec, old)
    planned = {op.id: plan(op, old) for op in spec.graph.sources}
    before = old or forgotten
    run = os.urandom(4).hex()
    operators = describe_operators(spec.execution, planned, old)
    for id_, op in old.operators.items() if old is not None else ():
        if op.committables:
            operators[id_].committables.extend(op.committables)
    manifest = Manifest(
        job=spec.name,
        job_id=old.job_id if old else os.urandom(6).hex(),
        sequence=last + 1,
        epoch=before.epoch if before else 0,
        run=run,
        submission=spec.submission,
        key_groups=old.key_groups if old else spec.key_groups,
        operators=operators,
        files=old.files if old else {},
    )
    reach("start.planned")
    store.write_manifest(manifest)
    reach("start.manifest")
    commit(spec, store, manifest)
    reach("start.committed")
    abort_open(spec, manifest)
    if forgotten is not None:
        abort_open(spec, forgotten, goes_on=False)
    reach("start.aborted")
    store.place.sweep()
    store.retire()
    if old is not None:
        say_where(spec, old)
    return Start(manifest.without_committables())


def _forgotten(store: CheckpointStore) -> Manifest | None:
    """Return what a fresh start forgets, as far as it can still be read."""
    try:
        return store.latest()
    except CheckpointDamaged:
        return None


def say_where(spec: JobSpec, old: Manifest) -> None:
    """Tell people where the job goes on."""
    if old.finished:
        log.info(
            "job %r: finished before; goes on from the end of checkpoint %d with what is new "
            "(--fresh starts over)",
            spec.name,
            old.sequence,
            extra=about(spec.name),
        )
    else:
        log.info("job %r: goes on from checkpoint %d", spec.name, old.sequence, extra=about(spec.name))


def plan(op: LogicalOperator, old: Manifest | None) -> dict[str, SplitState]:
    """Return the splits of a source: those of before, and those that are new.

    A bounded job that did not finish keeps its splits, stop offsets included, so that a restarted
    run reads what the first one would have read.
    """
    source = op.source
    assert source is not None
    last = old.operators.get(op.id) if old is not None else None
    before = last.splits if last is not None else {}
    planned = _planned(op, before)
    if old is not None and not old.finished and source.bounded and last is not None and last.bounded:
        _still_there(op, before, {split.id for split in planned})
        return dict(before)
    splits = dict(before)
    for split in planned:
        payload = dict(split.payload)
        if split.id not in before:
            splits[split.id] = SplitState(payload)
        elif before[split.id].payload != payload:
            splits[split.id] = SplitState(payload, before[split.id].position)
    return splits


def discover(op: LogicalOperator, manifest: Manifest) -> dict[str, SplitState]:
    """Return the splits of a source that `manifest` does not have."""
    before = manifest.operators[op.id].splits
    return {s.id: SplitState(dict(s.payload)) for s in _planned(op, before) if s.id not in before}


def _planned(op: LogicalOperator, before: Mapping[str, SplitState]) -> Sequence[Split]:
    """Ask a source for its splits."""
    assert op.source is not None
    known = {i: KnownSplit(Split(i, s.payload), s.position, s.ended) for i, s in before.items()}
    try:
        return op.source.plan(PlanContext(op.parallelism, known))
    except Exception as error:
        add_note(error, f"in source {op.id!r}")
        raise


def _still_there(op: LogicalOperator, before: dict[str, SplitState], planned: set[str]) -> None:
    """Refuse a source that no longer has what the job was in the middle of reading.

    Raises:
        CheckpointError: Names what is missing.
    """
    missing = [i for i, s in before.items() if not s.ended and i not in planned]
    if missing:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        raise CheckpointError(
            f"source {op.id!r} no longer has what the last run had not read to its end: {shown}. Put it "
            f"back or undo the change of its options, then run again; or start over with --fresh "
            f"(fresh=True), or under another job name"
        )


def check_drift(spec: JobSpec, old: Manifest) -> None:
    """Refuse a job that would lose state of its last checkpoint.

    Raises:
        CheckpointError: Names every operator that does not fit, and what to do.
    """
    now = {op.id: op for op in spec.graph.with_dead_letters}
    problems = [p for id_, op in old.operators.items() if (p := _misfit(id_, op, now.get(id_)))]
    if problems:
        raise CheckpointError(
            f"job {spec.name!r} has changed and no longer fits its checkpoint {old.sequence}: "
            + "; ".join(problems)
            + ". Undo the change, keep the operator's identity with .uid(...), give the job "
            "another name, or start over with --fresh (fresh=True)"
        )


def _misfit(id_: str, old: OperatorState, now: LogicalOperator | None) -> str | None:
    if not old.holds_something:
        return None
    if now is None:
        return f"operator {id_!r} ({old.kind}) is gone, and the checkpoint holds its state"
    if now.kind != old.kind:
        return f"operator {id_!r} was {old.kind} and is {now.kind} now"
    if old.states and now.parallelism != old.parallelism:
        return (
            f"operator {id_!r} had parallelism {old.parallelism} and has {now.parallelism} now, "
            f"which its state cannot follow"
        )
    return None


def commit(spec: JobSpec, store: CheckpointStore, manifest: Manifest) -> None:
    """Make the manifest's prepared output visible; safe to repeat."""
    for op in spec.graph.sinks:
        state = manifest.operators.get(op.id)
        if isinstance(op.sink, TwoPhaseSink) and state is not None and state.committables:
            op.sink.commit(state.committables)
            reach("commit.sink")
    reach("commit.done")
    store.mark_committed(manifest)
    reach("commit.marked")


def abort_open(spec: JobSpec, manifest: Manifest, goes_on: bool = True) -> None:
    """Throw away what the job's sinks have open; call only when the manifest is committed.

    Args:
        spec: The job.
        manifest: The last one.
        goes_on: Whether a run may go on from it: what its writers need is kept.
    """
    for op in spec.graph.sinks:
        if isinstance(op.sink, TwoPhaseSink):
            leftovers = op.sink.list_open(owner(manifest, op.id))
            if goes_on and leftovers:
                states = manifest.operators[op.id].states.values() if op.id in manifest.operators else ()
                kept = set(chain.from_iterable(map(op.sink.keeps, states)))
                leftovers = [handle for handle in leftovers if handle not in kept]
            if leftovers:
                op.sink.abort(leftovers)
