"""The classes of a job in this process: opened once, however many operators use them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from raystreaming_java.jvm import bridge
from raystreaming_java.settings import JavaSettings


def open_classes(settings: JavaSettings) -> Any:
    """Return the job's classes; call `close` on them once for every call."""
    return bridge(settings).job_classes.open(settings.job, settings.jars)


@contextmanager
def job_classes(settings: JavaSettings) -> Generator[Any, None, None]:
    """Have the job's classes open inside the body."""
    classes = open_classes(settings)
    try:
        yield classes
    finally:
        classes.close()
