"""The store: manifests in a row, fencing, damage, and what is deleted when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from raystreaming.checkpoint.manifest import Manifest, OperatorState, StateRef
from raystreaming.checkpoint.place import LocalPlace, MemoryPlace, Place
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.errors import CheckpointDamaged, JobLocked


def manifest(sequence: int, **files: object) -> Manifest:
    refs = {i: StateRef(name, 0, 1) for i, name in enumerate(files)}
    operators = {"reduce": OperatorState("reduce", "reduce", 1, groups=refs)}
    return Manifest("job", "id", sequence, sequence, "run", 720, operators=operators, files=files)


def filled(place: Place, count: int, retain: int = 3) -> CheckpointStore:
    store = CheckpointStore(place, retain)
    for n in range(1, count + 1):
        name = f"state-{n:08}-run-0.bin"
        store.write_manifest(manifest(n, **{name: store.write_state(name, b"%d" % n)}))
        store.mark_committed(manifest(n))
    return store


def test_there_is_nothing_before_the_first_start():
    store = CheckpointStore(MemoryPlace())
    assert (store.latest(), store.last_sequence()) == (None, 0)


def test_the_latest_manifest_is_the_one_with_the_highest_number():
    store = filled(MemoryPlace(), 12)
    assert (store.latest().sequence, store.last_sequence()) == (12, 12)


def test_a_rival_that_writes_the_same_number_is_fenced_out():
    place = MemoryPlace()
    mine, rivals = CheckpointStore(place), CheckpointStore(place)
    mine.write_manifest(manifest(1))
    rivals.write_manifest(replace(manifest(2), run="rival"))
    with pytest.raises(JobLocked, match=r"job 'job' has taken over.*checkpoint 2 exists"):
        mine.write_manifest(manifest(2))
    assert mine.latest().run == "rival"


def test_only_what_is_marked_is_committed():
    store = CheckpointStore(MemoryPlace())
    store.write_manifest(manifest(1))
    assert not store.is_committed(manifest(1))
    store.mark_committed(manifest(1))
    store.mark_committed(manifest(1))
    assert store.is_committed(manifest(1))
    assert not store.is_committed(manifest(2))


def test_retirement_keeps_the_last_checkpoints_whole():
    place = MemoryPlace()
    store = filled(place, 5, retain=2)
    store.retire()
    assert place.list() == [
        "checkpoint-00000004.committed",
        "checkpoint-00000004.manifest",
        "checkpoint-00000005.committed",
        "checkpoint-00000005.manifest",
        "state-00000004-run-0.bin",
        "state-00000005-run-0.bin",
    ]


def test_a_state_file_lives_as_long_as_any_kept_checkpoint_refers_to_it():
    place = MemoryPlace()
    store = CheckpointStore(place, retain=2)
    old = store.write_state("state-00000001-run-0.bin", b"1")
    for n in range(1, 6):
        store.write_manifest(manifest(n, **{"state-00000001-run-0.bin": old}))
    store.retire()
    assert "state-00000001-run-0.bin" in place.list()
    for n in range(6, 8):
        store.write_manifest(manifest(n))
    store.retire()
    assert "state-00000001-run-0.bin" not in place.list()


def test_orphans_of_a_killed_run_are_removed():
    place = MemoryPlace()
    store = filled(place, 2)
    place.create("state-00000003-dead-0.bin", b"never in a manifest")
    store.retire()  # it might belong to a checkpoint in progress
    assert "state-00000003-dead-0.bin" in place.list()
    store.write_manifest(manifest(3))
    store.retire()
    assert "state-00000003-dead-0.bin" not in place.list()


def test_retirement_deletes_nothing_that_is_not_a_checkpoints(tmp_path: Path):
    """The folder may be somebody's: checkpoint_dir="." and a job called like a folder of theirs."""
    (tmp_path / "results.csv").write_text("precious")
    (tmp_path / "state-of-affairs.txt").write_text("precious")
    (tmp_path / "folder").mkdir()
    place = LocalPlace(tmp_path)
    place.lock()
    filled(place, 5).retire()
    place.unlock()
    names = {p.name for p in tmp_path.iterdir()}
    assert {"results.csv", "state-of-affairs.txt", "folder"} <= names
    assert "checkpoint-00000001.manifest" not in names


def test_a_damaged_manifest_is_refused_by_name_and_no_older_one_is_taken(tmp_path: Path):
    place = LocalPlace(tmp_path)
    place.lock()
    store = filled(place, 3)
    file = tmp_path / "checkpoint-00000003.manifest"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CheckpointDamaged, match=r"checkpoint-00000003\.manifest is damaged.*--fresh"):
        store.latest()
    place.unlock()


def test_retirement_needs_no_damaged_manifest_to_be_readable():
    """Or else starting over, as the message advises, would not work either."""
    place = MemoryPlace()
    store = filled(place, 3)
    place.delete("checkpoint-00000003.manifest")
    place.create("checkpoint-00000003.manifest", b"damaged")
    store.write_manifest(manifest(4))
    store.retire()
    # What the damaged one refers to is not known, so no state file may go while it is kept.
    assert "state-00000003-run-0.bin" in place.list()
    for n in range(5, 8):
        store.write_manifest(manifest(n))
    store.retire()
    assert not [name for name in place.list() if name.startswith("state-")]


@pytest.mark.parametrize("change", ["flipped", "truncated", "longer", "missing"])
def test_a_damaged_state_file_is_refused_by_name(change: str):
    place = MemoryPlace()
    store = CheckpointStore(place)
    file = store.write_state("state-1.bin", b"some state")
    assert store.read_state("state-1.bin", file) == b"some state"
    place.delete("state-1.bin")
    bad = {"flipped": b"some stat!", "truncated": b"some stat", "longer": b"some state "}.get(change)
    if bad is not None:
        place.create("state-1.bin", bad)
    with pytest.raises(CheckpointDamaged, match=r"memory/state-1\.bin is damaged") as refused:
        store.read_state("state-1.bin", file)
    assert ("missing" in str(refused.value)) == (change == "missing")
