"""`Guard`: what becomes of the records that one operator of one task cannot take."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

from raystreaming.connector.on_error import DeadLetter, ErrorPolicy, Retry, goes_on, letters_of
from raystreaming.connector.operator import Operator, OperatorContext
from raystreaming.connector.rejecting import Rejected
from raystreaming.errors import ConnectorError, OperatorError, Retryable, hide_secrets, shown_record
from raystreaming.operators.user_function import failure, raised
from raystreaming.records import Batch, rows_of

T = TypeVar("T")

SKIPPED = "skipped"
DEAD_LETTERS = "dead letters"
RETRIES = "retries"

_log = logging.getLogger("raystreaming")


class Pause:
    """How long a task asks to be left alone before its next step."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0


class Guard:
    """Carries out the error policy of an operator.

    `Retryable` and `Terminal` are about the world, not about a record: they pass through, to restart or end
    the job, except that `retry` tries again before, and that its ``then`` goes for what stays `Retryable`.

    Args:
        operator: Id of the operator.
        policy: Its policy, not ``"fail"``.
        count: Counts outcomes.
        write: Takes dead letters, where there are any.
        pause: The task's.

    Attributes:
        waits: Seconds to wait after each attempt that fails; None after the last.
        goes_on: Whether the job goes on without records that cannot be taken.
    """

    def __init__(
        self,
        operator: str,
        policy: ErrorPolicy,
        count: Callable[[str, int], None],
        write: Callable[[Any], None] | None,
        pause: Pause,
    ) -> None:
        self.waits: tuple[float | None, ...] = (*policy.waits, None) if isinstance(policy, Retry) else (None,)
        self._operator = operator
        self._count = count
        self._write = write
        self._pause = pause
        letters = letters_of(policy)
        self._form = letters.form if letters is not None else None
        self.goes_on = goes_on(policy)
        self._told = False

    @property
    def retries(self) -> bool:
        """Whether a record may be tried again."""
        return len(self.waits) > 1

    def pause(self, seconds: float) -> None:
        """Have the task left alone."""
        self._pause.seconds = seconds

    def failed(
        self, fn: Callable[..., Any] | None, record: Any, error: Exception, wait: float | None = None
    ) -> None:
        """Take note of an attempt that failed.

        Args:
            fn: The user's function that raised; None where it is another's code.
            record: What it was given.
            error: What it raised.
            wait: Seconds until the next attempt; None: it was the last one.

        Raises:
            Exception: The job cannot go on without the record.
        """
        connectors = isinstance(error, ConnectorError)
        if wait is not None and (isinstance(error, Retryable) or not connectors):
            self.count_retry()
            return
        exhausted = self.retries and isinstance(error, Retryable)
        if not self.goes_on or (connectors and not exhausted):
            if fn is None or connectors:
                raise error
            raise failure(self._operator, fn, record, error) from error
        fault = error.fault if isinstance(error, OperatorError) else None
        why, at = fault or raised(error, fn)
        self.leave_out(DeadLetter(self._operator, why, at, record, len(self.waits)))

    def count_retry(self) -> None:
        """Count an attempt that is to be followed by another."""
        self._count(RETRIES, 1)

    def rejected(self, rejected: Rejected) -> None:
        """Go on without what a reader cannot read, or a writer cannot write."""
        self.leave_out(DeadLetter(self._operator, rejected.why, rejected.at, rejected.record))

    def leave_out(self, letter: DeadLetter) -> None:
        """Count a record that is not taken, and write it where dead letters go."""
        if not self._told:
            self._told = True
            _log.warning(
                "%s goes on without records that fail, and counts them; the first: %s%s; record: %s",
                self._operator,
                hide_secrets(letter.error),
                f" (at {letter.at})" if letter.at else "",
                shown_record(letter.record),
                extra={"operator": self._operator},
            )
        if self._form is None or self._write is None:
            self._count(SKIPPED, 1)
        else:
            self._write(self._form(letter))
            self._count(DEAD_LETTERS, 1)


class Attempts(Generic[T]):
    """The attempts at one record. Iterating makes them, and yields where the task is to pause.

    Args:
        guard: Carries out the policy.
        call: Does the work.
        record: The record.
        fn: The user's function that does the work; None where it is another's code.

    Attributes:
        result: What the call returned, once `done`.
        done: Whether it returned; if not, the job goes on without the record.
    """

    __slots__ = ("_call", "_fn", "_guard", "_record", "done", "result")
    result: T

    def __init__(
        self, guard: Guard, call: Callable[[], T], record: Any, fn: Callable[..., Any] | None = None
    ) -> None:
        self._guard = guard
        self._call = call
        self._fn = fn
        self._record = record
        self.done = False

    def __iter__(self) -> Iterator[None]:
        guard = self._guard
        for wait in guard.waits:
            try:
                self.result = self._call()
            except Exception as error:
                guard.failed(self._fn, self._record, error, wait)
            else:
                self.done = True
                return
            if wait is not None:
                guard.pause(wait)
                yield


class OneByOne(Operator):
    """Gives an operator one record at a time, so that the one that fails is known."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    def open(self, ctx: OperatorContext) -> None:
        """Never called: the task opens the operator itself."""
        raise AssertionError("the operator inside is opened")

    def process(self, batch: Batch) -> Iterator[Batch]:
        """Yield what becomes of each record: all of it, or nothing."""
        guard: Guard = self._operator.guard
        for i, record in enumerate(rows_of(batch.values)):
            attempts = Attempts(guard, partial(self._all_of, batch.slice(i, i + 1)), record)
            for _ in attempts:
                yield Batch([])
            if attempts.done:
                yield from attempts.result
        yield Batch([])

    def _all_of(self, batch: Batch) -> list[Batch]:
        return list(self._operator.process(batch))

    def finish(self) -> Iterator[Batch]:
        """Yield what is left."""
        return self._operator.finish()
