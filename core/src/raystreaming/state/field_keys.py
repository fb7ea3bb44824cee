"""`FieldKeys`: the keys of a batch that are columns of its Arrow values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from raystreaming.records import OpaqueColumn, kernels
from raystreaming.state.keys import KeyOwners, lookup_keys

if TYPE_CHECKING:
    import pyarrow as pa


Field: TypeAlias = "str | tuple[str, ...]"
"""What keys are: the values of one field, or tuples of the values of several."""


def names_of(field: Field) -> tuple[str, ...]:
    """Return the names of the columns."""
    return (field,) if isinstance(field, str) else field


class FieldKeys(OpaqueColumn):
    """Keys without a Python object per record.

    Args:
        field: Which columns of the values beside it they are.
        columns: The columns; None while they travel, as the values do the same.
    """

    def __init__(self, field: Field, columns: Sequence[pa.Array] | None) -> None:
        self.field = field
        self._columns = columns

    @property
    def columns(self) -> Sequence[pa.Array]:
        """The columns that the keys are made of."""
        assert self._columns is not None, "keys that have travelled are attached to their values"
        return self._columns

    @property
    def plain(self) -> bool:
        """Whether the keys are the values of one column as they are, by its type."""
        import pyarrow as pa

        are = pa.types
        numbers_and_texts = (are.is_integer, are.is_boolean, are.is_string, are.is_large_string)
        kinds = (*numbers_and_texts, are.is_binary, are.is_large_binary)
        return isinstance(self.field, str) and any(is_one(self.columns[0].type) for is_one in kinds)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.columns[0])

    def slice(self, start: int, length: int) -> FieldKeys:
        """Return `length` keys from `start` on, or as many as there are."""
        return FieldKeys(self.field, [column.slice(start, length) for column in self.columns])

    def take(self, indices: Any) -> FieldKeys:
        """Return the keys at some indices."""
        in_arrow = hasattr(indices, "to_pylist")
        wanted = indices if in_arrow else list(indices)
        return FieldKeys(self.field, [column.take(wanted) for column in self.columns])

    def to_pylist(self) -> list[Any]:
        """Return the keys as Python objects that a dict takes."""
        return self._keys([column.to_pylist() for column in self.columns])

    def _keys(self, values: Sequence[list[Any]]) -> list[Any]:
        """Return the keys that values of the columns make."""
        return lookup_keys(values[0] if isinstance(self.field, str) else list(zip(*values, strict=True)))

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
            TypeError: A column is of a type that no key may be.
        """
        import pyarrow as pa

        pc = kernels()
        encoded = map(_encoded, names_of(self.field), self.columns)
        values, codes = next(encoded)
        distinct = [values]
        for values, its_codes in encoded:
            pairs = pc.add(pc.multiply(codes.cast(pa.int64()), len(values)), its_codes.cast(pa.int64()))
            pairs = pairs.dictionary_encode()
            both = [divmod(pair, len(values)) for pair in pairs.dictionary.to_pylist()]
            distinct = [*([each[a] for a, _ in both] for each in distinct), [values[b] for _, b in both]]
            codes = pairs.indices
        return self._keys(distinct), codes

    def detached(self) -> FieldKeys:
        """Return the names of the columns only."""
        return FieldKeys(self.field, None)

    def attached(self, values: Any) -> FieldKeys:
        """Return the columns of the values."""
        return FieldKeys(self.field, [values.column(name) for name in names_of(self.field)])

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as a list, unless detached."""
        return (_restored, (self.field, None if self._columns is None else self.to_pylist()))


def _encoded(name: str, column: pa.Array) -> tuple[list[Any], pa.Array]:
    """Return the distinct values of a column, and for each row the index of its own."""
    import pyarrow as pa

    try:
        if pa.types.is_dictionary(column.type):  # which may have nulls, and a value twice
            column = column.dictionary_decode()
        column = column.dictionary_encode(null_encoding="encode")
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise TypeError(f"the column {name!r} of type {column.type} cannot be a key") from error
    return column.dictionary.to_pylist(), column.indices


def _restored(field: Field, keys: list[Any] | None) -> Any:
    return FieldKeys(field, None) if keys is None else lookup_keys(keys)
