"""Which key group a key belongs to: the same on every machine and in every language.

The group is the crc32 of the canonical msgpack of the key, modulo the number of groups; never
``hash()``, which differs per process for strings.
"""

from __future__ import annotations

import zlib
from collections import deque
from typing import Any

from raystreaming.errors import shown_record
from raystreaming.records import pack

DEFAULT_KEY_GROUPS = 720
"""Divides evenly by most parallelisms; fixed at a job's first start."""

_KINDS = "None, bool, int, float, str, bytes, or a tuple or list of these"


class KeyRefused(TypeError, ValueError):
    """A value that cannot be a key."""


def key_group(key: Any, groups: int = DEFAULT_KEY_GROUPS) -> int:
    """Return the key group of `key`.

    Equal keys are in equal groups: True is 1 is 1.0, -0.0 is 0.0, and a list is a tuple.

    Args:
        key: None, bool, int in [-2**63, 2**64), float, str, bytes, or tuples or lists of these.
        groups: Number of key groups.

    Raises:
        TypeError: The key is of another kind.
        ValueError: The key is NaN or an integer out of range.

    Example:
        >>> key_group("user-1") == key_group("user-1")
        True
        >>> key_group(1) == key_group(1.0) == key_group(True)
        True
    """
    return zlib.crc32(pack(_canonical(key))) % groups


def _canonical(key: Any) -> Any:
    kind = type(key)
    if kind is str or kind is bytes or key is None:
        return key
    if isinstance(key, int):  # bool too
        number = int(key)
        if not -(2**63) <= number < 2**64:
            raise KeyRefused(f"key {key!r} is out of range: integers go from -2**63 to 2**64 - 1")
        return number
    if isinstance(key, float):
        if key != key:
            raise KeyRefused("key is NaN, which equals nothing: map it to another key first")
        as_int = int(key) if key.is_integer() else None
        return as_int if as_int is not None and -(2**63) <= as_int < 2**64 else float(key)
    if isinstance(key, tuple | list):
        return [_canonical(part) for part in key]
    if isinstance(key, str):
        return str.__str__(key)  # what it equals, whatever a subclass shows
    if isinstance(key, bytes):
        return bytes(key)
    raise KeyRefused(f"key {shown_record(key, 80)} is a {kind.__name__}; a key is {_KINDS}")


def lookup_key(key: Any) -> Any:
    """Return a key with its lists as tuples, so that it can be looked up in a dict.

    Raises:
        TypeError: The key is of a kind that no key may be.
    """
    if isinstance(key, tuple | list):
        return tuple(map(lookup_key, key))
    key_group(key)
    return key


def lookup_keys(keys: list[Any]) -> list[Any]:
    """Return the keys as they are if they can be looked up, else by `lookup_key`."""
    try:
        deque(map(hash, keys), maxlen=0)  # at C speed
    except TypeError:
        return list(map(lookup_key, keys))
    return keys


class KeyGroups(dict[Any, int]):
    """Cache of key -> group, looked up at C speed; refuses a bad key when it is first seen.

    Bounded: a job with endless new keys starts over with an empty cache now and then.
    """

    LIMIT = 1_000_000

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def __missing__(self, key: Any) -> int:
        group = key_group(key, self.groups)
        if len(self) >= self.LIMIT:
            self.clear()
        self[key] = group
        return group


class KeyOwners(KeyGroups):
    """Cache of key -> index of the task that owns the key's group; as `KeyGroups` else."""

    def __init__(self, groups: int, parallelism: int) -> None:
        super().__init__(groups)
        self.owners = group_owners(groups, parallelism)

    def __missing__(self, key: Any) -> int:
        owner = self.owners[super().__missing__(key)]
        self[key] = owner
        return owner


def group_owners(groups: int, parallelism: int) -> list[int]:
    """Return the task index that owns each key group."""
    return [group * parallelism // groups for group in range(groups)]
