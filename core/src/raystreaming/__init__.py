"""raystreaming: stream processing in plain Python, exactly once, with pluggable connectors."""

from __future__ import annotations

from raystreaming.api.context import StreamingContext
from raystreaming.api.environment import Conf, Environment
from raystreaming.api.job import Job
from raystreaming.api.on_error import dead_letter, retry
from raystreaming.api.stream import DataStream, KeyedStream
from raystreaming.connector.function import (
    Collector,
    FilterFunction,
    FlatMapFunction,
    KeyFunction,
    MapFunction,
    ReduceFunction,
    SinkFunction,
    SourceFunction,
)
from raystreaming.errors import JobError, RayStreamingError
from raystreaming.operators.aggregates import Aggregate, count, max_, mean, min_, sum_
from raystreaming.records import Tagged

__version__ = "0.1.0"

__all__ = [
    "Aggregate",
    "Collector",
    "Conf",
    "DataStream",
    "Environment",
    "FilterFunction",
    "FlatMapFunction",
    "Job",
    "JobError",
    "KeyFunction",
    "KeyedStream",
    "MapFunction",
    "RayStreamingError",
    "ReduceFunction",
    "SinkFunction",
    "SourceFunction",
    "StreamingContext",
    "Tagged",
    "__version__",
    "count",
    "dead_letter",
    "max_",
    "mean",
    "min_",
    "retry",
    "sum_",
]
