"""The exception tree. Every message says what failed, where, why, and what to do about it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Literal, NamedTuple

from raystreaming.errors.text import hide_secrets, is_secret, nearest, short_repr, shown_error, shown_record

FailureKind = Literal["user", "config", "transient", "system"]

__all__ = [
    "CheckpointDamaged",
    "CheckpointError",
    "CheckpointNotWritten",
    "ConnectorError",
    "FailureKind",
    "Fault",
    "GraphError",
    "IncompatiblePlugin",
    "JobError",
    "JobLocked",
    "OperatorError",
    "OptionError",
    "PeerLost",
    "PluginConflict",
    "PluginError",
    "PluginLoadError",
    "RayStreamingError",
    "Retryable",
    "Terminal",
    "TransferError",
    "UnknownConnector",
    "WorkerLost",
    "add_note",
    "hide_secrets",
    "is_secret",
    "nearest",
    "need_arrow",
    "notes_of",
    "ray_needed",
    "short_repr",
    "shown_error",
    "shown_record",
]


class RayStreamingError(Exception):
    """Base of everything raystreaming raises on purpose."""

    failure_kind: ClassVar[FailureKind] = "system"
    """Who mends it: the program's author (``user``), whoever runs it (``config``), time (``transient``)."""


class OptionError(RayStreamingError, TypeError):
    """One or more options of a connector are wrong; all of them are listed."""

    failure_kind = "config"

    def __init__(self, owner: str, problems: Sequence[str]) -> None:
        self.owner = owner
        self.problems = tuple(problems)
        super().__init__(owner, self.problems)

    def __str__(self) -> str:
        return f"{self.owner}: " + "; ".join(self.problems)


class GraphError(RayStreamingError):
    """The program describes a job that cannot run (found before anything starts)."""

    failure_kind = "user"


class PluginError(RayStreamingError):
    """A plugin cannot be used."""

    failure_kind = "config"


class PluginLoadError(PluginError):
    """Importing or registering a plugin raised; the original is the ``__cause__``."""


class PluginConflict(PluginError):
    """Two distributions claim one connector name."""


class IncompatiblePlugin(PluginError):
    """A plugin was made for another version of raystreaming."""


class UnknownConnector(PluginError, AttributeError):
    """No installed plugin provides this name."""


class ConnectorError(RayStreamingError):
    """A source or sink failed. Raise one of the two subclasses."""


class Retryable(ConnectorError):
    """The same call may succeed later; the job restarts from its last checkpoint."""

    failure_kind = "transient"


class WorkerLost(Retryable):
    """A worker of the job died, or does not answer; the job restarts from its last checkpoint."""


class Terminal(ConnectorError):
    """Trying again cannot help; the job fails at once."""

    failure_kind = "config"


class CheckpointError(RayStreamingError):
    """A checkpoint could not be written, read or used."""


class CheckpointNotWritten(CheckpointError, Retryable):
    """A file of a checkpoint could not be written; the job restarts, a limited number of times."""

    failure_kind = "transient"


class CheckpointDamaged(CheckpointError):
    """A file of a checkpoint is missing or its content does not match its checksum."""


class JobLocked(CheckpointError):
    """Another live run owns the checkpoint directory of this job, or has taken it over."""

    failure_kind = "config"


class JobError(RayStreamingError):
    """The job failed; the reason is the ``__cause__``."""


class Fault(NamedTuple):
    """What a function raised, and where in its own code; both as text."""

    error: str
    at: str


class OperatorError(JobError):
    """A function of the user raised; names the operator, the user's line and the record."""

    failure_kind = "user"
    fault: Fault | None = None
    """What the function raised, apart from the message."""


class TransferError(JobError):
    """A record cannot be sent to another worker, because it cannot be pickled."""

    failure_kind = "user"


class PeerLost(Retryable):
    """Another worker of the job cannot be reached, or is gone."""


def add_note(error: BaseException, note: str) -> None:
    """Add a line that tracebacks show below the error (Python 3.11 and later)."""
    notes: list[str] = getattr(error, "__notes__", [])
    if note not in notes:
        error.__notes__ = [*notes, note]  # type: ignore[attr-defined]


def notes_of(error: BaseException) -> list[str]:
    """Return the notes of an error."""
    return list(getattr(error, "__notes__", []))


@contextmanager
def ray_needed() -> Generator[None, None, None]:
    """Say what to install where the body imports Ray and there is none."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise RayStreamingError(
            "jobs on a cluster need Ray, which is not installed: pip install 'raystreaming[ray]'"
        ) from error


def need_arrow(what: str) -> None:
    """Say what to install if there is no pyarrow.

    Raises:
        RayStreamingError: There is none.
    """
    if "pyarrow" not in sys.modules and importlib.util.find_spec("pyarrow") is None:
        raise RayStreamingError(f"{what} needs pyarrow, which is not installed: pip install pyarrow")
