"""`FieldKeys`: the keys of a batch that are a column of its Arrow values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from raystreaming.records import OpaqueColumn, kernels
from raystreaming.state.keys import KeyOwners, lookup_keys

if TYPE_CHECKING:
    import pyarrow as pa


class FieldKeys(OpaqueColumn):
    """A column of keys without a Python object per record.

    Args:
        field: Name of the column in the values beside it.
        column: The column; None while it travels, as its values do the same.
    """

    def __init__(self, field: str, column: pa.Array | None) -> None:
        self.field = field
        self._column = column

    @property
    def column(self) -> pa.Array:
        """The keys."""
        assert self._column is not None, "keys that have travelled are attached to their values"
        return self._column

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.column)

    def slice(self, start: int, length: int) -> FieldKeys:
        """Return `length` keys from `start` on, or as many as there are."""
        return FieldKeys(self.field, self.column.slice(start, length))

    def take(self, indices: Any) -> FieldKeys:
        """Return the keys at some indices."""
        in_arrow = hasattr(indices, "to_pylist")
        return FieldKeys(self.field, self.column.take(indices if in_arrow else list(indices)))

    def to_pylist(self) -> list[Any]:
        """Return the keys as Python objects that a dict takes."""
        return lookup_keys(self.column.to_pylist())

    def split(self, key_groups: int, owners: Sequence[int], parts: int) -> Sequence[Any]:
        """Sort the indices by who owns the group of the key; see `dealt`."""
        return self.dealt(KeyOwners(key_groups, parts), parts)

    def dealt(self, owners: Mapping[Any, int], parts: int) -> Sequence[Any]:
        """Return for each owner the Arrow array of the indices of its keys, in order.

        Args:
            owners: Index of the owner of every key.
            parts: Number of owners.

        Raises:
            TypeError: A key is of a kind that no key may be.
            ValueError: A key is NaN, or out of range.
        """
        import pyarrow as pa

        pc = kernels()

        distinct, codes = self.encoded()
        of_key = pa.array(list(map(owners.__getitem__, distinct)), pa.int32())
        of_record = of_key.take(codes)
        order = pc.array_sort_indices(of_record)  # a stable one
        counts = {each["values"]: each["counts"] for each in pc.value_counts(of_record).to_pylist()}
        dealt: list[Any] = []
        start = 0
        for owner in range(parts):
            dealt.append(order.slice(start, counts.get(owner, 0)))
            start += counts.get(owner, 0)
        return dealt

    def encoded(self) -> tuple[list[Any], pa.Array]:
        """Return the distinct keys, and for each record the index of its own.

        Raises:
            TypeError: The column is of a type that no key may be.
        """
        import pyarrow as pa

        column = self.column
        try:
            if pa.types.is_dictionary(column.type):  # which may have nulls, and a value twice
                column = column.dictionary_decode()
            column = column.dictionary_encode(null_encoding="encode")
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise TypeError(f"the column {self.field!r} of type {column.type} cannot be a key") from error
        return lookup_keys(column.dictionary.to_pylist()), column.indices

    def detached(self) -> FieldKeys:
        """Return the name of the column only."""
        return FieldKeys(self.field, None)

    def attached(self, values: Any) -> FieldKeys:
        """Return the column of the values."""
        return FieldKeys(self.field, values.column(self.field))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as a list, unless detached."""
        return (_restored, (self.field, None if self._column is None else self._column.to_pylist()))


def _restored(field: str, keys: list[Any] | None) -> Any:
    return FieldKeys(field, None) if keys is None else lookup_keys(keys)
