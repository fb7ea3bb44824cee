"""A manifest comes back as it was written, or is refused by name."""

from __future__ import annotations

import hashlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.checkpoint.manifest import (
    FORMAT,
    Manifest,
    OperatorState,
    SplitState,
    StateFile,
    StateRef,
)
from raystreaming.errors import CheckpointDamaged

text = st.text(max_size=20)
counts = st.integers(0, 2**63 - 1)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | text | st.binary(max_size=20)
values = st.recursive(
    scalars | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
splits = st.builds(SplitState, st.dictionaries(text, values, max_size=3), values, st.booleans())
operators = st.builds(
    OperatorState,
    kind=text,
    name=text,
    parallelism=st.integers(1, 1000),
    splits=st.dictionaries(text, splits, max_size=3),
    groups=st.dictionaries(st.integers(0, 719), st.builds(StateRef, text, counts, counts), max_size=3),
    states=st.dictionaries(st.integers(0, 100), st.binary(max_size=20), max_size=3),
    committables=st.lists(st.binary(max_size=20), max_size=3),
)
manifests = st.builds(
    Manifest,
    job=text,
    job_id=text,
    sequence=counts,
    epoch=counts,
    run=text,
    key_groups=st.integers(1, 10_000),
    finished=st.booleans(),
    operators=st.dictionaries(text, operators, max_size=3),
    files=st.dictionaries(text, st.builds(StateFile, counts, text), max_size=3),
)

SMALL = Manifest(
    "job",
    "id",
    7,
    6,
    "run",
    720,
    operators={"s": OperatorState("source", "s", 1, splits={"a": SplitState({"stop": 9}, 3)})},
    files={"state-1.bin": StateFile(3, "00")},
)


@given(manifests)
def test_what_is_written_is_what_is_read(manifest: Manifest):
    assert Manifest.decode(manifest.encode(), "m") == manifest


@given(manifests)
def test_without_committables_forgets_nothing_else(manifest: Manifest):
    bare = manifest.without_committables()
    assert all(op.committables == [] for op in bare.operators.values())
    assert {i: (op.splits, op.groups, op.states) for i, op in bare.operators.items()} == {
        i: (op.splits, op.groups, op.states) for i, op in manifest.operators.items()
    }
    assert (bare.sequence, bare.epoch, bare.files) == (manifest.sequence, manifest.epoch, manifest.files)


def test_every_changed_bit_is_found():
    data = SMALL.encode()
    for i in range(len(data)):
        for bit in (0x01, 0x80):
            bad = bytearray(data)
            bad[i] ^= bit
            with pytest.raises(CheckpointDamaged, match="place/checkpoint-7"):
                Manifest.decode(bytes(bad), "place/checkpoint-7")


def test_every_truncation_and_extension_is_found():
    data = SMALL.encode()
    for size in range(len(data)):
        with pytest.raises(CheckpointDamaged, match=r"place/checkpoint-7.*checksum"):
            Manifest.decode(data[:size], "place/checkpoint-7")
    with pytest.raises(CheckpointDamaged, match="checksum"):
        Manifest.decode(data + b"\0", "m")


def test_another_format_is_refused_by_number():
    body = msgpack.packb({"format": FORMAT + 1})
    with pytest.raises(CheckpointDamaged, match=f"format {FORMAT + 1}, this version reads {FORMAT}"):
        Manifest.decode(hashlib.sha256(body).digest() + body, "m")


@pytest.mark.parametrize("what", ["splits", "groups", "states", "committables"])
def test_an_operator_with_anything_in_it_holds_something(what: str):
    something = {
        "splits": {"a": SplitState({})},
        "groups": {0: StateRef("f", 0, 1)},
        "states": {0: b""},
        "committables": [b""],
    }
    assert not OperatorState("map", "m", 1).holds_something
    assert OperatorState("map", "m", 1, **{what: something[what]}).holds_something
