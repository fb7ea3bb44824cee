"""Each rule of the protocol, switched off: the checks of this suite must find it out.

This is how we know that the tests can fail. Run with ``-rP`` to see after how many seeds each is found.
"""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import pytest
import simulated_jobs as jobs
from simulated_jobs import Growing
from test_takeover import revealing

from raystreaming.checkpoint.place import MemoryPlace
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.engine import coordinator
from raystreaming.engine.coordinator import Coordinator, Phase
from raystreaming.engine.inputs import InputChannel, Inputs
from raystreaming.engine.messages import CheckpointComplete, Commit, Finish, WriteManifest
from raystreaming.engine.task import Task
from raystreaming.records import Barrier, Batch, EndOfInput
from raystreaming.runtime import build, simulated, simulated_run, start
from raystreaming.runtime.simulated import Simulation
from raystreaming.runtime.simulated_run import SimulatedReader, SimulatedRun
from raystreaming.state import KeyedValues, KeyOwners, group_owners

MOST_SEEDS = 300


@dataclass
class Rule:
    name: str
    switch_off: Callable[[pytest.MonkeyPatch], None]
    run: Callable[[int], Any]


def crashing(shape, **options):
    def run(seed):
        jobs_options = {"crashes": 1 + seed % 8, **options}
        shape(random.Random(seed)).run(seed, **jobs_options)

    return run


def with_zombies(seed):
    jobs.reduce(random.Random(seed)).run(seed, crashes=3, zombies=3)


def again_and_again(seed):
    job = Growing(random.Random(seed))
    for again in range(4):
        job.run(seed * 4 + again, job.rng.choice((1, 2, 3)), wish="stop" if again < 3 else None, crashes=2)
        job.grow()


def often(seed):
    """Many keys, many checkpoints, and crashes between them."""
    data, world = {i: [(i, n) for n in range(40)] for i in ("s0", "s1")}, jobs.World()
    ctx, rng = jobs.StreamingContext(), random.Random(seed)

    def key(record):
        return record[1] // 4

    source = ctx.source(jobs.MemorySource(data)).set_parallelism(rng.choice((1, 2)))
    jobs.keyed_count(ctx, source, key, rng.choice((1, 2)), world)
    case = jobs.Case(ctx, [world], lambda _: jobs.counted(jobs.records(data), key, world))
    case.run(seed, crashes=1 + seed % 3, checkpoint_interval=0.02)


def taken_over(seed):
    jobs.reduce(random.Random(seed)).run(seed, coordinator_deaths=1 + seed % 6, crashes=seed % 2)


def discovering(seed):
    revealing(random.Random(seed)).run(seed, crashes=seed % 3, wish="stop", wish_before=1500)


def small_deltas(monkeypatch):
    """Let state be snapshot by delta, as it is when it is large."""
    monkeypatch.setattr(KeyedValues, "SMALL", 0)
    monkeypatch.setattr(KeyedValues, "DELTAS_BEFORE_FULL", 1000)
    snapshot = KeyedValues.snapshot

    def often_delta(self):
        # Half of all groups changed makes a snapshot full; a test table is too small for that rule.
        members = self._members
        self._members = _Long(members)
        try:
            return snapshot(self)
        finally:
            self._members = members

    monkeypatch.setattr(KeyedValues, "snapshot", often_delta)


class _Long(dict):
    def __len__(self):
        return 10_000


# Alignment -------------------------------------------------------------------------------------------


def first_barrier_counts(mp):
    """Snapshot at the first barrier of an epoch; the others are dropped when they come."""

    def take(self, limit):
        for _ in range(len(self._turn)):
            channel = self._turn[0]
            self._turn.rotate(-1)
            if channel.elements:
                break
        element = channel.take(limit)
        if isinstance(element, Batch):
            return element
        if isinstance(element, Barrier):
            if element.epoch <= getattr(self, "epoch", 0):
                return None
            self.epoch = element.epoch
            return element
        channel.ended = True
        return element if all(c.ended for c in self._turn) else None

    mp.setattr(Inputs, "take", take)


def no_blocking(mp):
    """Wait for all barriers, but take what follows the first of them meanwhile."""

    def ready(self):
        return any(c.elements for c in self._turn)

    def take(self, limit):
        for _ in range(len(self._turn)):
            channel = self._turn[0]
            self._turn.rotate(-1)
            if channel.elements:
                break
        element = channel.take(limit)
        if isinstance(element, Batch):
            return element
        if isinstance(element, Barrier):
            channel.blocked = True
            if not all(c.blocked for c in self._turn):
                return None
            for c in self._turn:
                c.blocked = False
            return element
        channel.ended = True
        return element if all(c.ended for c in self._turn) else None

    mp.setattr(Inputs, "ready", ready)
    mp.setattr(Inputs, "take", take)


