"""Key groups: golden vectors shared with Java, and which keys are equal or refused."""

import enum
import json
import zlib
from decimal import Decimal
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming.state import KeyGroups, group_owners, key_group

GOLDEN = Path(__file__).parent / "key_groups.json"

KEYS = [
    None, False, True, 0, 1, -1, 127, 128, 255, 256, -32, -33, -128, -129, 65_535, 65_536, -32_768, -32_769,
    2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32 - 1, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1,
    -(2**63), 0.0, -0.0, 1.0, 1.5, -1.5, 0.1, 1e16, 1e300, -1e300, 2.0**63, 2.0**64, -(2.0**63), 5e-324,
    float("inf"), float("-inf"), "", "a", "user-1", "x" * 31, "x" * 32, "x" * 255, "x" * 256, "ü", "日本",
    "😀", "a\x00b", b"", b"a", b"\x00\xff", b"x" * 256, (), (1,), (1, "a"), [1, "a"], ("user", 7, None),
    ((1, 2), [3]), (True, 1.0, -0.0), tuple(range(15)), tuple(range(16)),
]  # fmt: skip


def canonical(key):
    """The rule of the design, written down a second time."""
    if isinstance(key, list | tuple):
        return [canonical(part) for part in key]
    if isinstance(key, bool):
        return int(key)
    if isinstance(key, float) and key == key and key not in (float("inf"), float("-inf")):
        return int(key) if key == int(key) and -(2**63) <= key < 2**64 else key
    return key


def test_golden_vectors():
    vectors = json.loads(GOLDEN.read_text())
    assert len(vectors) == len(KEYS)
    for vector in vectors:
        key = msgpack.unpackb(bytes.fromhex(vector["key"]))
        assert key_group(key, 720) == vector["group"], vector


def test_golden_vectors_are_those_of_the_keys_here():
    assert json.loads(GOLDEN.read_text()) == [
        {"key": msgpack.packb(k).hex(), "group": key_group(k, 720), "text": repr(k)[:40]} for k in KEYS
    ]


def test_the_group_is_the_checksum_of_the_canonical_key():
    for key in KEYS:
        assert key_group(key, 720) == zlib.crc32(msgpack.packb(canonical(key))) % 720, key


class Color(str, enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Name(str):
    def __str__(self):
        return "***"


@pytest.mark.parametrize(
    "same",
    [
        (True, 1, 1.0, Number.ONE),
        (False, 0, 0.0, -0.0),
        ((1, 2), [1, 2], (1.0, True + 1)),
        (("a", (1,)), ["a", [1]], ("a", [1.0])),
        (2**63, 2.0**63),
        ("red", Color.RED, Name("red")),
    ],
)
def test_equal_keys_are_in_one_group(same):
    assert len({key_group(key, 1 << 30) for key in same}) == 1


def test_text_bytes_and_numbers_differ():
    assert len({key_group(key, 1 << 30) for key in ("1", b"1", 1, (1,), None, 1.5)}) == 6


@pytest.mark.parametrize("key", [float("nan"), (1, float("nan")), 2**64, -(2**63) - 1, [2**64], "\ud800"])
def test_values_that_are_no_keys(key):
    with pytest.raises(ValueError, match=r"."):
        key_group(key)


@pytest.mark.parametrize("key", [{}, set(), object(), Decimal(1), 1j, ({},), bytearray(b"a"), range(3)])
def test_kinds_that_are_no_keys(key):
    with pytest.raises(TypeError, match="a key is"):
        key_group(key)


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
keys = st.recursive(
    scalars | st.text(st.characters(exclude_categories=["Cs"])) | st.binary(),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)


@given(keys, st.integers(1, 32768))
def test_any_key_has_a_group_and_the_cache_agrees(key, groups):
    assert 0 <= key_group(key, groups) < groups
    cache = KeyGroups(groups)
    assert cache[key] == cache[key] == key_group(key, groups)


@given(keys, keys)
def test_what_python_calls_equal_is_in_one_group(one, other):
    if one == other:
        assert key_group(one) == key_group(other)


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(KeyGroups, "LIMIT", 10)
    cache = KeyGroups(720)
    for n in range(100):
        assert cache[n] == key_group(n)
        assert len(cache) <= 10


@given(st.integers(1, 2000), st.integers(1, 100))
def test_groups_are_spread_evenly_and_in_order(groups, parallelism):
    owners = group_owners(groups, parallelism)
    assert owners == sorted(owners)
    counts = [owners.count(task) for task in range(parallelism)]
    assert max(counts) - min(counts) <= 1
