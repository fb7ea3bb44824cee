"""`Keyed`: what is computed of the records of each key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from raystreaming.api.columnar import Columnar
from raystreaming.api.keys import key_function
from raystreaming.connector.on_error import ErrorPolicy
from raystreaming.connector.operator import Operator
from raystreaming.errors import GraphError
from raystreaming.graph import TaskSetup
from raystreaming.operators.aggregates import Aggregate
from raystreaming.operators.keyed import Reduce
from raystreaming.operators.sums import AddField, SumOf
from raystreaming.operators.user_function import written_at

if TYPE_CHECKING:
    from raystreaming.api.stream import DataStream
    from raystreaming.operators.agg import Updates
    from raystreaming.state import Field


class Keyed(Columnar):
    """Aggregates by key."""

    _key: Field = "key"
    """What results call the key: the field that it is, or the fields, if it is of such."""

    def agg(self, *, updates: Updates = "batch", **aggregates: Aggregate) -> DataStream[dict[str, Any]]:
        """Keep aggregates of each key; results are records with the key and a field for each aggregate.

        The key's fields have the names that `key_by` was given, else ``key``. Behind ``key_by("field")``
        Arrow batches are added without a Python object per record. Nulls are left out, sums of whole
        numbers are exact.

        Args:
            updates: ``"batch"``: after every batch, one record for each key in it, with all that has come so
                far; how many there are depends on the batches, the last one of a key is its result.
                ``"final"``: one record for each key, when the input has ended.
            **aggregates: ``count()``, ``sum_(field)``, ``min_(field)``, ``max_(field)``, ``mean(field)``,
                by the names of the results; a field is that of a dict, or the index in a tuple.

        Example:
            >>> from raystreaming import StreamingContext, mean
            >>> ctx = StreamingContext()
            >>> temperatures = ctx.from_values(("oslo", 2.0), ("rome", 20.0), ("oslo", 4.0))
            >>> _ = temperatures.key_by(0).agg(average=mean(1), updates="final").collect()
            >>> ctx.execute("agg").result()
            [{'key': 'oslo', 'average': 3.0}, {'key': 'rome', 'average': 20.0}]
        """
        from raystreaming.operators.agg import Agg  # most jobs have none

        wrong = [f"{name}={a!r}" for name, a in aggregates.items() if not isinstance(a, Aggregate)]
        if wrong or not aggregates:
            got = f", got {', '.join(wrong)}" if wrong else ""
            raise GraphError(f"agg() takes aggregates by name, e.g. n=count(), total=sum_('price'){got}")
        if updates not in ("batch", "final"):
            raise GraphError(f"agg(): updates must be 'batch' or 'final', got {updates!r}")
        key, at = self._key, written_at()
        for name in (key,) if isinstance(key, str) else key:
            if name in aggregates:
                raise GraphError(f"agg(): {name!r} is the key; give the aggregate another name")
        return self._then(
            "agg",
            lambda setup: Agg(key, aggregates, setup.key_groups, updates, at),
            columnar=True,
            stateful=True,
        )

    def sum(
        self, what: Callable[[Any], Any] | str | int, *, on_error: ErrorPolicy | None = None
    ) -> DataStream[Any]:
        """Add up something of the records of each key; every record yields the sum so far.

        Args:
            what: The name of a field of dicts, or an index into tuples: yields the first record of the key
                with the sum in that place. Or a function of a record: yields ``(key, sum)``.
            on_error: As of `Stream.on_error`.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(("a", 1), ("b", 2), ("a", 3)).key_by(0).sum(1).collect()
            >>> ctx.execute("sum").result()
            [('a', 1), ('b', 2), ('a', 4)]
        """
        get = key_function("sum", what)
        build: Callable[[TaskSetup], Operator]
        if callable(what):
            build = lambda setup: SumOf(get, setup.key_groups)  # noqa: E731
        else:
            at = written_at()
            build = lambda setup: Reduce(AddField(what, at), setup.key_groups)  # noqa: E731
        return self._then("sum", build, stateful=True, on_error=on_error)