def end_at_the_first_end(mp):
    """The end on one channel ends the task."""
    take = Inputs.take

    def patched(self, limit):
        before = sum(c.ended for c in self._turn)
        element = take(self, limit)
        after = sum(c.ended for c in self._turn)
        if after > before:
            return EndOfInput() if before == 0 else None
        return element

    mp.setattr(Inputs, "take", patched)
    finish = Task._pass_end_on

    def once(self):
        if not self.ended:
            finish(self)

    mp.setattr(Task, "_pass_end_on", once)


# Sources ---------------------------------------------------------------------------------------------


def barrier_inside_an_entry(mp):
    step, ready = Task.step, Task.ready

    def patched(self):
        if self._is_source and self._barriers and self._results is None and self._batch is not None:
            barrier, self._halted = self._barriers.popleft()
            self._snapshot(barrier)
            return 0
        return step(self)

    mp.setattr(Task, "step", patched)
    mp.setattr(Task, "ready", property(lambda self: bool(self._barriers) or ready.fget(self)))


def positions_when_fetched(mp):
    feed = Task.feed

    def patched(self, entry, *rejected):
        feed(self, entry, *rejected)
        self._positions[entry.split] = (entry.position, entry.end)

    mp.setattr(Task, "feed", patched)


def positions_before_consumption(mp):
    begin = Task._begin

    def patched(self, batch):
        if self._entry is not None:
            self._positions[self._entry.split] = (self._entry.position, self._entry.end)
        return begin(self, batch)

    mp.setattr(Task, "_begin", patched)
    barrier_inside_an_entry(mp)


def positions_forgotten(mp):
    assign = SimulatedReader.assign

    def patched(self, splits, last):
        assign(self, [(split, None) for split, _ in splits], last)

    mp.setattr(SimulatedReader, "assign", patched)


def source_ends_with_its_first_split(mp):
    through = Task._source_is_through

    def patched(self):
        some_ended = any(ended for _, ended in self._positions.values())
        return (some_ended and not self._entries) or through.fget(self)

    mp.setattr(Task, "_source_is_through", property(patched))


def ended_splits_come_again(mp):
    original = coordinator._with_positions

    def patched(old, ack):
        state = original(old, ack)
        return replace(state, splits={i: s._replace(ended=False) for i, s in state.splits.items()})

    mp.setattr(coordinator, "_with_positions", patched)


def finished_tasks_ignore_barriers(mp):
    inject = Task.inject

    def patched(self, barrier, halt=False):
        if not self.ended:
            inject(self, barrier, halt)

    mp.setattr(Task, "inject", patched)


def sources_go_on_after_the_stop(mp):
    inject = Task.inject
    mp.setattr(Task, "inject", lambda self, barrier, halt=False: inject(self, barrier, False))


# Channels --------------------------------------------------------------------------------------------


def receive_without(dedup=True, incarnation=True, cut=True):
    def switch_off(mp):
        def receive(self, frame):
            if incarnation and frame.incarnation != self.incarnation:
                return
            skip = self.next_offset - frame.offset
            if dedup and skip >= len(frame):
                return
            element = (frame.cut(skip)[1] if cut and 0 < skip < len(frame) else frame).element
            self.next_offset = frame.offset + len(frame)
            self.elements.append(element)
            if isinstance(element, Batch):
                self.records += len(element)

        mp.setattr(InputChannel, "receive", receive)

    return switch_off


def frames_overtake(mp):
    deliver = SimulatedRun._deliver

    def patched(self, channel):
        wire = self._wires[channel]
        if len(wire) > 1 and self.random.random() < 0.3:
            wire.rotate(1)
        return deliver(self, channel)

    mp.setattr(SimulatedRun, "_deliver", patched)


def full_outputs_are_ignored(mp):
    mp.setattr(SimulatedRun, "_has_room", lambda self, task: True)


def bounded(seed):
    jobs.check_bound(random.Random(seed), seed)


# Checkpoints -----------------------------------------------------------------------------------------


