"""Setting the error policy of an operator, source or sink."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from raystreaming.api.language import language
from raystreaming.connector.on_error import ErrorPolicy, Retry, checked, dead_letter, letters_of, retry
from raystreaming.connector.sink import Sink
from raystreaming.connector.source import Source
from raystreaming.errors import GraphError
from raystreaming.graph import Edge, LogicalGraph, LogicalOperator
from raystreaming.operators.sink import SinkOperator
from raystreaming.plugins.registry import registry

__all__ = ["dead_letter", "own_policy", "retry", "set_policy"]


def set_policy(graph: LogicalGraph, operator: LogicalOperator, policy: ErrorPolicy) -> None:
    """Set what becomes of the records that an operator cannot take.

    Raises:
        OptionError: It is no policy, or none for this source.
        GraphError: The operator cannot have it.
    """
    policy = checked(policy)
    source: Any = operator.source
    if source is not None:
        if isinstance(policy, Retry) and not source.replayable:
            raise GraphError(
                f"{operator.name!r} cannot be read again from where it failed, so retry() does not go with "
                f"it: use 'fail', 'skip' or dead_letter(sink)"
            )
        if getattr(source, "on_error", policy) != policy:  # an option of its own, which its readers look at
            operator.source = replace(source, on_error=policy)
    operator.on_error = policy
    letters = letters_of(policy)
    operator.dead_letters = None if letters is None else _sink_of_letters(graph, operator, letters.sink)


def own_policy(source: Source[Any]) -> ErrorPolicy:
    """Return the policy that is among a source's options, if there is one."""
    return checked(getattr(source, "on_error", "fail"))


def _sink_of_letters(graph: LogicalGraph, operator: LogicalOperator, sink: Any) -> LogicalOperator:
    if not isinstance(sink, Sink):
        sink = cast("Sink[Any]", registry().sink("function")(sink))
    made = LogicalOperator("dead_letter", [Edge(operator)], sink=sink, stateful=True, columnar=sink.columnar)
    if sink.language != "python":
        language(sink.language).adopt(graph, made)
    adopted = cast("Sink[Any]", made.sink)
    made.build = lambda setup: SinkOperator(adopted, setup.writer)
    return made
