"""Keyed state: canonical keys, key groups, and the values kept by key."""

from raystreaming.state.field_keys import Field, FieldKeys, names_of
from raystreaming.state.keys import (
    DEFAULT_KEY_GROUPS,
    KeyGroups,
    KeyOwners,
    KeyRefused,
    group_owners,
    key_group,
    lookup_key,
    lookup_keys,
)
from raystreaming.state.values import GroupSnapshot, KeyedValues

__all__ = [
    "DEFAULT_KEY_GROUPS",
    "Field",
    "FieldKeys",
    "GroupSnapshot",
    "KeyGroups",
    "KeyOwners",
    "KeyRefused",
    "KeyedValues",
    "group_owners",
    "key_group",
    "lookup_key",
    "lookup_keys",
    "names_of",
]
