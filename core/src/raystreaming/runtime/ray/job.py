"""`RayJob`: a job on Ray, as the program that submitted it holds it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from typing import cast

import ray
from ray.exceptions import (
    ActorAlreadyExistsError,
    ActorDiedError,
    ActorUnavailableError,
    GetTimeoutError,
    RayError,
)

from raystreaming.errors import JobError, JobLocked
from raystreaming.observe.notices import about, log
from raystreaming.observe.status import JobStatus
from raystreaming.plugins.builtin.collect import CollectSink
from raystreaming.runtime.ray import files, names
from raystreaming.runtime.ray.cluster import actor, connect
from raystreaming.runtime.ray.crew import kill
from raystreaming.runtime.ray.job_master import JobMaster
from raystreaming.runtime.ray.messages import JobView, Wish
from raystreaming.runtime.ray.options import RayOptions
from raystreaming.runtime.ray.shipping import dists_of, pack_job
from raystreaming.runtime.spec import JobSpec

FOLLOW_WAIT = 0.5
"""Seconds the master waits for news before it answers."""

DRIVER_SILENT = 2.5
"""A driver that has not asked for so many seconds is dead: another run of the job may replace it."""

MASTER_PATIENCE = 30.0
"""Seconds to wait for a master that neither answers nor, as far as Ray knows, is being started again."""

GROUPS = {"drivers": 8}


class Follower:
    """Follows a job from its master; the same for the program that submitted it and the command line.

    Args:
        job: The job's name.
        master: Its master.
        drives: Whether this is the job's program, without which a job that is not detached ends.

    Attributes:
        view: What the master said last; None before it has.
    """

    def __init__(self, job: str, master: object, drives: bool = True) -> None:
        self.job = job
        self.view: JobView | None = None
        self.wishes: list[Wish] = []
        self._master = master
        self._drives = drives

    def ask(self, wait: float = FOLLOW_WAIT) -> JobView:
        """Ask the master for news; its death is waited out while Ray starts it again.

        Raises:
            JobError: There is no master any more.
        """
        view = self.view
        line, state = (0, "") if view is None else (view.next_line, view.status.state)
        silent_since: float | None = None
        while True:
            try:
                call = self._master.follow.options(concurrency_group="drivers")  # type: ignore[attr-defined]
                news = call.remote(line, state, tuple(self.wishes), wait, self._drives)
                self.view = told = cast("JobView", ray.get(news, timeout=wait + 5))
            except ActorUnavailableError:  # Ray starts it again, as often as it must, or says that it is dead
                silent_since = None
            except GetTimeoutError as error:
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > MASTER_PATIENCE:
                    raise JobError(f"job {self.job!r}: its master does not answer: {error}") from error
            except RayError as error:
                raise JobError(f"job {self.job!r}: its master is gone: {error}") from error
            else:
                return told
            line, state = 0, ""  # another process, another count
            time.sleep(0.2)

    def release(self) -> None:
        """End the master: the job is over, and everything is known."""
        kill(self._master)
        files.forget(self.job)


class RayJob:
    """A job that runs on Ray.

    Args:
        spec: The job.
        address: Where the cluster is.
        options: Options of the runtime.
        collecting: Sinks whose rows come back to this process.

    Raises:
        RayStreamingError: The job cannot start.
    """

    def __init__(
        self, spec: JobSpec, address: str | None, options: RayOptions, collecting: Sequence[CollectSink]
    ) -> None:
        # A cluster of this program's own would end with it, and a detached job with that.
        connect(address or ("auto" if options.detach and "RAY_ADDRESS" not in os.environ else None))
        self._options = options
        self._collecting = collecting
        self._over = threading.Event()
        self.error: BaseException | None = None
        for sink in collecting:
            sink.ship()
        packed, needed = pack_job(spec)
        replace_dead(spec.name)
        try:
            files.send(spec.name, needed)
            sent = files.send_bytes(spec.name, packed)
            self._follower = Follower(spec.name, _start_master(spec, sent, options))
            while not (view := self._news()).was_running and not view.over:
                pass
        except ActorAlreadyExistsError as error:  # another program was a moment faster: it is that one's job
            raise _locked(spec.name) from error
        except BaseException:  # Ctrl-C, say: nobody would follow the job
            end_all(spec.name)
            raise
        if view.over:
            self._end(view)
            if self.error is not None:
                raise self.error
        elif options.detach:
            self._over.set()
            log.info(
                "job %r runs detached at %s: `raystreaming status`, `logs` and `stop` take its name",
                spec.name,
                ray.get_runtime_context().gcs_address,
                extra=about(spec.name),
            )
        else:
            threading.Thread(target=self._follow, name=f"{spec.name} driver").start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job is over; return whether it is."""
        return self._over.wait(timeout)

    def stop(self) -> None:
        """Take a checkpoint and end; the same command goes on from there."""
        self._follower.wishes.append("stop")

    def drain(self) -> None:
        """End the input, so that the job finishes."""
        self._follower.wishes.append("drain")

    def cancel(self) -> None:
        """End at once, without a checkpoint."""
        self._follower.wishes.append("cancel")

    def status(self) -> JobStatus:
        """Return what can be told about the job now."""
        view = self._follower.view
        assert view is not None, "a job that was submitted has been running"
        return view.status

    def _follow(self) -> None:
        """Follow the job to its end; the body of this job's thread."""
        try:
            while not (view := self._news()).over:
                pass
            self._end(view)
        except BaseException as error:
            self.error = error
        finally:
            self._over.set()

    def _news(self) -> JobView:
        view = self._follower.ask()
        for said in view.lines:
            said.log(self._follower.job)
        return view

    def _end(self, view: JobView) -> None:
        for sink, rows in zip(self._collecting, view.rows, strict=False):
            sink.rows.extend(rows)
        if view.failure is not None:
            self.error = view.failure.to_error()
        self._follower.release()
        self._over.set()


