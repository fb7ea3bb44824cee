"""``raystreaming jobs``, ``status``, ``logs`` and ``stop``: jobs that run on a Ray cluster."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from raystreaming.api.job import report
from raystreaming.cli.parsers import Commands, add_command, print_table
from raystreaming.errors import ray_needed
from raystreaming.observe.notices import say, show_notices
from raystreaming.observe.progress import line, progress, short_number, table

if TYPE_CHECKING:
    from raystreaming.runtime.ray.messages import JobView, Wish

BETWEEN = 1.5
"""Seconds between two looks at a job that rates are computed from; workers are asked every second."""


_JOBS = """
    examples:
      raystreaming jobs
      raystreaming jobs --ray 10.0.0.5:6379
"""
_STATUS = """
    Rates and shares of time are those of the last second or so. The exit
    status is 1 if the job has failed.

    examples:
      raystreaming status events-to-parquet
      watch raystreaming status events-to-parquet
"""
_LOGS = """
    The exit status is 1 if the job has failed.

    examples:
      raystreaming logs events-to-parquet
      raystreaming logs --follow events-to-parquet
"""
_STOP = """
    The same `raystreaming run --ray` goes on from the checkpoint it takes.

    examples:
      raystreaming stop events-to-parquet
      raystreaming stop --drain events-to-parquet   ends the input: it finishes
"""


def add_to(commands: Commands) -> None:
    """Add the commands to a parser."""
    _add(commands, "jobs", "list the jobs of a Ray cluster", _JOBS, show_jobs, named=False)
    _add(commands, "status", "show how a job on Ray gets on, by operator", _STATUS, show_status)
    logs = _add(commands, "logs", "show what a job on Ray has said", _LOGS, show_logs)
    logs.add_argument("--follow", action="store_true", help="go on until the job is over")
    stop = _add(commands, "stop", "end a job on Ray with a checkpoint, to go on from later", _STOP, stop_job)
    how = stop.add_mutually_exclusive_group()
    how.add_argument("--drain", action="store_true", help="end its input instead: the job is finished")
    how.add_argument("--cancel", action="store_true", help="end it at once, without a checkpoint")


def _add(
    commands: Commands,
    name: str,
    what: str,
    epilog: str,
    command: Callable[[argparse.Namespace], int],
    named: bool = True,
) -> argparse.ArgumentParser:
    parser = add_command(commands, name, what, epilog)
    if named:
        parser.add_argument("name", metavar="NAME", help="the job")
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="the cluster; by default the one of RAY_ADDRESS, else the one on this machine",
    )
    parser.set_defaults(command=command)
    return parser


def show_jobs(options: argparse.Namespace) -> int:
    """Print a line per job."""
    _join(options.ray)
    from raystreaming.runtime.ray import lookup

    rows: list[tuple[Any, ...]] = [("job", "state", "tasks", "lag", "checkpoint", "restarts")]
    for status in lookup.statuses():
        lag = "-" if status.lag is None else short_number(status.lag)
        rows.append((status.job, status.state, len(status.tasks), lag, status.checkpoint, status.restarts))
    if len(rows) == 1:
        print("no job runs on this cluster")
        return 0
    print_table(rows)
    return 0


def show_status(options: argparse.Namespace) -> int:
    """Print a job's line and a table of its operators, from two looks a moment apart."""
    _join(options.ray)
    from raystreaming.runtime.ray import lookup

    follower = lookup.find(options.name)
    view = follower.ask(wait=0)
    before = view.status
    if not view.over:
        time.sleep(BETWEEN)
        view = follower.ask(wait=0)
    told = progress(before, view.status)
    print(line(told))
    print(table(told))
    return _exit_status(view)


def show_logs(options: argparse.Namespace) -> int:
    """Print the lines of a job, and those that come."""
    _join(options.ray)
    from raystreaming.runtime.ray import lookup

    follower = lookup.find(options.name)
    while True:
        view = follower.ask()
        for said in view.lines:
            print(said.line, flush=True)
        if view.over or not options.follow:
            return _exit_status(view)


def stop_job(options: argparse.Namespace) -> int:
    """End a job, and say how it ended."""
    _join(options.ray)
    from raystreaming.runtime.ray import lookup

    wish: Wish = "drain" if options.drain else "cancel" if options.cancel else "stop"
    follower = lookup.find(options.name, [wish])
    show_notices()
    while True:
        view = follower.ask()
        for said in view.lines:
            said.log(options.name)
        if view.over:
            break
    print(f"job {options.name!r} is {view.status.state}: checkpoint {view.status.checkpoint}")
    if view.detached:  # else its driver does, when it knows
        follower.release()
    return _exit_status(view)


def _join(address: str | None) -> None:
    with ray_needed():
        from raystreaming.runtime.ray import lookup
    lookup.join(address)


def _exit_status(view: JobView) -> int:
    if view.failure is None:
        return 0
    say(f"error: {report(view.failure.to_error())}", job=view.status.job)
    return 1
