"""`Job`: a handle on a running job."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

from raystreaming.api import interrupts
from raystreaming.errors import (
    GraphError,
    JobError,
    OperatorError,
    RayStreamingError,
    hide_secrets,
    notes_of,
)
from raystreaming.observe.notices import say
from raystreaming.observe.progress import progress
from raystreaming.observe.progress_line import ProgressLine, is_wanted
from raystreaming.observe.progress_log import ProgressLog, metrics
from raystreaming.operators.user_function import is_users
from raystreaming.operators.user_function import where as raised_at

if TYPE_CHECKING:
    from raystreaming.observe.status import JobStatus
    from raystreaming.runtime.embedded import EmbeddedJob
    from raystreaming.runtime.ray.job import RayJob


class Job:
    """A job that was submitted. Made by `StreamingContext.submit`."""

    def __init__(
        self, name: str, runtime: EmbeddedJob | RayJob, collected: list[list[Any]], drain_on_interrupt: bool
    ) -> None:
        self.name = name
        self._runtime = runtime
        self._collected = collected
        self._drain_on_interrupt = drain_on_interrupt
        self._seen = False
        self._measured: JobStatus | None = None
        _at_script_end(self._script_ended)

    def wait(self) -> Job:
        """Wait until the job is over.

        In the main thread, Ctrl-C (or SIGTERM) takes a checkpoint and ends the job; a second one
        ends it at once.

        Returns:
            The job.

        Raises:
            OperatorError: A function of the program raised.
            RayStreamingError: The job failed for another reason; says what to do.
        """
        self._wait()
        self._seen = True
        error = self._runtime.error
        if error is None:
            return self
        if isinstance(error, RayStreamingError):
            raise error.with_traceback(None)  # our own frames tell nothing
        where = "".join(f" ({note})" for note in notes_of(error))
        text = hide_secrets(f"{type(error).__name__}: {error}")
        at = raised_at(error)
        mend = (
            f"\n  at {at}\n  mend it there; what may pass by itself should be raised as Retryable"
            if at
            else ""
        )
        raise JobError(f"job {self.name!r} failed: {text}{where}{mend}") from error

    def stop(self) -> None:
        """Take a checkpoint and end; the same command goes on from there. Returns at once."""
        self._runtime.stop()

    def drain(self) -> None:
        """End the input, so that the job finishes. Returns at once."""
        self._runtime.drain()

    def cancel(self) -> None:
        """End without a checkpoint. Returns at once."""
        self._runtime.cancel()

    def status(self) -> JobStatus:
        """Return what can be told about the job now."""
        return self._runtime.status()

    def metrics(self) -> dict[str, Any]:
        """Return how the job gets on, as plain values: rates, lag, the age of the checkpoint, the bottleneck.

        Rates and shares of time are those since the last call, or since the start. ``operators`` has an entry
        for each chain; `OperatorProgress` says what is in it.

        Example:
            >>> from raystreaming import StreamingContext
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(1, 2).map(lambda n: n * 10).sink()
            >>> metrics = ctx.execute("tens").metrics()
            >>> metrics["state"], metrics["operators"][0]["records_in"]
            ('finished', 2)
        """
        before, self._measured = self._measured, self._runtime.status()
        return metrics(progress(before, self._measured))

    def result(self) -> list[Any]:
        """Wait, and return the rows of `DataStream.collect`.

        Raises:
            GraphError: The job has no ``collect()``, or several.
            RayStreamingError: The job failed.
        """
        self.wait()
        if len(self._collected) != 1:
            raise GraphError(
                f"job {self.name!r} has {len(self._collected)} collect() sinks; result() needs exactly one: "
                f"end one stream with .collect()"
            )
        return self._collected[0]

    def _wait(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            self._runtime.wait()
            return
        before = {s: signal.signal(s, self._interrupted) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            if interrupts.take():
                self._interrupted(signal.SIGINT, None)
            # In steps: a signal that comes just before the lock is taken interrupts no wait.
            show = ProgressLine if is_wanted(sys.stderr) else ProgressLog
            with show(self._runtime.status) as shown:
                while not self._runtime.wait(0.5):
                    shown.look()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += 1
        if self._interrupts > 2:  # a user function does not return: nothing else can end it
            os._exit(128 + number)
        elif self._interrupts == 2:
            self._say("ending at once; Ctrl-C again if a function does not return")
            self.cancel()
        elif self._drain_on_interrupt:
            self._say("draining; Ctrl-C again ends at once")
            self.drain()
        else:
            self._say("stopping: taking a checkpoint; Ctrl-C again ends at once")
            self.stop()

    _interrupts = 0

    def _say(self, text: str) -> None:
        say(text, logging.INFO, self.name)

    def _script_ended(self) -> None:
        """Hold the interpreter until the job is over; a failure nobody saw sets the exit status."""
        if self._seen:
            return
        try:
            self.wait()
        except RayStreamingError as error:
            say(f"job {self.name!r} failed: {report(error)}", job=self.name)
            atexit.register(_exit_with_failure)


def report(error: BaseException) -> str:
    """Return an error for people: the message, and the user's own frames if their code raised."""
    text = "".join([str(error), *(f"\n  {note}" for note in notes_of(error))])
    if remote := getattr(error, "remote_frames", ""):  # those of a worker on another machine
        return f"{text}\n{remote}"
    cause = error.__cause__
    if isinstance(error, OperatorError) and cause is not None:
        frames = traceback.extract_tb(cause.__traceback__)
        own = [f for f in frames if is_users(f)]
        text = "\n".join([text, "".join(traceback.format_list(own))]).rstrip()
    return text


def _at_script_end(call: Callable[[], None]) -> None:
    # Runs in the main thread before threads are joined, where Ctrl-C can still be handled; without
    # it the loop thread, no daemon, holds the interpreter just the same.
    register = getattr(threading, "_register_atexit", None)
    if register is not None:
        register(call)


def _exit_with_failure() -> None:
    # Nothing but os._exit can set the status this late; what others have registered comes first.
    atexit.unregister(_exit_with_failure)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)
