"""Task and Coordinator, alone: sources, pieces, ends, checkpoints step by step."""

import pytest

from raystreaming import StreamingContext
from raystreaming.checkpoint.manifest import Manifest, SplitState, StateFile, StateRef
from raystreaming.connector import Fetched, WriterContext
from raystreaming.engine.coordinator import Coordinator, Phase, describe_operators
from raystreaming.engine.messages import (
    AssignSplits,
    CheckpointComplete,
    Commit,
    CommitPositions,
    EndInput,
    Finish,
    InjectBarrier,
    Snapshot,
    SourceEnded,
    StoredOperator,
    StoredSnapshot,
    WriteManifest,
)
from raystreaming.engine.task import NamedOperator, Task
from raystreaming.graph import TaskSetup, execution_graph, job_graph
from raystreaming.records import Barrier, Batch, EndOfInput, Frame
from raystreaming.testing.memory import MemorySink, MemorySource, World


def graph_of(ctx):
    ctx._graph.identify()
    ctx._graph.validate()
    return execution_graph(job_graph(ctx._graph))


@pytest.fixture
def graph():
    """A source of two tasks with a map, and a keyed count of two tasks with its sink."""
    ctx = StreamingContext()
    source = ctx.source(MemorySource({"a": [], "b": [], "c": []}), "read").set_parallelism(2)
    pairs = source.flat_map(lambda r: [(r, 1)] * r).key_by(lambda r: r[0])
    counts = pairs.reduce(lambda a, b: (a[0], a[1] + b[1])).set_parallelism(2)
    counts.sink(MemorySink(world=World()))
    return graph_of(ctx)


def task_of(graph, index):
    spec = graph.tasks[index]
    setup = TaskSetup(720, WriterContext())
    operators = [NamedOperator(op.id, op.build(setup)) for op in spec.vertex.operators if op.build]
    task = Task(spec, operators, 720)
    task.open()
    return task


def sent(task):
    """What the task sent since the last call: records together, and marks."""
    records = [v for f in task.frames if isinstance(f.element, Batch) for v in f.element.values]
    marks = [f.element for f in task.frames if not isinstance(f.element, Batch)]
    task.frames.clear()
    return records, marks


def run(task):
    while task.ready:
        task.step()
    return sent(task)


@pytest.fixture
def source(graph):
    task = task_of(graph, 0)
    task.assign({"a": None, "c": 5}, last=True)
    return task


