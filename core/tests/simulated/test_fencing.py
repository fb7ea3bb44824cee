"""An older run that still lives, step by step: what it must not be able to do."""

import random
from dataclasses import replace

import pytest
import simulated_jobs as jobs

from raystreaming.checkpoint.place import MemoryPlace
from raystreaming.checkpoint.store import CheckpointStore
from raystreaming.errors import JobLocked
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.start import begin


@pytest.fixture
def spec():
    case = jobs.chained(random.Random(1))
    case.ctx._graph.identify()
    return JobSpec("job", case.ctx._graph)


def following(manifest, **changes):
    return replace(manifest, sequence=manifest.sequence + 1, epoch=manifest.epoch + 1, **changes)


def test_the_older_run_writes_no_manifest(spec):
    store = CheckpointStore(MemoryPlace())
    old = begin(spec, store, fresh=False)
    begin(spec, store, fresh=False)
    with pytest.raises(JobLocked, match="taken over"):
        store.write_manifest(following(old.manifest))


def test_of_two_that_begin_one_is_refused(spec):
    store = CheckpointStore(MemoryPlace())
    begin(spec, store, fresh=False)
    listed = store.last_sequence

    def late():
        last = listed()
        store.last_sequence = listed
        begin(spec, CheckpointStore(store.place), fresh=False)
        return last

    store.last_sequence = late
    with pytest.raises(JobLocked):
        begin(spec, store, fresh=False)


def test_the_older_run_writes_no_manifest_when_its_number_has_been_retired(spec):
    store = CheckpointStore(MemoryPlace(), retain=1)
    old = begin(spec, store, fresh=False)
    begin(spec, store, fresh=False)
    begin(spec, store, fresh=False)  # deletes the manifest with the number that the old run wants
    with pytest.raises(JobLocked):
        store.write_manifest(following(old.manifest))


def test_the_older_run_deletes_no_state_of_a_checkpoint_in_progress(spec):
    store = CheckpointStore(MemoryPlace())
    begin(spec, store, fresh=False)
    new = begin(spec, store, fresh=False).manifest
    name = f"state-{new.epoch + 1:08}-{new.run}-0.bin"
    store.write_state(name, b"state")
    CheckpointStore(store.place).retire()  # as the older run does when a commit of its ends
    assert name in store.place.list()


def test_the_older_run_deletes_no_manifest_that_is_created_meanwhile(spec):
    store = CheckpointStore(MemoryPlace())
    old = begin(spec, store, fresh=False)
    new = []
    read = store.read_manifest

    def meanwhile(sequence):
        if not new:
            new.append(begin(spec, CheckpointStore(store.place), fresh=False).manifest)
        return read(sequence)

    store.read_manifest = meanwhile
    store.retire()
    assert store.last_sequence() == new[0].sequence > old.manifest.sequence


def test_runs_that_live_on_and_retire():
    for seed in jobs.seeds(150):
        jobs.reduce(random.Random(seed)).run(
            seed, crashes=8, zombies=3, zombies_retire=True, retain=1, checkpoint_interval=0.1
        )
