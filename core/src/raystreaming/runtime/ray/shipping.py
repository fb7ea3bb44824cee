"""What travels between driver, master and workers: the job itself, and errors."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import os
import pickle
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any, NamedTuple

import cloudpickle
import ray

from raystreaming.connector.job_file import JobFile
from raystreaming.errors import GraphError, JobError, PluginError, RayStreamingError, Retryable, notes_of
from raystreaming.graph import LogicalOperator
from raystreaming.operators.user_function import is_users
from raystreaming.plugins.hookspecs import GROUP
from raystreaming.runtime.ray import files
from raystreaming.runtime.ray.cluster import node_address
from raystreaming.runtime.spec import JobSpec


class _Packer(cloudpickle.Pickler):  # type: ignore[misc]
    """Packs a job, with names in the place of its files."""

    def __init__(self, out: io.BytesIO, job: str) -> None:
        super().__init__(out)
        self._job = job
        self.files: dict[str, JobFile] = {}

    def reducer_override(self, obj: Any) -> Any:
        """Called by pickle for everything that is not plain data."""
        if type(obj) is not JobFile:
            return super().reducer_override(obj)
        sha256 = hashlib.sha256(obj.path.read_bytes()).hexdigest()
        self.files[sha256] = obj
        return files.fetch, (self._job, sha256, obj.path.suffix)


def pack_job(spec: JobSpec) -> tuple[bytes, list[JobFile]]:
    """Return a job as bytes, and the files that are to be sent beside.

    Raises:
        GraphError: Names every operator whose function or options cannot travel, and why.
    """
    out = io.BytesIO()
    packer = _Packer(out, spec.name)
    try:
        packer.dump((os.getcwd(), spec))
    except Exception as error:
        problems = [p for op in spec.graph.with_dead_letters if (p := _cannot_travel(op))]
        raise GraphError(
            f"job {spec.name!r} cannot be sent to Ray's workers: "
            + ("; ".join(problems) or f"{type(error).__name__}: {error}")
            + ". Open files, locks and connections in open() of a function class, or inside the function"
        ) from error
    return out.getvalue(), list(packer.files.values())


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


class Installed(NamedTuple):
    """A distribution as it is installed, and the package of it that a job uses."""

    version: str
    editable: bool
    package: str


def dists_of(spec: JobSpec) -> dict[str, Installed]:
    """Return the distributions of the job's sources, sinks, operators and languages."""
    operators = spec.graph.with_dead_letters
    parts = [*(op.source or op.sink or op.applied for op in operators), *spec.graph.languages.values()]
    packages = {type(part).__module__.split(".")[0] for part in parts} - {"builtins", "__main__"}
    if not packages:
        return {}
    known = {package: set(dists) for package, dists in metadata.packages_distributions().items()}
    for entry in metadata.entry_points(group=GROUP):  # an editable distribution does not list its packages
        if entry.dist is not None:
            known.setdefault(entry.module.split(".")[0], set()).add(entry.dist.name)
    return {
        dist: Installed(metadata.version(dist), _is_editable(dist), package)
        for package in sorted(packages)
        for dist in sorted(known.get(package, ()))
    }


def _is_editable(dist: str) -> bool:
    """Return whether a distribution is a link to its sources: what installed it says so in PEP 610's file."""
    text = metadata.distribution(dist).read_text("direct_url.json")
    return text is not None and bool(json.loads(text).get("dir_info", {}).get("editable"))


def check_dists(dists: Mapping[str, Installed], node: str) -> None:
    """Refuse a node whose packages are not the driver's; an editable one may be sent along as mere modules.

    Raises:
        PluginError: Names every distribution that is missing or of another version.
    """
    problems: list[str] = []
    advice = ""
    for dist, (version, editable, package) in dists.items():
        here = _version(dist)
        if here == version or (here is None and editable and importlib.util.find_spec(package) is not None):
            continue
        if editable:
            advice = ', or send the folder of an editable one along: runtime_env={"py_modules": [...]}'
        driver = f"{dist} {version}{', editable' if editable else ''} on the driver"
        problems.append(f"{driver}, {here or 'not installed'} on node {node}")
    if problems:
        raise PluginError(
            "; ".join(problems) + ": install the driver's versions there, in the node's image or through "
            f'runtime_env={{"pip": [...]}}{advice}'
        )


def _version(dist: str) -> str | None:
    try:
        return metadata.version(dist)
    except metadata.PackageNotFoundError:
        return None


class RemoteCause(Exception):
    """What a worker's code raised: its traceback, as text."""


@dataclass(frozen=True)
class Failure:
    """An error on its way to the driver.

    Attributes:
        error: The error, pickled; None where pickle refuses it.
        text: The error in words.
        frames: The user's own frames, as tracebacks show them.
        trace: The traceback of its cause; empty if it has none.
        retryable: Whether a restart from the last checkpoint may help.
    """

    error: bytes | None
    text: str
    frames: str
    trace: str
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
            _trace(error.__cause__),
            isinstance(error, Retryable),
        )

    def to_error(self) -> BaseException:
        """Return the error as it was raised, as far as possible."""
        error: BaseException = JobError(self.text)
        if self.error is not None:
            error = pickle.loads(self.error)
        error.remote_frames = self.frames  # type: ignore[attr-defined]
        if self.trace:
            error.__cause__ = RemoteCause(self.trace)
        return error


def _trace(cause: BaseException | None) -> str:
    if isinstance(cause, RemoteCause):  # it has come from a worker to the master
        return str(cause)
    return "" if cause is None else "".join(traceback.format_exception(cause))
