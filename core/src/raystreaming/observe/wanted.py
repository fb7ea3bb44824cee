"""What the environment says about what is to be seen of a job."""

from __future__ import annotations

import os

from raystreaming.errors import OptionError, nearest
from raystreaming.units import seconds

LOG_FORMAT = "RAYSTREAMING_LOG_FORMAT"
FORMATS = ("text", "json")

PROGRESS = "RAYSTREAMING_PROGRESS"

_EVERY = 30.0
"""Seconds between two lines, and before the first: a log is kept."""


def wants_json() -> bool:
    """Return whether lines are to be JSON."""
    return os.environ.get(LOG_FORMAT) == "json"


def progress_interval() -> float | None:
    """Return the seconds between two lines of a log about progress; None: there are none.

    Raises:
        OptionError: It is no duration.
    """
    wanted = os.environ.get(PROGRESS, "")
    if wanted == "0":
        return None
    return seconds(wanted, PROGRESS) if wanted not in ("", "1") else _EVERY


def check_environment() -> None:
    """Refuse wrong values before a job runs.

    Raises:
        OptionError: A variable has one.
    """
    progress_interval()
    wanted = os.environ.get(LOG_FORMAT, "")
    if wanted not in ("", *FORMATS):
        raise OptionError(LOG_FORMAT, [f"must be 'text' or 'json', got {wanted!r}{nearest(wanted, FORMATS)}"])
