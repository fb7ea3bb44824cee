"""``raystreaming checkpoints``: lists the checkpoints of jobs, and shows what one holds."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from raystreaming.checkpoint.manifest import Manifest, OperatorState, SplitState
from raystreaming.checkpoint.place import open_place
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.cli.parsers import Commands, add_command, print_table
from raystreaming.errors import CheckpointDamaged, CheckpointError, nearest, shown_record

_EPILOG = """
    DIR is the checkpoint_dir of the jobs, or the folder of one. Nothing is
    changed, and jobs that run are not disturbed. The exit status is 1 if
    something is damaged: each file is named, with what to do.

    examples:
      raystreaming checkpoints list state                     all jobs
      raystreaming checkpoints list state orders              one job
      raystreaming checkpoints show state orders              its last one
      raystreaming checkpoints show state orders --number 7   an older one
"""

_SPLITS = 20
"""Splits of a source that are shown without ``--all``."""


def add_to(commands: Commands) -> None:
    """Add the command to a parser."""
    parser = add_command(commands, "checkpoints", "list and show the checkpoints of jobs", _EPILOG)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    one = add_command(actions, "list", "list checkpoints: number, age, size", _EPILOG)
    one.set_defaults(command=list_all)
    shown = add_command(actions, "show", "show how far sources were read, and what state there is", _EPILOG)
    shown.set_defaults(command=show)
    for action in (one, shown):
        action.add_argument("folder", metavar="DIR", help="the checkpoint_dir")
        action.add_argument(
            "job", metavar="JOB", nargs="?", help="the job; may be left out where there is one"
        )
    shown.add_argument("--number", type=int, metavar="N", help="which one; by default the last")
    shown.add_argument("--all", action="store_true", help=f"all splits of a source, not the first {_SPLITS}")


def list_all(options: argparse.Namespace) -> int:
    """Print a line for each checkpoint, and one for each that cannot be read."""
    rows: list[tuple[Any, ...]] = [("job", "checkpoint", "age", "size", "input")]
    problems: list[CheckpointDamaged] = []
    for store, job in _stores(options.folder, options.job):
        for sequence in store.sequences():
            age = _age(store.written_at(sequence))
            try:
                manifest = store.read_manifest(sequence)
            except FileNotFoundError:  # the job is running, and has retired it
                continue
            except CheckpointDamaged as error:
                problems.append(error)
                rows.append((job, sequence, age, "-", "damaged"))
                continue
            ended = "ended" if manifest.finished else "goes on"
            rows.append((job, sequence, age, _bytes(_size(manifest)), ended))
    print_table(rows)
    for problem in problems:
        print(f"\n{problem}")
    return 1 if problems else 0


def show(options: argparse.Namespace) -> int:
    """Print what a checkpoint holds, and what of it cannot be read."""
    stores = list(_stores(options.folder, options.job))
    if len(stores) > 1:
        names = ", ".join(job for _, job in stores)
        raise CheckpointError(f"{options.folder} has the checkpoints of several jobs: name one of {names}")
    ((store, job),) = stores
    sequences = store.sequences()
    number = sequences[-1] if options.number is None else options.number
    if number not in sequences:
        raise CheckpointError(
            f"job {job!r} has no checkpoint {number} in {store.place.name}: "
            f"it has {', '.join(map(str, sequences))}"
        )
    manifest = store.read_manifest(number)
    age, size = _age(store.written_at(number)), _bytes(_size(manifest))
    print(f"checkpoint {number} of job {job}: {age} old, {size}, in {store.place.name}")
    if manifest.finished:
        print("all input was read: a next run goes on with what is new")
    committed = store.is_committed(manifest)
    for id_, state in manifest.operators.items():
        if state.holds_something:
            print("\n".join(_operator(id_, state, committed, options.all)))
    problems = list(_damaged(store, manifest))
    for problem in problems:
        print(f"\n{problem}")
    return 1 if problems else 0


# Finding ---------------------------------------------------------------------------------


def _stores(folder: str, job: str | None) -> Iterator[tuple[CheckpointStore, str]]:
    """Yield the checkpoints of each job with its name.

    Raises:
        CheckpointError: There are none; says what there is.
    """
    if "://" in folder and not folder.startswith("file://"):
        if job is None:
            raise CheckpointError(f"name the job too: raystreaming checkpoints list {folder} JOB")
        yield CheckpointStore(open_place(folder, job)), job
        return
    root = Path(folder.removeprefix("file://")).absolute()
    if job is None and _store(root) is not None:
        root, job = root.parent, root.name
    entries = sorted(root.iterdir()) if root.is_dir() else []
    stores = {entry.name: store for entry in entries if (store := _store(entry)) is not None}
    wanted = [name for name in stores if job in (None, name)]
    for name in wanted:
        yield stores[name], name
    if not wanted and job is not None:
        has = f"it has those of {', '.join(stores)}" if stores else "it has none"
        raise CheckpointError(f"no checkpoints of job {job!r} in {folder}{nearest(job, stores)}: {has}")
    if not wanted:
        raise CheckpointError(f"no checkpoints in {folder}: give the checkpoint_dir of a job that has run")


def _store(folder: Path) -> CheckpointStore | None:
    """Return the checkpoints of a job if that is what a folder holds."""
    if not folder.is_dir():
        return None
    store = CheckpointStore(open_place(folder.parent, folder.name))
    return store if store.sequences() else None


def _damaged(store: CheckpointStore, manifest: Manifest) -> Iterator[CheckpointDamaged]:
    for name, expected in manifest.files.items():
        try:
            store.read_state(name, expected)
        except CheckpointDamaged as error:
            yield error


# In words --------------------------------------------------------------------------------


def _operator(id_: str, state: OperatorState, committed: bool, all_splits: bool) -> Iterator[str]:
    called = id_ if state.name == id_ else f"{state.name} ({id_})"
    yield f"\n{called}, {_counted(state.parallelism, 'task')}"
    shown = list(state.splits.items())[: None if all_splits else _SPLITS]
    for split, at in shown:
        yield f"    {split}: {_position(at)}"
    if len(state.splits) > len(shown):
        yield f"    and {len(state.splits) - len(shown)} more: --all shows them"
    if state.groups:
        size = sum(ref.length for ref in state.groups.values())
        yield f"    state of keys: {_bytes(size)} in {_counted(len(state.groups), 'key group')}"
    if state.states:
        size = sum(map(len, state.states.values()))
        yield f"    state of {_counted(len(state.states), 'task')}: {_bytes(size)}"
    if state.committables:
        done = "committed" if committed else "which the next run commits"
        yield f"    {_counted(len(state.committables), 'prepared output')}, {done}"


def _position(at: SplitState) -> str:
    """Return how far a split was read, in words."""
    stop = at.payload.get("stop")
    up_to = f" of {_number(stop)}" if isinstance(stop, int) else ""
    if at.ended:
        return f"read to its end{f', {_number(stop)}' if up_to else ''}"
    if at.position is None:
        return f"not begun{up_to and f', it has {_number(stop)}'}"
    if isinstance(at.position, bytes):
        return f"read up to a state of {_bytes(len(at.position))}"
    if isinstance(at.position, int):
        return f"read up to {_number(at.position)}{up_to}"
    return f"read up to {shown_record(at.position, 80)}"


def _number(n: Any) -> str:
    return f"{n:,}"


def _counted(n: int, thing: str) -> str:
    return f"{n} {thing}{'' if n == 1 else 's'}"


def _size(manifest: Manifest) -> int:
    return len(manifest.encode()) + sum(file.size for file in manifest.files.values())


def _bytes(n: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if n < 1000:
            return f"{n:.3g} {unit}" if unit != "bytes" else f"{n:.0f} bytes"
        n /= 1000
    return f"{n:.3g} GB"


def _age(written: float | None) -> str:
    if written is None:
        return "-"
    seconds = max(0.0, time.time() - written)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
