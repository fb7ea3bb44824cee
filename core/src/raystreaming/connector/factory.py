"""Operators of one's own, for `DataStream.apply`: options that make one operator per task, or a function."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import Field, fields
from functools import partial
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar

from raystreaming.connector.operator import Operator
from raystreaming.connector.options import Options, option

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
P = ParamSpec("P")


class OperatorFactory(Options, ABC, Generic[In, Out]):
    """An operator: its options, inert until `make` is called. Frozen and picklable.

    State: what `Operator.snapshot` of each task returns, found again by the operator's id. It belongs
    to the task, so a job with such state keeps its parallelism. Behind `key_by`, equal keys are in one
    task, and `Batch.keys` has the key of each record.

    Example:
        >>> from raystreaming import StreamingContext
        >>> from raystreaming.connector import Batch, Operator, OperatorFactory, option, pack, unpack
        >>> class Number(OperatorFactory[object, tuple[int, object]]):
        ...     start: int = option(default=0, doc="Number of the first record.")
        ...     def make(self):
        ...         return Numbering(self.start)
        >>> class Numbering(Operator):
        ...     def __init__(self, start):
        ...         self.next = start
        ...     def process(self, batch):
        ...         numbered = list(enumerate(batch.values, self.next))
        ...         self.next += len(numbered)
        ...         yield Batch(numbered)
        ...     def snapshot(self):
        ...         return pack(self.next)
        ...     def restore(self, state):
        ...         self.next = unpack(state)
        >>> ctx = StreamingContext()
        >>> _ = ctx.from_values("a", "b").apply(Number(start=1)).collect()
        >>> ctx.execute("number").result()
        [(1, 'a'), (2, 'b')]
    """

    columnar: ClassVar[bool] = False
    """Whether `Operator.process` takes Arrow batches too; without it, it is given lists only."""

    @abstractmethod
    def make(self) -> Operator:
        """Make the operator of one task. Called once per task and start, on the driver or a worker."""


class FunctionOperator(Options, Generic[In, Out]):
    """An operator without state that a function with options is; see `operator`."""

    columnar: ClassVar[bool] = False
    _function: ClassVar[Callable[..., Iterable[Any]]]

    def bound(self) -> Callable[[In], Iterable[Out]]:
        """Return the function of one record, with the options given."""
        options = {f.name: getattr(self, f.name) for f in fields(self)}
        return partial(type(self)._function, **options)


def operator(function: Callable[Concatenate[A, P], Iterable[B]]) -> Callable[P, FunctionOperator[A, B]]:
    """Make an operator of a function that turns one record into any number of records.

    The function's further parameters are the operator's options, checked by their types; give one a
    text of its own with ``= option(doc=...)``.

    Args:
        function: Takes a record, and options; returns or yields records.

    Returns:
        The operator's class, under the function's name.

    Raises:
        TypeError: The function takes no record, or ``*args`` or ``**kwargs``.

    Example:
        >>> from collections.abc import Iterator
        >>> from raystreaming import StreamingContext
        >>> from raystreaming.connector import operator
        >>> @operator
        ... def words(line: str, *, separator: str = " ") -> Iterator[str]:
        ...     yield from line.split(separator)
        >>> ctx = StreamingContext()
        >>> _ = ctx.from_values("to-be", "or-not").apply(words(separator="-")).collect()
        >>> ctx.execute("words").result()
        ['to', 'be', 'or', 'not']
    """
    parameters = list(inspect.signature(function).parameters.values())
    wrong = [
        str(p.replace(annotation=p.empty)) for p in parameters if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    wrong += [p.name for p in parameters[1:] if p.kind is p.POSITIONAL_ONLY]
    name = function.__name__
    if wrong or not parameters or parameters[0].kind is inspect.Parameter.KEYWORD_ONLY:
        raise TypeError(
            f"@operator {name}: write def {name}(record, *, option=...): a record, then options by name"
            + (f", and no {', '.join(wrong)}" if wrong else "")
        )
    members: dict[str, Any] = {p.name: _option(p) for p in parameters[1:]}
    types = {n: t for n, t in function.__annotations__.items() if n in members}
    members["__annotations__"] = {n: types.get(n, Any) for n in members}
    members["_function"] = staticmethod(function)
    for attribute in ("__module__", "__qualname__", "__doc__"):
        members[attribute] = getattr(function, attribute)
    made: Any = type(name, (FunctionOperator,), members)
    cls: Callable[P, FunctionOperator[A, B]] = made
    return cls


def _option(parameter: inspect.Parameter) -> Any:
    if isinstance(parameter.default, Field):
        return parameter.default
    kw_only = parameter.kind is parameter.KEYWORD_ONLY
    if parameter.default is parameter.empty:
        return option(doc="", kw_only=kw_only)
    return option(doc="", kw_only=kw_only, default=parameter.default)
