"""The source thread: fetches into a bounded queue, never more than it has credits for."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

from raystreaming.connector.on_error import ErrorPolicy, Retry, goes_on
from raystreaming.connector.rejecting import Rejected
from raystreaming.connector.source import Fetched, Position, Reader, ReaderContext, Source, Split
from raystreaming.errors import Retryable
from raystreaming.observe.notices import log
from raystreaming.operators.guard import RETRIES

IDLE_WAIT = 0.1
"""Seconds a read may block; bounds how long stopping takes."""

CREDITS = 4
"""Entries that may wait to be consumed."""

LAG_EVERY = 0.5
"""Seconds between two questions to a reader how many records wait."""

FIRST_LIMIT = 16
"""Few at first: nobody knows yet what a record costs."""
MAX_LIMIT = 65_536


class ReadLoop:
    """Runs the reader of one source task in one thread; controlled by messages.

    Args:
        source: What to read.
        ctx: Who the reader is.
        deliver: Called in the source thread with everything fetched, and what was rejected before it.
        on_error: The source's policy: what it rejects goes with the entry behind it, and where it says
            `retry`, a reader that fails is replaced by one that goes on behind what was delivered.

    Attributes:
        limit: Records that an entry may have; set by the consumer.
        known: Records that were delivered since this start, and those that wait behind them as far as the
            reader knew when it was last asked; None if it does not know. Those not consumed are the lag.
    """

    def __init__(
        self,
        source: Source[Any],
        ctx: ReaderContext,
        deliver: Callable[[Fetched, Sequence[Rejected]], None],
        on_error: ErrorPolicy = "fail",
    ) -> None:
        self.limit = FIRST_LIMIT
        self.known: int | None = None
        self._source = source
        self._rejected: list[Rejected] = []
        self._context = replace(ctx, fails=not goes_on(on_error), rejected=self._rejected.append)
        self._waits = on_error.waits if isinstance(on_error, Retry) else ()
        self._failed = 0  # times in a row
        self._places: dict[str, tuple[Split, Position]] = {}
        self._reader: Reader[Any] | None = None
        self._end = threading.Event()
        self._deliver = deliver
        self._messages: SimpleQueue[Callable[[Reader[Any]], None]] = SimpleQueue()
        self._credits = CREDITS
        self._open_splits = 0
        self._closing = False
        self._delivered = 0
        self._ask_lag_at = math.inf  # without splits there is nothing to know

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        """Give the reader splits."""

        def message(reader: Reader[Any]) -> None:
            self._open_splits += len(splits)
            self._places.update({split.id: (split, position) for split, position in splits})
            reader.add_splits(splits)
            self._ask_lag_at = 0.0

        self._messages.put(message)

    def consumed(self) -> None:
        """Give back the credit of an entry."""
        self._messages.put(self._one_credit)

    def _one_credit(self, reader: Reader[Any]) -> None:
        self._credits += 1

    def commit(self, positions: Mapping[str, Position]) -> None:
        """Tell the reader how far a completed checkpoint has come."""
        self._messages.put(lambda reader: reader.commit(positions))

    def close(self) -> None:
        """Let `run` return soon."""
        self._end.set()
        self._messages.put(self._close)

    def _close(self, reader: Reader[Any]) -> None:
        self._closing = True

    def run(self) -> None:
        """Open the reader and fetch until closed; the body of the source thread."""
        try:
            while not self._closing:
                try:
                    self._turn()
                except Retryable as error:
                    self._start_anew(error)
        finally:
            if self._reader is not None:
                self._reader.close()

    def _turn(self) -> None:
        reader = self._reader or self._open()
        may_read = self._credits > 0 and self._open_splits > 0
        if not may_read or not self._messages.empty():
            self._handle_message(reader)
        else:
            self._read(reader)
        if time.monotonic() >= self._ask_lag_at:
            self._ask_lag(reader)

    def _open(self) -> Reader[Any]:
        self._reader = reader = self._source.open(self._context)
        if self._places:
            reader.add_splits(list(self._places.values()))
            self._ask_lag_at = 0.0
        return reader

    def _start_anew(self, error: Retryable) -> None:
        """Have the next turn open another reader, after a while; raise the error after enough of them."""
        if self._failed >= len(self._waits):
            raise error
        wait = self._waits[self._failed]
        self._failed += 1
        self._context.count(RETRIES, 1)
        log.warning("source %r: %s; reads on in %g s", self._context.operator, error, wait)
        self._rejected.clear()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        if self._end.wait(wait):
            self._closing = True

    def _handle_message(self, reader: Reader[Any]) -> None:
        """Wait for a message, not for ever: the lag grows while nothing is consumed."""
        try:
            message = self._messages.get(timeout=LAG_EVERY)
        except Empty:
            return
        message(reader)

    def _read(self, reader: Reader[Any]) -> None:
        fetched = reader.read(self.limit, time.monotonic() + IDLE_WAIT)
        if fetched is None:
            return
        self._credits -= 1
        self._failed = 0
        if fetched.end:
            del self._places[fetched.split]
        else:
            self._places[fetched.split] = (self._places[fetched.split][0], fetched.position)
        rejected = tuple(self._rejected)
        self._rejected.clear()
        self._deliver(fetched, rejected)
        if fetched.batch is not None:
            self._delivered += len(fetched.batch)
        if fetched.end:
            self._open_splits -= 1
            self._ask_lag_at = 0.0  # the last estimate may have counted what was no record

    def _ask_lag(self, reader: Reader[Any]) -> None:
        waiting = reader.lag()
        self.known = None if waiting is None else self._delivered + waiting
        self._ask_lag_at = time.monotonic() + LAG_EVERY
