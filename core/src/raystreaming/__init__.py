"""raystreaming: stream processing in plain Python, exactly once, with pluggable connectors."""

from __future__ import annotations

from raystreaming.api.context import StreamingContext
from raystreaming.api.job import Job
from raystreaming.api.on_error import dead_letter, retry
from raystreaming.api.stream import DataStream, KeyedStream
from raystreaming.errors import JobError, RayStreamingError

__version__ = "0.1.0"

__all__ = [
    "DataStream",
    "Job",
    "JobError",
    "KeyedStream",
    "RayStreamingError",
    "StreamingContext",
    "__version__",
    "dead_letter",
    "retry",
]
