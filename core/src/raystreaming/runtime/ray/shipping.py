"""What travels between driver, master and workers: the job itself, and errors."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

import cloudpickle
import ray

from raystreaming.errors import GraphError, JobError, PluginError, RayStreamingError, Retryable, notes_of
from raystreaming.graph import LogicalOperator
from raystreaming.operators.user_function import is_users
from raystreaming.runtime.ray.cluster import node_address
from raystreaming.runtime.spec import JobSpec

PIECE = 64 * 1024
"""Bytes of a job that go into one argument."""

SURVIVES_DRIVER = 8 * 1024 * 1024
"""Bytes that a job may have if its master is to survive its own death without the driver."""


def pack_job(spec: JobSpec) -> bytes:
    """Return a job as bytes.

    Raises:
        GraphError: Names every operator whose function or options cannot travel, and why.
    """
    try:
        packed: bytes = cloudpickle.dumps((os.getcwd(), spec))
    except Exception as error:
        problems = [p for op in spec.graph.operators if (p := _cannot_travel(op))]
        raise GraphError(
            f"job {spec.name!r} cannot be sent to Ray's workers: "
            + ("; ".join(problems) or f"{type(error).__name__}: {error}")
            + ". Open files, locks and connections in open() of a function class, or inside the function"
        ) from error
    return packed


def in_pieces(packed: bytes) -> list[bytes]:
    """Return a packed job as arguments that a restarted master still has when the driver is gone.

    Ray keeps arguments below 100 KB inside the call, up to 10 MB of them. Others are objects of the driver,
    and die with it.
    """
    return [packed[at : at + PIECE] for at in range(0, len(packed), PIECE)]


def _cannot_travel(operator: LogicalOperator) -> str | None:
    """Return why an operator cannot travel, with the function that is to blame; None if it can."""
    cells = getattr(operator.build, "__closure__", None) or ()
    for part in (*(cell.cell_contents for cell in cells), operator.source, operator.sink):
        try:
            cloudpickle.dumps(part)
        except Exception as error:
            code = getattr(part, "__code__", None)
            where = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
            return f"operator {operator.id!r}{where}: {type(error).__name__}: {error}"
    return None


def unpack_job(data: bytes) -> JobSpec:
    """Return the job in bytes made by `pack_job`.

    Relative paths mean on workers what they mean in the program: where its folder exists, and Ray has
    put no `working_dir` in its place, this process goes there.

    Raises:
        JobError: What the job needs cannot be imported here; the original is the ``__cause__``.
    """
    folder: str
    spec: JobSpec
    try:
        folder, spec = cloudpickle.loads(data)
    except Exception as error:
        raise JobError(
            f"the job cannot be loaded on node {node_address()}: {type(error).__name__}: {error}. Modules "
            f"that the program imports must be there: beside the program, installed on the node, "
            f'or sent along with runtime_env={{"working_dir": "."}} (or "py_modules")'
        ) from error
    if os.path.isdir(folder) and "working_dir" not in ray.get_runtime_context().runtime_env:
        os.chdir(folder)
    return spec


def dists_of(spec: JobSpec) -> dict[str, str]:
    """Return the distributions that the job's sources and sinks come from, with their versions."""
    found: dict[str, str] = {}
    modules = {type(op.source or op.sink).__module__.split(".")[0] for op in spec.graph.operators}
    known: Mapping[str, list[str]] = metadata.packages_distributions() if modules else {}
    for module in sorted(modules - {"builtins", "__main__"}):
        for dist in known.get(module, ()):
            found[dist] = metadata.version(dist)
    return found


def check_dists(dists: Mapping[str, str], node: str) -> None:
    """Refuse a node whose packages are not the driver's.

    Raises:
        PluginError: Names every distribution that is missing or of another version.
    """
    problems: list[str] = []
    for dist, version in dists.items():
        try:
            here = metadata.version(dist)
        except metadata.PackageNotFoundError:
            problems.append(f"{dist} {version} on the driver, not installed on node {node}")
            continue
        if here != version:
            problems.append(f"{dist} {version} on the driver, {here} on node {node}")
    if problems:
        raise PluginError(
            "; ".join(problems) + ": install the driver's versions there, in the node's image or through "
            'runtime_env={"pip": [...]}'
        )


@dataclass(frozen=True)
class Failure:
    """An error on its way to the driver.

    Attributes:
        error: The error, pickled; None where pickle refuses it.
        text: The error in words.
        frames: The user's own frames, as tracebacks show them.
        retryable: Whether a restart from the last checkpoint may help.
    """

    error: bytes | None
    text: str
    frames: str
    retryable: bool

    @staticmethod
    def of(error: BaseException) -> Failure:
        """Return an error ready to travel."""
        where = "".join(f" ({note})" for note in notes_of(error))
        pickled = None
        try:
            data = cloudpickle.dumps(error)
            pickle.loads(data)
            pickled = data
        except Exception:  # its text must do
            pickled = None
        cause = error.__cause__ if isinstance(error, RayStreamingError) else error
        frames = [f for f in traceback.extract_tb(cause.__traceback__) if is_users(f)] if cause else []
        return Failure(
            pickled,
            str(error) if isinstance(error, RayStreamingError) else f"{type(error).__name__}: {error}{where}",
            getattr(error, "remote_frames", "") or "".join(traceback.format_list(frames)).rstrip(),
            isinstance(error, Retryable),
        )

    def to_error(self) -> BaseException:
        """Return the error as it was raised, as far as possible."""
        error: BaseException = JobError(self.text)
        if self.error is not None:
            error = pickle.loads(self.error)
        error.remote_frames = self.frames  # type: ignore[attr-defined]
        return error