def commit_before_the_manifest(mp):
    acknowledge = Coordinator.acknowledge

    def patched(self, snapshot):
        commands = acknowledge(self, snapshot)
        if commands:
            self._next = commands[0].manifest
            return [Commit(self._next)]
        return commands

    def committed(self):
        self.phase = Phase.WRITING
        return [WriteManifest(self._next)]

    def manifest_written(self, manifest):
        pending, self._pending = self._pending, None
        self.phase = Phase.IDLE
        self.manifest = manifest.without_committables()
        commands = [CheckpointComplete(self.manifest)]
        if pending.final or pending.stopping:
            commands.append(Finish("finished" if pending.final else "stopped"))
        return commands

    mp.setattr(Coordinator, "acknowledge", patched)
    mp.setattr(Coordinator, "committed", committed)
    mp.setattr(Coordinator, "manifest_written", manifest_written)


def manifest_without_commit(mp):
    """The next checkpoint may start when the manifest is written; the commit is forgotten."""
    mp.setattr(
        SimulatedRun,
        "_commit",
        lambda self, m: self._mail.append(lambda: self._do(self.coordinator.committed())),
    )


def noted_as_committed_before_the_commit(mp):
    original = start.commit

    def patched(spec, store, manifest):
        store.mark_committed(manifest)
        original(spec, store, manifest)

    mp.setattr(start, "commit", patched)
    mp.setattr(simulated_run, "commit", patched)


def one_ack_too_few(mp):
    trigger = Coordinator._trigger

    def patched(self, *args, **kwargs):
        commands = trigger(self, *args, **kwargs)
        self._pending.waiting.discard(max(self._pending.waiting))
        return commands

    next_manifest = Coordinator._next_manifest

    def with_gaps(self, pending):
        tasks = self._graph.tasks
        self._graph.tasks = [t for t in tasks if t.id in pending.acks]
        try:
            return next_manifest(self, pending)
        finally:
            self._graph.tasks = tasks

    mp.setattr(Coordinator, "_trigger", patched)
    mp.setattr(Coordinator, "_next_manifest", with_gaps)


def output_prepared_a_barrier_late(mp):
    """What a task prepares is in the next checkpoint, not in this one."""
    original = coordinator._merged
    held = {}

    def patched(old, op_id, ack, spec, key_groups):
        key = (id(spec), op_id)
        part = ack.operators[op_id]
        late = held.pop(key, None)
        held[key] = part.committable
        operators = {**ack.operators, op_id: part._replace(committable=late)}
        return original(old, op_id, ack._replace(operators=operators), spec, key_groups)

    mp.setattr(coordinator, "_merged", patched)


# Starting --------------------------------------------------------------------------------------------


def abort_before_commit(mp):
    original = start.commit

    def patched(spec, store, manifest):
        start.abort_open(spec, manifest)
        original(spec, store, manifest)

    mp.setattr(start, "commit", patched)


def no_commit_at_start(mp):
    mp.setattr(start, "commit", lambda spec, store, manifest: store.mark_committed(manifest))


def no_abort_at_start(mp):
    mp.setattr(start, "abort_open", lambda spec, manifest: None)


def manifests_are_overwritten(mp):
    def create(self, file, data):
        self._files[file] = data

    mp.setattr(MemoryPlace, "create", create)


def a_start_takes_no_number(mp):
    begin = start.begin

    def patched(spec, store, fresh):
        write = CheckpointStore.write_manifest
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(CheckpointStore, "write_manifest", lambda self, manifest: None)
            started = begin(spec, store, fresh)
        assert CheckpointStore.write_manifest is write
        return replace(started, manifest=replace(started.manifest, sequence=started.manifest.sequence - 1))

    mp.setattr(simulated, "begin", patched)


def no_fence_at_all(mp):
    """A run whose number is taken takes the next one."""
    write = CheckpointStore.write_manifest

    def patched(self, manifest):
        last = self.last_sequence()
        write(self, replace(manifest, sequence=last + 1) if manifest.sequence <= last else manifest)

    mp.setattr(CheckpointStore, "write_manifest", patched)


# State -----------------------------------------------------------------------------------------------


def deltas_taken_for_full(mp):
    small_deltas(mp)
    snapshot = KeyedValues.snapshot
    mp.setattr(KeyedValues, "snapshot", lambda self: replace(snapshot(self), full=True))


def changes_not_noted(mp):
    small_deltas(mp)
    snapshot = KeyedValues.snapshot

    def patched(self):
        self.changed = set(itertools.islice(self.changed, 1))
        return snapshot(self)

    mp.setattr(KeyedValues, "snapshot", patched)


def snapshots_with_gaps(mp):
    snapshot = KeyedValues.snapshot

    def patched(self):
        whole = snapshot(self)
        return replace(whole, groups=dict(itertools.islice(whole.groups.items(), 1)))

    mp.setattr(KeyedValues, "snapshot", patched)


