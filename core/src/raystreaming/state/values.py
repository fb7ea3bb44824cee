"""One value per key, in memory, with snapshots by key group."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from raystreaming.state.keys import key_group


@dataclass(frozen=True, slots=True)
class GroupSnapshot:
    """State of some key groups.

    Attributes:
        full: True if groups that are not here are empty; False if they are unchanged.
        groups: Serialised state by key group; empty bytes for a group that became empty.
    """

    full: bool
    groups: Mapping[int, bytes] = field(default_factory=dict[int, bytes])


class KeyedValues:
    """Values by key. `table` is read and written directly by operators, for speed.

    An operator calls `check_new` with a key that the table does not have yet. Once the table is
    large (`tracking`), it also adds the keys it changes to `changed`, a batch at a time.
    """

    SMALL = 50_000
    """Up to so many keys a full snapshot costs less than noting every change."""

    DELTAS_BEFORE_FULL = 10
    """After so many snapshots of changed groups only, a full one lets old files go."""

    def __init__(self, groups: int) -> None:
        self.groups = groups
        self.table: dict[Any, Any] = {}
        self.changed: set[Any] = set()
        self.tracking = False
        self._members: dict[int, dict[Any, None]] = {}  # in order: equal runs, equal bytes
        self._deltas = 0

    def check_new(self, key: Any) -> None:
        """Place a key that is seen for the first time; raises like `key_group`."""
        self._members.setdefault(key_group(key, self.groups), {})[key] = None

    def snapshot(self) -> GroupSnapshot:
        """Serialise what changed since the last snapshot, or everything from time to time."""
        # A loop over several tables notes the keys of all; what is not in this one did not change it.
        dirty = {key_group(key, self.groups) for key in self.changed} & self._members.keys()
        self.changed.clear()
        full = (
            not self.tracking
            or self._deltas >= self.DELTAS_BEFORE_FULL
            or 2 * len(dirty) > len(self._members)
        )
        self.tracking = len(self.table) > self.SMALL
        self._deltas = 0 if full else self._deltas + 1
        chosen: Iterable[int] = self._members if full else dirty
        return GroupSnapshot(full, {group: self._pack(group) for group in sorted(chosen)})

    def _pack(self, group: int) -> bytes:
        table = self.table
        return pickle.dumps([(key, table[key]) for key in self._members[group]], protocol=5)

    def restore(self, group: int, data: bytes) -> None:
        """Take back one group of a snapshot."""
        pairs: list[tuple[Any, Any]] = pickle.loads(data) if data else []
        self._members[group] = dict.fromkeys(key for key, _ in pairs)
        self.table.update(pairs)
