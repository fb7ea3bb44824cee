"""`StreamingContext`: where a program begins."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from raystreaming.api import drawing, interrupts, settings
from raystreaming.api._plugin_api import PluginSources
from raystreaming.api.job import Job
from raystreaming.api.language import language
from raystreaming.api.named import named_method
from raystreaming.api.on_error import own_policy, set_policy
from raystreaming.api.partitioned import check_parallelism
from raystreaming.api.stream import DataStream
from raystreaming.connector.function import SourceFunction
from raystreaming.connector.source import Source
from raystreaming.errors import GraphError, OptionError, nearest, ray_needed
from raystreaming.graph import LogicalGraph, LogicalOperator, execution_graph, job_graph
from raystreaming.graph.explain import explain
from raystreaming.observe.notices import show_notices
from raystreaming.plugins.builtin.collect import CollectSink
from raystreaming.plugins.builtin.function_source import FunctionSource
from raystreaming.plugins.registry import registry
from raystreaming.units import seconds, size

if TYPE_CHECKING:
    from raystreaming.graph.draw import Format
    from raystreaming.graph.picture import Level
    from raystreaming.runtime.embedded import EmbeddedJob
    from raystreaming.runtime.ray.job import RayJob

T = TypeVar("T")


class StreamingContext(PluginSources):
    """Builds and runs one job.

    Args:
        checkpoint_dir: Folder below which the job's checkpoints are kept, so that the same command
            goes on after the process has died. None: nothing survives the process.
        checkpoint_interval: Time between two checkpoints, e.g. ``"5s"``; what two-phase sinks write
            becomes visible this often.
        retain_checkpoints: How many checkpoints are kept.
        fresh: Forget the checkpoints of earlier runs (never what they published).
        drain: The first Ctrl-C ends the input (the job is finished) instead of stopping.
        parallelism: As of `set_parallelism`.
        restarts: How often in a row the job restarts by itself from its last checkpoint.
        runtime: ``"embedded"`` or ``"ray"``, where ``address``, ``workers``, ``spares``, ``detach`` and more
            are for (docs/cluster.md).

    Raises:
        OptionError: A setting is unknown or wrong; all are listed.

    Example:
        >>> from raystreaming import StreamingContext
        >>> ctx = StreamingContext()
        >>> rows = ctx.from_values(1, 2, 3).map(lambda x: x * 10).collect()
        >>> ctx.execute("tens").result()
        [10, 20, 30]
    """

    def __init__(self, **values: Any) -> None:
        self._settings = settings.make(values)
        self._graph = LogicalGraph(self._settings.languages)
        self._graph.parallelism = self._settings.parallelism

    class Builder:
        """Builds a context step by step, as Ray Streaming's programs do."""

        def __init__(self) -> None:
            self._values: dict[str, Any] = {}

        def option(self, key: str, value: Any) -> StreamingContext.Builder:
            """Set one setting of the context."""
            self._values[key] = value
            return self

        def build(self) -> StreamingContext:
            """Return the context."""
            return StreamingContext(**self._values)

    def set_parallelism(self, parallelism: int) -> StreamingContext:
        """Set how many tasks the operators have that follow in the program and are not told themselves.

        A source that only one task can read keeps one, and ``key_by`` has those of the stream whose keys it
        finds. Without it an operator has as many tasks as the one before it, and a source has one.
        """
        check_parallelism(parallelism)
        self._graph.parallelism = settings.overriding("parallelism", parallelism)
        return self

    # Sources -----------------------------------------------------------------------------

    def source(self, source: Source[T] | SourceFunction[T], kind: str | None = None) -> DataStream[T]:
        """Read from a source object.

        Args:
            source: The source with its options, or a `SourceFunction`.
            kind: What the operator is called in ids; by default the class's name.
        """
        if isinstance(source, SourceFunction):
            kind = kind or type(source).__name__
            source = cast("Source[T]", FunctionSource(source))
        if not isinstance(source, Source):
            raise GraphError(
                f"ctx.source() takes a Source, got {source!r}: for values use ctx.from_collection(values)"
            )
        operator = LogicalOperator(
            kind or type(source).__name__, source=source, stateful=True, columnar=source.columnar
        )
        if source.parallel:
            operator.parallelism = self._graph.parallelism or 1
        if source.language != "python":
            language(source.language).adopt(self._graph, operator)
        set_policy(self._graph, operator, own_policy(source))
        return DataStream(self._graph, self._graph.add(operator))

    def from_values(self, *values: T) -> DataStream[T]:
        """Read the arguments, in order.

        Example:
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values("a", "b").collect()
            >>> ctx.execute("values").result()
            ['a', 'b']
        """
        return self.source(registry().source("collection")(values), "from_values")

    def from_collection(self, values: Iterable[T]) -> DataStream[T]:
        """Read the elements of a collection, in order; an iterator is read into a list first.

        Example:
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_collection(range(3)).collect()
            >>> ctx.execute("collection").result()
            [0, 1, 2]
        """
        sequence = values if isinstance(values, Sequence) else list(values)
        return self.source(registry().source("collection")(sequence), "from_collection")

    def read_text_file(self, path: str | os.PathLike[str]) -> DataStream[str]:
        """Read the lines of a UTF-8 text file, without their line ends."""
        return self.source(registry().source("text_file")(path), "read_text_file")

    if not TYPE_CHECKING:  # checkers see PluginSources, and find what is mistyped

        def __getattr__(self, name: str) -> Callable[..., Any]:
            """Resolve ``read_<connector>`` and ``from_<language>`` from the installed plugins."""
            if name.startswith("from_"):
                return partial(language(name.removeprefix("from_")).source, self._graph)
            if not name.startswith("read_"):
                public = (n for n in dir(self) if not n.startswith("_"))
                near = "" if name.startswith("_") else nearest(name, public)
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{near}")
            cls = registry().source(name.removeprefix("read_"))
            return named_method(name, cls, lambda source: self.source(source, name), DataStream)

    def __dir__(self) -> Iterable[str]:
        """List the readers of all installed plugins too."""
        readers = (f"read_{n}" for n in registry().names("source"))
        return [*super().__dir__(), *readers, *(f"from_{n}" for n in registry().names("language"))]

    # Running -----------------------------------------------------------------------------

    def explain(self) -> str:
        """Return the job as text: chains, tasks, what each sink guarantees, and on Ray the workers."""
        self._graph.identify()
        chosen = self._settings
        durable = chosen.checkpoint_dir is not None
        text = explain(self._graph, durable)
        if not _wants_ray(chosen):
            return text
        from raystreaming.runtime.ray.explain import explain_placing

        tasks = execution_graph(job_graph(self._graph))
        return f"{text}\n{explain_placing(tasks, chosen.workers, chosen.spares, durable)}"

    def graph(self, level: Level = "logical", format: Format = "text") -> str:
        """Return a picture of the job.

        Args:
            level: ``"logical"``: operators. ``"physical"``: tasks and the channels between them.
            format: ``"text"``, ``"mermaid"``, ``"dot"`` (Graphviz) or ``"svg"``.

        Example:
            >>> ctx = StreamingContext()
            >>> _ = ctx.from_values(1, 2).map(abs).set_parallelism(2).sink(print)
            >>> print(ctx.graph())
            from_values x1
                round robin --> map x2
            map x2
                forward --> sink x2
            sink x2
        """
        from raystreaming.graph.draw import draw  # jobs that run draw nothing

        self._graph.identify()
        return draw(self._graph, level, format)

    def print_logical_graph(self) -> None:
        """Print the operators and the edges between them."""
        print(self.graph("logical"))

    def print_physical_graph(self) -> None:
        """Print the tasks and the channels between them."""
        print(self.graph("physical"))

    def submit(self, name: str = "job") -> Job:
        """Start the job and return at once; the script may end, the job runs to its end.

        Args:
            name: The job's name: letters, digits, ``.``, ``-`` and ``_``. Checkpoints are found
                again by it.

        Raises:
            GraphError: The program cannot run; all reasons are listed.
            CheckpointError: The checkpoints are in use, damaged or do not fit.
            ConnectorError: A source or sink cannot start.
        """
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise GraphError(
                f"job name {name!r}: use letters, digits, '.', '-' and '_' only, "
                f"e.g. {re.sub('[^A-Za-z0-9]+', '-', name).strip('-') or 'my-job'!r}"
            )
        # Imported here: building a graph needs no runtime.
        from raystreaming.runtime.spec import JobSpec

        if interrupts.take():  # it came in the last import before
            raise KeyboardInterrupt
        show_notices()
        self._graph.identify()
        self._graph.validate()
        drawing.offer(self._graph)
        chosen = self._settings
        ray = _wants_ray(chosen)
        if chosen.detach and not ray:
            raise OptionError(
                "StreamingContext",
                ['detach needs a cluster that the job can go on in: set runtime="ray", or leave detach out'],
            )
        spec = JobSpec(
            name,
            self._graph,
            chosen.checkpoint_dir,
            chosen.interval,
            chosen.retain_checkpoints,
            chosen.fresh,
            restarts=_RESTARTS[ray] if chosen.restarts is None else chosen.restarts,
        )
        sinks = [op.sink for op in self._graph.sinks if isinstance(op.sink, CollectSink)]
        collected = [sink.start_over() for sink in sinks]
        runtime: EmbeddedJob | RayJob
        if ray:
            with ray_needed():
                from raystreaming.runtime.ray.job import RayJob
            from raystreaming.runtime.ray.options import RayOptions

            runtime = RayJob(
                spec,
                chosen.address,
                RayOptions(
                    workers=chosen.workers,
                    spares=chosen.spares,
                    detach=chosen.detach,
                    buffer_timeout=seconds(chosen.buffer_timeout, "buffer_timeout", zero=True),
                    channel_memory=size(chosen.channel_memory, "channel_memory"),
                    lease=seconds(chosen.lease, "lease"),
                    start_timeout=seconds(chosen.start_timeout, "start_timeout"),
                    stall_timeout=chosen.stall,
                    runtime_env=chosen.runtime_env,
                ),
                sinks,
            )
        else:
            from raystreaming.runtime.embedded import EmbeddedJob

            runtime = EmbeddedJob(spec)
        return Job(name, runtime, collected, chosen.drain)

    def execute(self, name: str = "job") -> Job:
        """Run the job to its end: ``submit(name).wait()``. Ctrl-C takes a checkpoint and ends."""
        return self.submit(name).wait()


_RESTARTS = {False: 3, True: 10}
"""Restarts in a row, embedded and on Ray, where a machine may be lost at any time."""


def _wants_ray(chosen: settings.Settings) -> bool:
    """Return whether the job runs on Ray: it was told so, or the program has joined a cluster."""
    if chosen.runtime is not None:
        return chosen.runtime == "ray"
    ray = sys.modules.get("ray")
    return ray is not None and bool(ray.is_initialized())