def state_not_restored(mp):
    mp.setattr(KeyedValues, "restore", lambda self, group, data: None)


def groups_do_not_move(mp):
    """Tasks restore the groups of their index, whatever the parallelism was."""
    mp.setattr(build, "group_owners", lambda groups, parallelism: group_owners(groups, 3))


def old_files_are_deleted(mp):
    small_deltas(mp)
    retire = CheckpointStore.retire

    def patched(self):
        retire(self)
        newest = max((n for n in self.place.list() if n.startswith("state-")), default="")
        for name in self.place.list():
            if name.startswith("state-") and name[:14] != newest[:14]:
                self.place.delete(name)

    mp.setattr(CheckpointStore, "retire", patched)


def operator_state_not_restored(mp):
    mp.setattr(jobs.Hold, "restore", lambda self, state: None)


def keys_by_identity(mp):
    """Equal keys of other types in other groups."""

    def owner(self, key):
        return crc32(repr(key).encode()) % (max(self.owners) + 1)

    mp.setattr(KeyOwners, "__getitem__", owner, raising=False)


def keyed_home(seed):
    rng = random.Random(seed)
    data, world = jobs.splits(rng, longest=25), jobs.World()
    ctx = jobs.StreamingContext()
    source = ctx.source(jobs.MemorySource(data)).set_parallelism(2)
    key = jobs.KEYS[3]
    jobs.keyed_count(ctx, source, key, 3, world)
    jobs.Case(ctx, [world], lambda _: jobs.counted(jobs.records(data), key, world)).run(seed)


def one_branch_only(mp):
    emit = Task._emit

    def patched(self, batch):
        outputs, self._outputs = self._outputs, self._outputs[:1]
        try:
            emit(self, batch)
        finally:
            self._outputs = outputs

    mp.setattr(Task, "_emit", patched)


def barriers_on_one_branch_only(mp):
    send_all = Task._send_all

    def patched(self, element):
        offsets = self._offsets
        if isinstance(element, Barrier) and offsets:
            self._send(next(iter(offsets)), element)
        else:
            send_all(self, element)

    mp.setattr(Task, "_send_all", patched)


def parts_of_the_dead_are_lost(mp):
    """A coordinator that takes over waits for tasks that have spoken already."""
    adopt = Coordinator.adopt
    mp.setattr(
        Coordinator,
        "adopt",
        lambda self, tasks, now: adopt(self, [t._replace(stored=None) for t in tasks], now),
    )


def new_coordinator_begins_another_epoch(mp):
    """The checkpoint in progress is given up, with the output that its tasks have prepared."""
    adopt = Coordinator.adopt

    def patched(self, tasks, now):
        tasks = list(tasks)
        self._epoch = max(self._epoch, *(t.epoch for t in tasks))
        return adopt(self, tasks, now)

    mp.setattr(Coordinator, "adopt", patched)


def ends_of_sources_are_forgotten(mp):
    adopt = Coordinator.adopt
    mp.setattr(
        Coordinator,
        "adopt",
        lambda self, tasks, now: adopt(self, [t._replace(ended=False) for t in tasks], now),
    )


def barriers_are_injected_again(mp):
    def inject(self, barrier, halt=False):
        self.epoch = barrier.epoch
        self._barriers.append((barrier, halt))

    mp.setattr(Task, "inject", inject)


def takeover_without_commit(mp):
    replace_coordinator, commit = SimulatedRun.replace_coordinator, simulated_run.commit

    def patched(self):
        simulated_run.commit = lambda spec, store, manifest: store.mark_committed(manifest)
        try:
            return replace_coordinator(self)
        finally:
            simulated_run.commit = commit

    mp.setattr(SimulatedRun, "replace_coordinator", patched)


