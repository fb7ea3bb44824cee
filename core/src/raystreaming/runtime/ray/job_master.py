"""`JobMaster`: the actor of one job that drivers and the command line talk to."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence

import ray

from raystreaming.observe.notices import log
from raystreaming.observe.status import JobStatus
from raystreaming.runtime.ray import files, names
from raystreaming.runtime.ray.awake import AwakeClock
from raystreaming.runtime.ray.board import Board
from raystreaming.runtime.ray.cluster import node_address
from raystreaming.runtime.ray.crew import kill
from raystreaming.runtime.ray.job_run import JobRun
from raystreaming.runtime.ray.messages import JobView, Said, Wish
from raystreaming.runtime.ray.metrics import JobMetrics
from raystreaming.runtime.ray.options import RayOptions
from raystreaming.runtime.ray.shipping import Failure, Installed, check_dists, unpack_job

METRICS_EVERY = 1.0
"""Seconds between two updates of the metrics; workers are asked as often."""

LINGER = 10.0
"""Seconds the master waits after the end for its driver to ask how it went."""

LINGER_DETACHED = 600.0
"""The same for people, where the job has no driver."""


class JobMaster:
    """Runs one job.

    Args:
        job: Its name.
        sent: By what name all of it was sent.
        dists: The driver's versions of what its connectors come from.
        options: Options of the runtime.
    """

    def __init__(self, job: str, sent: str, dists: Mapping[str, Installed], options: RayOptions) -> None:
        self._job = job
        self._options = options
        self._board = Board()
        self._run: JobRun | None = None
        self._failure: Failure | None = None
        self._wishes: list[Wish] = []
        self._clock = AwakeClock()
        self._contact = self._clock()
        self._released = threading.Event()
        log.addHandler(ToBoard(self._board.say))
        log.setLevel(logging.INFO)
        log.propagate = False
        threading.Thread(target=self._main, args=(sent, dists), name="master", daemon=True).start()

    def follow(
        self, line: int, state: str, wishes: Sequence[Wish], wait: float, driver: bool = True
    ) -> JobView:
        """Return how the job is, once there is news.

        Args:
            line: Lines before this one are known.
            state: The state that is known.
            wishes: What is to be done; safe to repeat.
            wait: Seconds to wait for news.
            driver: Whether it is the job's driver that asks.
        """
        self._contact = self._clock() if driver else self._contact
        for wish in wishes:
            self._wish(wish)
        next_line, lines = self._board.wait(state, line, wait)
        self._contact = self._clock() if driver else self._contact
        over = self._board.over
        rows = self._run.rows() if over and self._run is not None else ()
        return JobView(
            self._status(),
            self._board.was_running,
            over,
            self._failure,
            next_line,
            lines,
            os.getpid(),
            rows,
            self._options.detach,
        )

    def driver_silent(self) -> float | None:
        """Return for how many seconds no driver has asked; None if the job runs detached."""
        if self._options.detach:
            return math.inf if self._board.over else None
        return self._clock() - self._contact

    def release(self) -> None:
        """Let the master go once the job is over: everything has been said."""
        self._released.set()

    def _status(self) -> JobStatus:
        return JobStatus(self._job, self._board.state) if self._run is None else self._run.status()

    def _wish(self, wish: Wish) -> None:
        if wish not in self._wishes:
            self._wishes.append(wish)
            if self._run is not None:
                self._run.grant(wish)

    def _main(self, sent: str, dists: Mapping[str, Installed]) -> None:
        """Run the job; the body of the master's thread."""
        state = "failed"
        try:
            check_dists(dists, node_address())  # first: unpacking imports them
            packed = files.fetch_bytes(self._job, sent)
            run = JobRun(unpack_job(packed), packed, dists, self._options, self._board, self._driver_is_gone)
            self._run = run
            threading.Thread(target=self._measure, name="metrics", daemon=True).start()
            for wish in list(self._wishes):
                run.grant(wish)
            state = run.run(_died_before())
        except BaseException as error:
            self._failure = Failure.of(error)
        self._board.show(state, over=True)
        self._released.wait(LINGER_DETACHED if self._options.detach else LINGER)
        files.forget(self._job)
        kill(names.find(names.master_name(self._job)))

    def _measure(self) -> None:
        """Export metrics once a second; the body of a thread."""
        metrics = JobMetrics(self._job)
        while not self._board.over:
            time.sleep(METRICS_EVERY)
            metrics.update(self._status())

    def _driver_is_gone(self) -> bool:
        silent = self.driver_silent()
        return silent is not None and silent > self._options.lease


def _died_before() -> bool:
    """Return whether this is not the first process of this actor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the property calls what Ray has deprecated
        return bool(ray.get_runtime_context().was_current_actor_reconstructed)


class ToBoard(logging.Handler):
    """Shows lines for people on the board."""

    def __init__(self, say: Callable[[Said], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(Said.of(record))
