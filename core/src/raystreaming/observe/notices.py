"""Short lines for people, or for programs: through `logging`, and even where nobody configured it."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Mapping
from datetime import datetime, timezone
from types import TracebackType
from typing import Any

from raystreaming.errors import hide_secrets
from raystreaming.observe.wanted import check_environment, wants_json

log = logging.getLogger("raystreaming")

_ABOUT = ("job", "operator", "task")


def about(
    job: str | None = None, operator: str | None = None, task: int | None = None, **more: Any
) -> dict[str, Any]:
    """Return the ``extra`` of a log call: what the line is about, as JSON lines have it."""
    return {"job": job, "operator": operator, "task": task, "more": more}


def subject(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line is about: job, operator and task, None where that is not known."""
    return {name: getattr(record, name, here.about.get(name)) for name in _ABOUT}


class _Here(threading.local):
    """What a thread is working for; lines say so that are not about something else."""

    about: Mapping[str, Any] = {}


here = _Here()


class _ToStderr(logging.Handler):
    """Writes to what ``sys.stderr`` is at that moment: where a progress line is shown, it makes way."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except Exception:
            self.handleError(record)


class _JsonFormatter(logging.Formatter):
    """One JSON object on a line, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **subject(record),
            "message": hide_secrets(record.getMessage()),
            **getattr(record, "more", {}),
        }
        if record.exc_info:
            line["traceback"] = hide_secrets(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


def show_notices() -> None:
    """Make notices visible on stderr: as text unless the program has configured logging, as JSON always.

    Raises:
        OptionError: The environment has a wrong value.
    """
    check_environment()
    if wants_json():
        _show_json()
    elif not (logging.getLogger().handlers or log.handlers or log.level):
        _add(log, logging.Formatter("%(message)s"))


def _add(logger: logging.Logger, formatter: logging.Formatter) -> None:
    handler = _ToStderr()
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    log.setLevel(logging.INFO)


def _show_json() -> None:
    """Have all that is logged, warned of and not caught in this process written as JSON lines."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, _JsonFormatter) for handler in root.handlers):
        return
    for handler in list(root.handlers):
        if isinstance(handler, logging.StreamHandler) and handler.stream in (sys.stderr, sys.stdout):
            root.removeHandler(handler)  # it writes the same on lines that are no JSON
    _add(root, _JsonFormatter())
    logging.captureWarnings(True)
    sys.excepthook = _not_caught
    threading.excepthook = lambda args: _not_caught(
        args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback
    )


def _not_caught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    log.critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))


def say(text: str, level: int = logging.ERROR, job: str | None = None) -> None:
    """Tell people something on stderr whatever the program has configured: as JSON if that is wanted."""
    if wants_json():
        _show_json()
        log.log(level, "%s", text, extra=about(job))
    else:
        print(text, file=sys.stderr)
