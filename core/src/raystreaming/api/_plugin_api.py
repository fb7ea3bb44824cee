"""The methods that installed plugins add to contexts and streams, as type checkers see them.

At run time there is nothing here: `StreamingContext.__getattr__` and `DataStream.__getattr__` ask the
registry. Checkers see our own connectors, each with the signature of its class; one that is not installed
is `Any`. Connectors of others are typed by ``ctx.source(...)``, ``stream.sink(...)``, ``stream.apply(...)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from raystreaming.api.stream import DataStream, StreamSink
    from raystreaming.connector.sink import Sink
    from raystreaming.connector.source import Source
    from raystreaming.plugins.builtin.collect import CollectSink
    from raystreaming.plugins.builtin.collection import CollectionSource
    from raystreaming.plugins.builtin.function import FunctionSink
    from raystreaming.plugins.builtin.print import PrintSink
    from raystreaming_files import FilesSink, FilesSource
    from raystreaming_hadoop import HadoopSink, HadoopSource
    from raystreaming_java.streams import JavaStream
    from raystreaming_kafka import KafkaSink, KafkaSource

    P = ParamSpec("P")
    T = TypeVar("T")

    class ReadMethod(Generic[P, T]):
        """``ctx.read_<name>``: takes what the source's class takes, and returns its stream."""

        def __init__(self, cls: Callable[P, Source[T]]) -> None: ...

        def __get__(self, obj: Any, owner: Any = None) -> Callable[P, DataStream[T]]: ...

    class WriteMethod(Generic[P]):
        """``stream.write_<name>``: takes what the sink's class takes."""

        def __init__(self, cls: Callable[P, Sink[Any]]) -> None: ...

        def __get__(self, obj: Any, owner: Any = None) -> Callable[P, StreamSink]: ...

    class PluginSources:
        """Sources of our own plugins."""

        read_collection = ReadMethod(CollectionSource[Any])
        read_files = ReadMethod(FilesSource)
        read_hadoop = ReadMethod(HadoopSource)
        read_kafka = ReadMethod(KafkaSource)

        def from_java(self, name: str, /, *arguments: Any, **options: Any) -> JavaStream: ...

    class PluginSinks:
        """Sinks of our own plugins."""

        write_collect = WriteMethod(CollectSink)
        write_files = WriteMethod(FilesSink)
        write_function = WriteMethod(FunctionSink)
        write_hadoop = WriteMethod(HadoopSink)
        write_kafka = WriteMethod(KafkaSink)
        write_print = WriteMethod(PrintSink)

        def as_java_stream(self, schema: Any = None) -> JavaStream: ...

else:

    class PluginSources:
        """What plugins add is found when it is asked for."""

    class PluginSinks:
        """What plugins add is found when it is asked for."""