RULES = [
    Rule("a barrier counts when it has come on every channel", first_barrier_counts, crashing(jobs.reduce)),
    Rule("a channel is blocked behind its barrier", no_blocking, crashing(jobs.reduce)),
    Rule("the end counts when it has come on every channel", end_at_the_first_end, crashing(jobs.held_back)),
    Rule("barriers fall between entries only", barrier_inside_an_entry, crashing(jobs.chained)),
    Rule(
        "positions are those of what was consumed, not fetched",
        positions_when_fetched,
        crashing(jobs.chained),
    ),
    Rule("a position counts after its records", positions_before_consumption, crashing(jobs.chained)),
    Rule("readers go on at their positions", positions_forgotten, crashing(jobs.chained)),
    Rule("a source ends with its last split", source_ends_with_its_first_split, crashing(jobs.spread)),
    Rule("ended splits stay ended", ended_splits_come_again, crashing(jobs.chained)),
    Rule("finished tasks pass barriers", finished_tasks_ignore_barriers, crashing(jobs.diamond)),
    Rule("nothing is consumed after the barrier of a stop", sources_go_on_after_the_stop, again_and_again),
    Rule("offsets tell repeats", receive_without(dedup=False), crashing(jobs.diamond)),
    Rule("offsets tell what part of a frame is new", receive_without(cut=False), crashing(jobs.diamond)),
    Rule("incarnations tell strangers", receive_without(incarnation=False), crashing(jobs.diamond)),
    Rule("channels keep their order", frames_overtake, crashing(jobs.spread)),
    Rule("a full output stops its task", full_outputs_are_ignored, bounded),
    Rule("commit only after the manifest", commit_before_the_manifest, crashing(jobs.reduce)),
    Rule("commit after the manifest", manifest_without_commit, crashing(jobs.chained)),
    Rule(
        "committed is noted after the commit", noted_as_committed_before_the_commit, crashing(jobs.two_sinks)
    ),
    Rule("a checkpoint needs all tasks", one_ack_too_few, crashing(jobs.reduce)),
    Rule(
        "output belongs to the checkpoint of its epoch", output_prepared_a_barrier_late, crashing(jobs.spread)
    ),
    Rule("a start commits before it aborts", abort_before_commit, crashing(jobs.chained)),
    Rule("a start commits what is prepared", no_commit_at_start, crashing(jobs.chained)),
    Rule("a start aborts what is open", no_abort_at_start, crashing(jobs.chained)),
    Rule("manifests are created, never overwritten", manifests_are_overwritten, with_zombies),
    Rule("a start takes the next number", a_start_takes_no_number, with_zombies),
    Rule("a run whose number is taken is out", no_fence_at_all, with_zombies),
    Rule("a delta is put on what was there", deltas_taken_for_full, often),
    Rule("a delta has all that changed", changes_not_noted, often),
    Rule("a full snapshot is full", snapshots_with_gaps, often),
    Rule("keyed state is restored", state_not_restored, crashing(jobs.reduce)),
    Rule("key groups move to their new tasks", groups_do_not_move, again_and_again),
    Rule("state files live as long as they are referred to", old_files_are_deleted, often),
    Rule("operators get their state back", operator_state_not_restored, crashing(jobs.held_back)),
    Rule("equal keys go to one task", keys_by_identity, keyed_home),
    Rule("what was stored for a dead coordinator counts", parts_of_the_dead_are_lost, taken_over),
    Rule("a takeover goes on with the checkpoint", new_coordinator_begins_another_epoch, taken_over),
    Rule("a takeover knows which sources have ended", ends_of_sources_are_forgotten, taken_over),
    Rule("a takeover commits what the manifest has", takeover_without_commit, taken_over),
    Rule("a barrier passes a source once", barriers_are_injected_again, taken_over),
    Rule("every branch gets every record", one_branch_only, crashing(jobs.diamond)),
    Rule("every branch gets every barrier", barriers_on_one_branch_only, crashing(jobs.diamond)),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_without_the_rule_the_suite_is_red(rule, monkeypatch):
    defaults = {**Simulation.__init__.__kwdefaults__, "max_steps": 12_000}
    monkeypatch.setattr(Simulation.__init__, "__kwdefaults__", defaults)
    rule.switch_off(monkeypatch)
    for seed in range(MOST_SEEDS):
        try:
            rule.run(seed)
        except Exception as error:
            cause = error.__cause__ or error
            assert not isinstance(cause, TypeError | AttributeError | NameError), "the patch itself is wrong"
            print(f"{rule.name} | seed {seed} | {type(cause).__name__}: {str(cause)[:90]}")
            return
    pytest.fail(f"switched off, and nothing found in {MOST_SEEDS} seeds")


@pytest.mark.parametrize(
    "run",
    [with_zombies, again_and_again, keyed_home, bounded, often, taken_over, discovering],
    ids=lambda r: r.__name__,
)
def test_with_all_rules_the_same_runs_are_green(run):
    """What the table above calls red is green without a patch (the shapes have tests of their own)."""
    for seed in range(40):
        run(seed)


def test_deltas_are_right(monkeypatch):
    """Snapshots by delta, which tables as small as these never make on their own."""
    small_deltas(monkeypatch)
    for seed in jobs.seeds(60):
        often(seed)
        jobs.reduce_twice(random.Random(seed)).run(seed, crashes=seed % 9)
        again_and_again(seed)
