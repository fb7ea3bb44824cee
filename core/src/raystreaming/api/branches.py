"""`Branches`: looking at records, and sending some of them another way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from raystreaming.api.partitioned import Partitioned
from raystreaming.connector.function import has_state
from raystreaming.connector.on_error import ErrorPolicy
from raystreaming.errors import GraphError
from raystreaming.operators.branch import Inspect, Tag

if TYPE_CHECKING:
    from raystreaming.api.stream import DataStream

T = TypeVar("T")


class Branches(Partitioned, Generic[T]):
    """Inspection, split and side outputs."""

    def inspect(self, fn: Callable[[T], Any], *, on_error: ErrorPolicy | None = None) -> DataStream[T]:
        """Call a function with every record (again after a restart), and pass the record on.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> seen = []
            >>> _ = ctx.from_values(1, 2).inspect(seen.append).collect()
            >>> ctx.execute("inspect").result(), seen
            ([1, 2], [1, 2])
        """
        if not callable(fn):
            raise GraphError(f"inspect() takes a function, got {fn!r}: write e.g. .inspect(print)")
        passed_on: DataStream[T] = self._then(
            "inspect", lambda _: Inspect(fn), stateful=has_state(fn), on_error=on_error
        )
        return passed_on

    def side_output(self, tag: str) -> DataStream[Any]:
        """Return the records that the operator's function has returned as ``Tagged(tag, record)``.

        Once a stream has a side output, tagged records are in no other stream of it.

        Example:
            >>> from raystreaming import StreamingContext, Tagged
            >>> ctx = StreamingContext()
            >>> texts = ctx.from_values("1", "x", "3")
            >>> numbers = texts.map(lambda s: int(s) if s.isdigit() else Tagged("bad", s))
            >>> bad = []
            >>> _ = numbers.side_output("bad").sink(bad.append)
            >>> _ = numbers.map(lambda n: n * 10).collect()
            >>> ctx.execute("side-output").result(), bad
            ([10, 30], ['x'])
        """
        if not isinstance(tag, str) or not tag:
            raise GraphError(f"side_output() takes the name of the output, got {tag!r}")
        view: Any = self._seen_as(type(self))
        view._tag = tag
        side: DataStream[Any] = view
        return side

    def split(
        self, choose: Callable[[T], str | None], *, on_error: ErrorPolicy | None = None
    ) -> SplitStream[T]:
        """Send every record to the branch that a function names; it is called once for each.

        Args:
            choose: Takes a record, returns the name of a branch, or None to drop it.
            on_error: As of `Stream.on_error`.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> parts = ctx.from_collection(range(5)).split(lambda n: "odd" if n % 2 else "even")
            >>> even = []
            >>> _ = parts.select("even").sink(even.append)
            >>> _ = parts.select("odd").collect()
            >>> ctx.execute("split").result(), even
            ([1, 3], [0, 2, 4])
        """
        if not callable(choose):
            raise GraphError(f"split() takes a function that returns the name of a branch, got {choose!r}")
        tagged = self._then("split", lambda _: Tag(choose), stateful=has_state(choose), on_error=on_error)
        return SplitStream(tagged)

    if TYPE_CHECKING:
        _then: Any


class SplitStream(Generic[T]):
    """The branches of a stream that was split."""

    def __init__(self, stream: DataStream[Any]) -> None:
        self._stream = stream

    def select(self, branch: str) -> DataStream[T]:
        """Return the records of a branch."""
        return self._stream.side_output(branch)
