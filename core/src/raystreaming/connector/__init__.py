"""What authors of connectors import: base classes, options and errors."""

from raystreaming.connector.factory import FunctionOperator, OperatorFactory, operator
from raystreaming.connector.inspector import Inspector
from raystreaming.connector.job_file import JobFile
from raystreaming.connector.on_error import DeadLetter, ErrorPolicy, dead_letter, retry
from raystreaming.connector.operator import Operator, OperatorContext
from raystreaming.connector.options import Options, Secret, option
from raystreaming.connector.sink import (
    BatchSink,
    Prepared,
    Sink,
    TwoPhaseSink,
    TwoPhaseWriter,
    Writer,
    WriterContext,
)
from raystreaming.connector.source import (
    Fetched,
    KnownSplit,
    PlanContext,
    Position,
    Reader,
    ReaderContext,
    RecordsSource,
    Source,
    Split,
)
from raystreaming.errors import ConnectorError, OptionError, Retryable, Terminal
from raystreaming.records import Batch, pack, unpack

__all__ = [
    "Batch",
    "BatchSink",
    "ConnectorError",
    "DeadLetter",
    "ErrorPolicy",
    "Fetched",
    "FunctionOperator",
    "Inspector",
    "JobFile",
    "KnownSplit",
    "Operator",
    "OperatorContext",
    "OperatorFactory",
    "OptionError",
    "Options",
    "PlanContext",
    "Position",
    "Prepared",
    "Reader",
    "ReaderContext",
    "RecordsSource",
    "Retryable",
    "Secret",
    "Sink",
    "Source",
    "Split",
    "Terminal",
    "TwoPhaseSink",
    "TwoPhaseWriter",
    "Writer",
    "WriterContext",
    "dead_letter",
    "operator",
    "option",
    "pack",
    "retry",
    "unpack",
]
