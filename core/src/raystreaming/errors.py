"""The exception tree. Every message says what failed, where, why, and what to do about it."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = [
    "CheckpointDamaged",
    "CheckpointError",
    "CheckpointNotWritten",
    "ConnectorError",
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
    "nearest",
    "notes_of",
    "ray_needed",
    "short_repr",
]


class RayStreamingError(Exception):
    """Base of everything raystreaming raises on purpose."""


class OptionError(RayStreamingError, TypeError):
    """One or more options of a connector are wrong; all of them are listed."""

    def __init__(self, owner: str, problems: Sequence[str]) -> None:
        self.owner = owner
        self.problems = tuple(problems)
        super().__init__(owner, self.problems)

    def __str__(self) -> str:
        return f"{self.owner}: " + "; ".join(self.problems)


class GraphError(RayStreamingError):
    """The program describes a job that cannot run (found before anything starts)."""


class PluginError(RayStreamingError):
    """A plugin cannot be used."""


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


class WorkerLost(Retryable):
    """A worker of the job died, or does not answer; the job restarts from its last checkpoint."""


class Terminal(ConnectorError):
    """Trying again cannot help; the job fails at once."""


class CheckpointError(RayStreamingError):
    """A checkpoint could not be written, read or used."""


class CheckpointNotWritten(CheckpointError, Retryable):
    """A file of a checkpoint could not be written; the job restarts, a limited number of times."""


class CheckpointDamaged(CheckpointError):
    """A file of a checkpoint is missing or its content does not match its checksum."""


class JobLocked(CheckpointError):
    """Another live run owns the checkpoint directory of this job, or has taken it over."""


class JobError(RayStreamingError):
    """The job failed; the reason is the ``__cause__``."""


class OperatorError(JobError):
    """A function of the user raised; names the operator, the user's line and the record."""


class TransferError(JobError):
    """A record cannot be sent to another worker, because it cannot be pickled."""


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


def nearest(wrong: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for a near miss, else an empty string."""
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


_short = reprlib.Repr()
_short.maxlevel = 4
_short.maxdict = _short.maxlist = _short.maxtuple = _short.maxset = 20
_short.maxstring = _short.maxother = _short.maxlong = 120


def short_repr(value: Any, length: int) -> str:
    """Return ``repr(value)`` cut to `length` characters, without rendering all of a huge value."""
    text = _short.repr(value)
    return text if len(text) <= length else text[: length - 3] + "..."
