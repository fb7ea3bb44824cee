"""`Columnar`: operators on whole columns, which keep records in Arrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from raystreaming.api.partitioned import Partitioned
from raystreaming.connector.on_error import ErrorPolicy
from raystreaming.errors import GraphError, nearest, need_arrow
from raystreaming.graph import TaskSetup
from raystreaming.operators import expressions
from raystreaming.operators.expressions import ColumnOf
from raystreaming.operators.map_batches import BATCH_FORMATS, BatchFormat, MapBatches
from raystreaming.operators.user_function import written_at

if TYPE_CHECKING:
    from raystreaming.api.stream import DataStream
    from raystreaming.connector.operator import Operator


class Columnar(Partitioned):
    """What needs no Python object per record; records that come as lists become columns, dicts by their keys.

    A record that is no dict, a line of text, say, is a row with the one column ``value``.
    """

    def select(self, *names: str, **columns: ColumnOf) -> DataStream[dict[str, Any]]:
        """Make records of some columns, in this order.

        Args:
            *names: Columns to keep.
            **columns: Further columns: a pyarrow expression, the name of a column, or a function of the
                Arrow batch that returns an array, or one value for all.

        Example:
            >>> import pyarrow.compute as pc
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> orders = ctx.from_values({"id": 1, "price": 2, "n": 3}, {"id": 2, "price": 5, "n": 1})
            >>> _ = orders.select("id", total=pc.multiply(pc.field("price"), pc.field("n"))).collect()
            >>> ctx.execute("select").result()
            [{'id': 1, 'total': 6}, {'id': 2, 'total': 5}]
        """
        if not names and not columns:
            raise GraphError('select() takes names of columns, e.g. select("user"), or new ones by name')
        twice = [name for name in names if names.count(name) > 1 or name in columns]
        if twice:
            raise GraphError(f"select() names the column {twice[0]!r} twice")
        need_arrow("select()")
        wanted = _checked("select", {**{name: name for name in names}, **columns})
        at = written_at()
        return self._then("select", lambda _: expressions.Select(wanted, False, at), columnar=True)

    def with_columns(self, **columns: ColumnOf) -> DataStream[dict[str, Any]]:
        """Add columns, or put others in the place of those of the same name.

        Args:
            **columns: As of `select`; each sees the columns as they were before.

        Example:
            >>> import pyarrow.compute as pc
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values({"n": 1}, {"n": 2}).with_columns(double=pc.field("n") * 2).collect()
            >>> ctx.execute("with-columns").result()
            [{'n': 1, 'double': 2}, {'n': 2, 'double': 4}]
        """
        if not columns:
            raise GraphError('with_columns() takes columns by name, e.g. double=pc.field("n") * 2')
        need_arrow("with_columns()")
        wanted = _checked("with_columns", columns)
        at = written_at()
        return self._then("with_columns", lambda _: expressions.Select(wanted, True, at), columnar=True)

    def explode(self, field: str, *, on_error: ErrorPolicy | None = None) -> DataStream[dict[str, Any]]:
        """Make one record of each element of a column of lists; the other columns are repeated.

        A record whose list is empty or null is gone.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> tagged = ctx.from_values({"id": 1, "tag": ["a", "b"]}, {"id": 2, "tag": []})
            >>> _ = tagged.explode("tag").collect()
            >>> ctx.execute("explode").result()
            [{'id': 1, 'tag': 'a'}, {'id': 1, 'tag': 'b'}]
        """
        if not isinstance(field, str):
            raise GraphError(f"explode() takes the name of a column, got {field!r}")
        need_arrow("explode()")
        at = written_at()
        return self._then(
            "explode", lambda _: expressions.Explode(field, at), columnar=True, on_error=on_error
        )

    def map_batches(
        self,
        fn: Callable[[Any], Any],
        format: BatchFormat = "pyarrow",
        *,
        on_error: ErrorPolicy | None = None,
    ) -> DataStream[Any]:
        """Call a function with whole batches; how many records one has may change from run to run.

        Args:
            fn: Returns a RecordBatch, Table, DataFrame or dict of arrays, whose rows are the new records,
                or a list of records. One with an ``open`` method is cloned for each task, and opened.
            format: What it takes: ``"pyarrow"`` a RecordBatch, ``"pandas"`` a DataFrame, ``"numpy"`` a
                dict of arrays, ``"rows"`` a list of records.
            on_error: As of `Stream.on_error`: with one, every batch has one record.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> numbers = ctx.from_values(3, 1, 2)
            >>> _ = numbers.map_batches(lambda rows: [n * 10 for n in rows], "rows").collect()
            >>> ctx.execute("map-batches").result()
            [30, 10, 20]
        """
        if not callable(fn):
            raise GraphError(f"map_batches() takes a function of a batch, got {fn!r}")
        if format not in BATCH_FORMATS:
            known, near = ", ".join(map(repr, BATCH_FORMATS)), nearest(str(format), BATCH_FORMATS)
            raise GraphError(f"map_batches(): format must be one of {known}, got {format!r}{near}")
        columnar = format != "rows"
        if columnar:
            need_arrow(f"map_batches() with format={format!r}")
        return self._then("map_batches", lambda _: MapBatches(fn, format), columnar, on_error=on_error)

    def _then(
        self,
        kind: str,
        build: Callable[[TaskSetup], Operator],
        columnar: bool = False,
        stateful: bool = False,
        on_error: ErrorPolicy | None = None,
    ) -> DataStream[Any]:
        raise NotImplementedError


def _checked(method: str, columns: dict[str, ColumnOf]) -> dict[str, ColumnOf]:
    wrong = [
        f"{name}={way!r}"
        for name, way in columns.items()
        if not (isinstance(way, str) or callable(way) or type(way).__name__ == "Expression")
    ]
    if wrong:
        raise GraphError(
            f"{method}() takes names, pyarrow expressions and functions of a batch, got {', '.join(wrong)}: "
            f"write e.g. pc.field('price') * 2, and pc.scalar(1) for a value"
        )
    return columns