def replace_dead(job: str) -> None:
    """End what is left of a run of this job whose driver has died.

    Raises:
        JobLocked: The job is alive.
    """
    master = names.find(names.master_name(job))
    deadline = time.monotonic() + MASTER_PATIENCE
    while master is not None and time.monotonic() < deadline:
        try:
            call = master.driver_silent.options(concurrency_group="drivers")
            silent: float | None = ray.get(call.remote(), timeout=5)
        except ActorDiedError:
            break
        except (ActorUnavailableError, GetTimeoutError):
            time.sleep(0.2)
            continue
        if silent is None:
            raise JobLocked(
                f"job {job!r} runs detached on this cluster: stop it first with "
                f"`raystreaming stop {job}`, or give this job another name"
            )
        if silent > DRIVER_SILENT:
            break
        if silent < FOLLOW_WAIT + 0.2 and time.monotonic() > deadline - MASTER_PATIENCE + DRIVER_SILENT:
            raise _locked(job)
        time.sleep(0.2)
    end_all(job)
    while names.find(names.master_name(job)) is not None and time.monotonic() < deadline:
        time.sleep(0.02)


def _locked(job: str) -> JobLocked:
    return JobLocked(
        f"job {job!r} runs on this cluster already: stop that program first, or give this job another name"
    )


def _start_master(spec: JobSpec, sent: str, options: RayOptions) -> object:
    started: object = (
        actor(JobMaster, GROUPS)
        .options(
            name=names.master_name(spec.name),
            namespace=names.NAMESPACE,
            lifetime="detached",
            max_restarts=-1,
            max_task_retries=0,
            num_cpus=0,
            **({"runtime_env": dict(options.runtime_env)} if options.runtime_env else {}),
        )
        .remote(spec.name, sent, dists_of(spec), options)
    )
    return started


def end_all(job: str) -> None:
    """End the master and the workers of a job at once."""
    for handle in (names.find(names.master_name(job)), *names.workers(job).values()):
        kill(handle)
    files.forget(job)