class TestSource:
    def test_a_barrier_waits_for_the_entry_and_positions_are_those_consumed(self, source):
        source.piece.records = 2
        source.feed(Fetched("a", Batch([1, 2, 3]), 3))
        source.feed(Fetched("a", Batch([1]), 4))
        source.step()
        source.inject(Barrier(1))
        assert source.busy
        assert not source.mark_due
        while source.busy:
            source.step()
        assert source.mark_due
        source.step()
        (snapshot,) = source.events
        assert snapshot.positions == {"a": (3, False), "c": (5, False)}
        records, marks = sent(source)
        assert len(records) == 6
        assert marks == [Barrier(1), Barrier(1)], "one on each channel"
        assert source.consumed == [3]

    def test_the_end_comes_after_the_last_split_and_barriers_still_pass(self, source):
        source.feed(Fetched("a", Batch([1]), 1, end=True))
        assert run(source) == ([(1, 1)], [])
        source.feed(Fetched("c", None, 5, end=True))
        assert run(source) == ([], [EndOfInput(), EndOfInput()])
        assert source.ended
        assert source.events == [SourceEnded(0)]
        source.inject(Barrier(4))
        assert run(source) == ([], [Barrier(4), Barrier(4)])
        assert source.events[1].positions == {"a": (1, True), "c": (5, True)}

    def test_a_source_waits_for_its_splits(self, graph):
        task = task_of(graph, 0)
        assert not task.ready
        task.assign({}, last=False)
        assert not task.ready
        task.assign({}, last=True)
        assert run(task) == ([], [EndOfInput(), EndOfInput()])

    def test_nothing_is_consumed_after_the_barrier_of_a_stop(self, source):
        source.feed(Fetched("a", Batch([1]), 1))
        source.inject(Barrier(1), halt=True)
        assert run(source) == ([], [Barrier(1), Barrier(1)])
        source.feed(Fetched("c", None, 5, end=True))
        source.drain()
        assert run(source) == ([], [])

    def test_drain_drops_what_is_fetched_and_not_consumed(self, source):
        source.feed(Fetched("a", Batch([1]), 1))
        source.drain()
        assert run(source) == ([], [EndOfInput(), EndOfInput()])
        source.inject(Barrier(1))
        run(source)
        assert source.events[1].positions == {"a": (None, False), "c": (5, False)}

    def test_marks_are_due_even_when_outputs_are_full(self, source):
        assert not source.mark_due
        source.inject(Barrier(1))
        assert source.mark_due
        source.step()
        assert not source.mark_due

    def test_pieces_are_small_whatever_an_entry_expands_to(self, source):
        source.piece.records = 10
        source.feed(Fetched("a", Batch([100, 0, 35]), 3))
        sizes = []
        while source.ready:
            source.step()
            sizes.append(sum(len(f) for f in source.frames))
            source.frames.clear()
        assert sum(sizes) == 135
        assert max(sizes) <= 20

    def test_offsets_are_dense_on_every_channel(self, source):
        source.piece.records = 3
        source.feed(Fetched("a", Batch(list(range(12))), 12))
        source.inject(Barrier(1))
        expected = {}
        while source.ready:
            source.step()
        for frame in source.frames:
            assert frame.offset == expected.get(frame.channel, 0)
            expected[frame.channel] = frame.offset + len(frame)
        assert len(expected) == 2


