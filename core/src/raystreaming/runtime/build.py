"""Building the tasks of a run from the graph and the manifest it starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from raystreaming.checkpoint.manifest import Manifest
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.connector.sink import WriterContext
from raystreaming.engine.task import NamedOperator, Task, count_nothing
from raystreaming.graph import LogicalOperator, TaskSetup, TaskSpec
from raystreaming.operators.keyed import KeyedOperator
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.start import owner
from raystreaming.state import group_owners


def build_tasks(
    spec: JobSpec,
    chosen: Iterable[TaskSpec],
    manifest: Manifest,
    store: CheckpointStore,
    count: Callable[[str, int], None] = count_nothing,
) -> list[Task]:
    """Make tasks of the job, with their state restored; nothing is open yet.

    Args:
        spec: The job.
        chosen: Which tasks.
        manifest: Where they begin.
        store: Has their state.
        count: Takes what operators count.
    """
    files: dict[str, bytes] = {}

    def file(name: str) -> bytes:
        if name not in files:
            files[name] = store.read_state(name, manifest.files[name])
        return files[name]

    tasks: list[Task] = []
    for task in chosen:
        operators: list[NamedOperator] = []
        for op in task.vertex.with_dead_letters:
            if op.build is None:
                continue
            operator = op.build(_setup(spec, manifest, op, task))
            state = manifest.operators[op.id]
            if isinstance(operator, KeyedOperator):
                owners = group_owners(manifest.key_groups, op.parallelism)
                for group, ref in state.groups.items():
                    if owners[group] == task.index:
                        data = file(ref.file)[ref.offset : ref.offset + ref.length]
                        operator.state.restore(group, data)
            if task.index in state.states:
                operator.restore(state.states[task.index])
            operators.append(NamedOperator(op.id, operator))
        tasks.append(Task(task, operators, manifest.key_groups, count=count))
    return tasks


def _setup(spec: JobSpec, manifest: Manifest, op: LogicalOperator, task: TaskSpec) -> TaskSetup:
    writer = WriterContext(
        owner=owner(manifest, op.id),
        durable=spec.checkpoint_dir is not None,
        run=manifest.run,
        operator=op.id,
        task=task.index,
        parallelism=op.parallelism,
        config=op.config,
    )
    return TaskSetup(manifest.key_groups, writer)
