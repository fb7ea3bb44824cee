"""`raystreaming graph`: a program is run up to where it would submit its job, and its graph is taken."""

from __future__ import annotations

from collections.abc import Callable

from raystreaming.graph import LogicalGraph


class Drawn(BaseException):
    """Ends a program whose graph has been taken; no Exception, so that no program handles it."""


_take: Callable[[LogicalGraph], None] | None = None


def instead_of_running(take: Callable[[LogicalGraph], None] | None) -> None:
    """Have jobs of this process not run, but their graphs taken; None: run again."""
    global _take
    _take = take


def offer(graph: LogicalGraph) -> None:
    """Give a graph, about to run, to who wants it instead.

    Raises:
        Drawn: It was taken.
    """
    if _take is not None:
        _take(graph)
        raise Drawn