class TestCoordinator:
    @pytest.fixture
    def base(self, graph):
        splits = {
            "read": {"a": SplitState({"stop": 1}), "b": SplitState({}, 7, True), "c": SplitState({}, 5)}
        }
        return Manifest("job", "id", 1, 10, "run", 720, operators=describe_operators(graph, splits, None))

    @pytest.fixture
    def coordinator(self, graph, base):
        return Coordinator(graph, base, interval=5.0, now=100.0)

    def ack(self, coordinator, graph, epoch, **of_task):
        commands = []
        for task in graph.tasks:
            operators = {op.id: StoredOperator() for op in task.vertex.operators if op.build}
            stored = StoredSnapshot(task.id, epoch, {}, operators, {})
            commands += coordinator.acknowledge(of_task.get(f"t{task.id}", stored))
        return commands

    def test_splits_that_ended_are_not_assigned(self, coordinator):
        assigned = coordinator.start()
        assert [(a.task, [(s.id, p) for s, p in a.splits], a.last) for a in assigned] == [
            (0, [("a", None)], True),
            (1, [("c", 5)], True),
        ]
        assert all(isinstance(a, AssignSplits) for a in assigned)

    def test_a_checkpoint_step_by_step(self, coordinator, graph):
        coordinator.start()
        assert coordinator.tick(104.9) == []
        assert coordinator.next_tick() == 105.0
        assert coordinator.tick(105.0) == [InjectBarrier(0, 11, False), InjectBarrier(1, 11, False)]
        assert coordinator.next_tick() is None
        assert coordinator.tick(200.0) == [], "one at a time"
        assert self.ack(coordinator, graph, 10) == [], "of another epoch"
        (write,) = self.ack(coordinator, graph, 11)
        assert isinstance(write, WriteManifest)
        assert (write.manifest.sequence, write.manifest.epoch, write.manifest.finished) == (2, 11, False)
        assert coordinator.manifest.sequence == 1, "not before it exists"
        assert coordinator.manifest_written(write.manifest) == [Commit(write.manifest)]
        assert coordinator.phase is Phase.COMMITTING
        told = coordinator.committed()
        assert told[:2] == [CommitPositions(0, {"a": None}), CommitPositions(1, {"c": 5})]
        assert [type(command) for command in told[2:]] == [CheckpointComplete]
        assert coordinator.phase is Phase.IDLE

    def test_stop_waits_for_the_checkpoint_in_progress(self, coordinator, graph):
        coordinator.start()
        coordinator.tick(105.0)
        coordinator.stop()
        (write,) = self.ack(coordinator, graph, 11)
        coordinator.manifest_written(write.manifest)
        assert not any(isinstance(c, Finish) for c in coordinator.committed())
        assert coordinator.tick(105.1) == [InjectBarrier(0, 12, True), InjectBarrier(1, 12, True)]
        (write,) = self.ack(coordinator, graph, 12)
        coordinator.manifest_written(write.manifest)
        assert coordinator.committed()[-1:] == [Finish("stopped")]

    def test_the_last_source_brings_the_final_checkpoint(self, coordinator, graph):
        coordinator.source_ended(0)
        assert coordinator.tick(101.0) == []
        assert coordinator.drain() == [EndInput(1)]
        coordinator.source_ended(1)
        coordinator.stop()
        assert len(coordinator.tick(101.0)) == 2
        (write,) = self.ack(coordinator, graph, 11)
        assert write.manifest.finished
        coordinator.manifest_written(write.manifest)
        assert coordinator.committed()[-1:] == [Finish("finished")]

    def test_parts_of_tasks_are_put_on_what_was_there(self, coordinator, graph):
        sink = graph.tasks[3].vertex.operators[-1].id
        keyed = graph.tasks[3].vertex.operators[0].id

        def part(task, epoch, full, groups, committable):
            file = f"f{task}-{epoch}"
            refs = {g: StateRef(file, 0, 1) for g in groups}
            operators = {
                keyed: StoredOperator(full, refs),
                sink: StoredOperator(state=f"{task}-{epoch}".encode(), committable=committable),
            }
            return StoredSnapshot(task, epoch, {}, operators, {file: StateFile(1, "")} if refs else {})

        def checkpoint(now, epoch, *parts):
            coordinator.tick(now)
            (write,) = self.ack(coordinator, graph, epoch, **{f"t{p.task}": p for p in parts})
            coordinator.manifest_written(write.manifest)
            coordinator.committed()
            return write.manifest

        one = checkpoint(110.0, 11, part(2, 11, True, [0, 1], b"x"), part(3, 11, True, [719], b"y"))
        assert one.operators[sink].committables == [b"x", b"y"]
        two = checkpoint(120.0, 12, part(2, 12, False, [1], None), part(3, 12, True, [], b"z"))
        assert {g: r.file for g, r in two.operators[keyed].groups.items()} == {0: "f2-11", 1: "f2-12"}
        assert set(two.files) == {"f2-11", "f2-12"}, "files that nothing refers to are forgotten"
        assert two.operators[sink].committables == [b"z"], "those before are committed"
        assert two.operators[sink].states == {0: b"2-12", 1: b"3-12"}

    def test_manifests_survive_their_bytes(self, coordinator, graph):
        coordinator.tick(105.0)
        (write,) = self.ack(coordinator, graph, 11)
        assert Manifest.decode(write.manifest.encode(), "x") == write.manifest


def test_a_snapshot_holds_every_operator_of_the_chain(graph):
    task = task_of(graph, 2)
    for channel in task.spec.inputs:
        task.receive(Frame(channel, 0, 0, Batch([("k", 1)], ["k"])))
        task.receive(Frame(channel, 0, 1, Barrier(1)))
    run(task)
    (snapshot,) = task.events
    assert isinstance(snapshot, Snapshot)
    assert set(snapshot.operators) == {op.id for op in task.spec.vertex.operators}
    assert snapshot.operators[task.spec.vertex.operators[0].id].groups.full
