"""A key belongs to the same group in Java as in Python."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raystreaming.errors import TransferError
from raystreaming.state import key_group
from raystreaming_java import JavaSettings
from raystreaming_java.column import JavaColumn, to_java
from raystreaming_java.jvm import bridge

SETTINGS = JavaSettings()

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.sampled_from([0.0, -0.0, 1.0, 2.0**53, 2.0**63, 2.0**64, -(2.0**63), 5e-324, 2**63, 2**64 - 1])
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.text("abc", min_size=30, max_size=34)
    | st.binary()
)
keys = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)


def groups_in_java(values, groups):
    column = JavaColumn(to_java(list(values), bridge(SETTINGS), "keys"), len(values), SETTINGS, False)
    found = {}
    for group, indices in enumerate(column.split(groups, list(range(groups)), groups)):
        found |= dict.fromkeys(map(int, indices), group)
    return [found[i] for i in range(len(values))]


@settings(max_examples=200, deadline=None)
@given(st.lists(keys, min_size=20, max_size=60), st.sampled_from([1, 7, 720]))
def test_groups_are_those_of_python(values, groups):
    assert groups_in_java(values, groups) == [key_group(v, groups) for v in values]


def test_many_texts_and_numbers():
    values = [
        *range(-70_000, 70_000, 7),
        *(f"user-{n}" for n in range(20_000)),
        *("ü" * n for n in range(300)),
    ]
    assert groups_in_java(values, 720) == [key_group(v, 720) for v in values]


@pytest.mark.parametrize("key", [float("nan"), {"a": 1}, [1, {"a": 1}]])
def test_what_is_no_key_is_none_there_either(key):
    with pytest.raises((ValueError, TypeError)):
        key_group(key, 720)
    with pytest.raises(TransferError, match=r"key"):
        groups_in_java([key], 720)
