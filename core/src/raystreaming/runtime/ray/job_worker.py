"""`JobWorker`: the actor that runs tasks of a job, one attempt after the other.

The master learns everything by asking: a call is parked here at all times, which returns as soon as
there is something to tell, is the sign of life, renews the worker's lease, and fails within
milliseconds if the worker dies.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping

import ray

from raystreaming.observe.notices import log
from raystreaming.runtime import collector
from raystreaming.runtime.ray.awake import AwakeClock
from raystreaming.runtime.ray.cluster import node_address
from raystreaming.runtime.ray.long_turns import take_long_turns
from raystreaming.runtime.ray.messages import (
    Address,
    Event,
    Orders,
    Polled,
    Ready,
    Said,
    StartTasks,
    WorkerReport,
)
from raystreaming.runtime.ray.options import RayOptions
from raystreaming.runtime.ray.shipping import Failure, Installed, check_dists, unpack_job
from raystreaming.runtime.ray.task_run import TaskRun
from raystreaming.runtime.spec import JobSpec
from raystreaming.runtime.transport import Transport, tls_from_environment

PATIENCE = 10.0
"""Seconds a step of a task may take before a worker that is to halt or to report is given up."""

STARTING = 30.0
"""Seconds a worker lives at least before its first poll: importing takes its time on a busy machine."""

LOST_LEASE = 3
"""Exit status of a worker that has not heard of its master for too long."""


class JobWorker:
    """Runs tasks.

    Args:
        name: Its name among the workers of the job.
        job: The job, packed.
        dists: Distributions that the job's connectors are from, with the driver's versions.
        options: Options of the runtime.
    """

    def __init__(self, name: str, job: bytes, dists: Mapping[str, Installed], options: RayOptions) -> None:
        self._name = name
        self._options = options
        self._events: list[Event] = []
        self._first = 0
        self._news = threading.Condition()
        self._clock = AwakeClock()
        self._polled = self._clock()
        self._patience = max(options.lease, STARTING)
        self._spec: JobSpec | None = None
        self._failure: Failure | None = None
        self._transport: Transport | None = None
        self._run: TaskRun | None = None
        threading.Thread(target=self._watch_lease, name="lease", daemon=True).start()
        log.addHandler(_Forward(self._tell))
        log.setLevel(logging.INFO)
        log.propagate = False
        collector.tune()
        take_long_turns()
        try:
            check_dists(dists, node_address())
            self._spec = unpack_job(job)
        except BaseException as error:  # whatever importing the job's modules raises
            self._failure = Failure.of(error)

    # Called by the master, one after the other ---------------------------------------------

    def ready(self) -> Ready:
        """Say that the worker is up, and with what."""
        node = ray.get_runtime_context().get_node_id()
        return Ready(node, node_address(), os.getpid(), self._failure)

    def listen(self, attempt: int, host: str, secret: bytes) -> Address:
        """Open the listener of an attempt, before any peer connects."""
        self._transport = Transport(
            self._name,
            host,
            secret,
            attempt,
            deliver=lambda arrived: self._running.arrived(arrived),
            failed=lambda error: self._running.failed(error),
            buffer_timeout=self._options.buffer_timeout,
            window=self._options.channel_memory,
            tls=tls_from_environment(os.environ),
        )
        return self._transport.address

    def start(self, start: StartTasks) -> Failure | None:
        """Restore and open tasks, and run them; return why that is not possible."""
        assert self._spec is not None, "a worker that is not ready gets no tasks"
        assert self._transport is not None, "a worker listens before it starts"
        try:
            self._run = TaskRun(self._spec, start, self._name, self._transport, self._tell)
        except Exception as error:
            self._transport.close()
            return Failure.of(error)
        return self._run.open()

    def order(self, orders: Orders) -> None:
        """Carry out orders for tasks."""
        if self._run is not None:
            self._run.order(orders)

    def halt(self) -> bool:
        """End the tasks without a checkpoint; return whether the worker can be used again."""
        if self._transport is not None:
            self._transport.close()
        run, self._run = self._run, None
        return run is None or run.halt(PATIENCE)

    def report(self, issuer: str) -> WorkerReport | None:
        """Say how the worker stands to a master that takes over; None if its tasks do not answer."""
        with self._news:
            next_event = self._first + len(self._events)
        run = self._run
        if run is None:
            return WorkerReport("idle", 0, "", next_event, ())
        run.obey(issuer)
        tasks = run.report(PATIENCE)
        if tasks is None:
            return None
        return WorkerReport("running", run.attempt, run.run, next_event, tasks)

    # Called by the master, beside everything else ------------------------------------------

    def poll(self, after: int, wait: float) -> Polled:
        """Return what has happened from event number `after` on, at the latest after `wait` seconds."""
        with self._news:
            self._polled, self._patience = self._clock(), self._options.lease
            del self._events[: max(0, after - self._first)]
            self._first = max(self._first, after)
            self._news.wait_for(lambda: self._events, timeout=wait)
            self._polled = self._clock()
            events = tuple(self._events)
        run = self._run
        tasks, counts = ((), {}) if run is None else (run.status(), run.counts())
        return Polled(after, events, tasks, counts)

    def _tell(self, event: Event) -> None:
        with self._news:
            self._events.append(event)
            self._news.notify_all()

    def _watch_lease(self) -> None:
        while self._clock() - self._polled < self._patience:
            time.sleep(min(1.0, self._options.lease / 4))
        os._exit(LOST_LEASE)

    @property
    def _running(self) -> TaskRun:
        assert self._run is not None, "nothing is connected before the tasks are known"
        return self._run


class _Forward(logging.Handler):
    """Sends lines for people to the master."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(Said.of(record))
