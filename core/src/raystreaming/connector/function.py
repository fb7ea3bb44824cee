"""Function classes: user functions with a life of their own, one object for each task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
U = TypeVar("U")


class Collector(Protocol):
    """Takes the records that a function makes."""

    def collect(self, value: Any, /) -> None:
        """Take one."""


class Collected(list[Any]):
    """A `Collector` that keeps what it takes, in a list: itself."""

    collect = list.append


class Function:
    """Base of the function classes.

    The object of the program is a template: each task clones it. What the clone keeps in attributes while it
    runs is its own, and is lost at a restart unless `save_checkpoint` returns it. A job with such state
    keeps its parallelism: the state belongs to the task.
    """

    def open(self, context: Any) -> None:
        """Get ready. Called once per task and start, before any record.

        Args:
            context: Has ``operator`` (its id), ``task`` (from 0), ``parallelism`` and ``config``
                (what `Stream.with_config` was given).
        """

    def close(self) -> None:
        """Release what was opened. Called once; not after a hard kill."""

    def save_checkpoint(self) -> Any:
        """Return the state at a barrier, anything that pickle takes. Called at every checkpoint."""
        return None

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Take back what `save_checkpoint` returned. Called after `open`, if a checkpoint has it."""


class SourceFunction(Function, ABC, Generic[T]):
    """A source by hand. Each task has one, and reads a share of its own.

    What `fetch` collects goes on before `save_checkpoint` is asked: the state is that after these records. A
    restart goes on from it.
    """

    @abstractmethod
    def init(self, parallel: int, index: int) -> None:
        """Learn which share to read: one of `parallel`, `index` from 0. Called after `open`."""

    @abstractmethod
    def fetch(self, collector: Collector) -> bool | None:
        """Collect some records: a few milliseconds' worth, none if there are none now.

        Called again and again, in a thread of its own.

        Returns:
            False when there are no more and never will be; anything else to be called again.
        """


class MapFunction(Function, ABC, Generic[T, U]):
    """Turns every record into one record."""

    @abstractmethod
    def map(self, value: T) -> U:
        """Return the new record."""

    def __call__(self, value: T) -> U:
        """Be a function."""
        return self.map(value)


class FlatMapFunction(Function, ABC, Generic[T]):
    """Turns every record into any number of records."""

    @abstractmethod
    def flat_map(self, value: T, collector: Collector) -> None:
        """Collect the new records."""

    def __call__(self, value: T, collector: Collector) -> None:
        """Be a function that takes a collector."""
        self.flat_map(value, collector)


class FilterFunction(Function, ABC, Generic[T]):
    """Keeps some records."""

    @abstractmethod
    def filter(self, value: T) -> bool:
        """Return whether to keep the record."""

    def __call__(self, value: T) -> bool:
        """Be a function."""
        return self.filter(value)


class KeyFunction(Function, ABC, Generic[T, U]):
    """Gives every record its key."""

    @abstractmethod
    def key_by(self, value: T) -> U:
        """Return the key."""

    def __call__(self, value: T) -> U:
        """Be a function."""
        return self.key_by(value)


class ReduceFunction(Function, ABC, Generic[T]):
    """Combines the records of a key."""

    @abstractmethod
    def reduce(self, old_value: T, new_value: T) -> T:
        """Return the new value of the key."""

    def __call__(self, old_value: T, new_value: T) -> T:
        """Be a function."""
        return self.reduce(old_value, new_value)


class SinkFunction(Function, ABC, Generic[T]):
    """The end of a stream; at least once."""

    @abstractmethod
    def sink(self, value: T) -> None:
        """Take a record."""

    def __call__(self, value: T) -> None:
        """Be a function."""
        self.sink(value)


def has_state(fn: object) -> bool:
    """Return whether a function wants its state in checkpoints."""
    return isinstance(fn, Function) and type(fn).save_checkpoint is not Function.save_checkpoint
