"""Runs a job that a Java program has described: ``python -m raystreaming_java.program RESULT``.

The job comes on standard input, which the Java program keeps open. A byte that follows is its wish to
stop; when the input is closed, that program is gone, and so is the job. How the job ended goes into the
file RESULT.
"""

from __future__ import annotations

import filecmp
import json
import os
import struct
import sys
import threading
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from raystreaming import StreamingContext
from raystreaming.api.job import Job, report
from raystreaming.api.stream import KeyedStream, Stream
from raystreaming.connector import ErrorPolicy, Sink, Source, dead_letter, retry
from raystreaming.connector.function import Function, SourceFunction
from raystreaming.errors import GraphError, OptionError
from raystreaming.graph import LogicalGraph, Partitioning
from raystreaming.records import pack, unpack
from raystreaming_java.function import JavaFunction
from raystreaming_java.jvm import our_jars
from raystreaming_java.schema import JavaSchema
from raystreaming_java.sink import NamedSink
from raystreaming_java.streams import JavaKeyedStream, JavaStream, java_source, say_schema, settings_of

_OURS = "raystreaming."
"""What the settings of the engine begin with in a Java program's configuration."""

_RENAMED = {"ray.streaming.tests.test_hybrid_stream": "raystreaming.tests.test_hybrid_stream"}
"""Modules of Ray Streaming, which its programs name, and where their functions are now."""

_SOURCES = (Source, SourceFunction)
"""What `StreamingContext.source` takes."""

_MADE = (Function, Sink, Source)
"""Classes that a Java program names where it wants an object."""


def main() -> int:
    """Run the job, and write how it ended."""
    result = Path(sys.argv[1])
    outcome: dict[str, Any] = {"error": None, "trace": ""}
    try:
        described = _receive()
        ctx = StreamingContext(**_settings(described))
        Program(ctx, described).build()
        job = ctx.submit(described["name"])
        threading.Thread(target=_follow_program, args=(job,), daemon=True).start()
        job.wait()
    except Exception as error:
        outcome = {"error": report(error), "trace": traceback.format_exc()}
    result.write_bytes(pack(outcome))
    return 0 if outcome["error"] is None else 1


def _receive() -> dict[str, Any]:
    (size,) = struct.unpack(">I", _read(4))
    described: dict[str, Any] = unpack(_read(size))
    return described


def _read(size: int) -> bytes:
    """Read from standard input without the buffer that another thread would have to wait for at exit."""
    data = b""
    while len(data) < size:
        more = os.read(0, size - len(data))
        if not more:
            raise GraphError("the Java program has ended before it had described its job")
        data += more
    return data


def _follow_program(job: Job) -> None:
    while os.read(0, 1):
        job.stop()
    job.cancel()


def _settings(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the context."""
    config = described["config"]
    settings = {n.removeprefix(_OURS): _plain(n, text) for n, text in config.items() if n.startswith(_OURS)}
    more = [path for path in str(settings.get("java_classpath", "")).split(os.pathsep) if path]
    theirs = [path for path in described["classpath"] if os.path.isdir(path) or not _is_ours(path)]
    if packages := settings.get("java_packages"):
        settings["java_packages"] = [each.strip() for each in packages.split(",")]
    return {**settings, "java_classpath": [*theirs, *more]}


def _is_ours(jar: str) -> bool:
    """Return whether every worker has a jar already; large ones are not read for that."""
    return any(filecmp.cmp(jar, own, shallow=False) for own in our_jars())


def _plain(name: str, text: str) -> Any:
    """Return what a text says: a truth, a number, JSON's object, or itself."""
    if text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise OptionError("StreamingContext", [f"{name} is no JSON: {error}; it is {text}"]) from error
    plain: dict[str, Any] = {"true": True, "false": False}
    return plain.get(text, int(text) if text.isdecimal() else text)


class Program:
    """The streams of a Java program, built one operator after the other."""

    def __init__(self, ctx: StreamingContext, described: Mapping[str, Any]) -> None:
        self._ctx = ctx
        self._graph: LogicalGraph = ctx._graph
        self._job_config = described["config"]
        self._described = described["operators"]
        self._streams: list[Stream] = []

    def build(self) -> None:
        """Add all operators to the graph."""
        for operator in self._described:
            build = self._in_java if operator["language"] == "java" else self._in_python
            stream = build(operator)
            self._set(stream, operator)
            self._streams.append(stream)

    def _set(self, stream: Stream, operator: Mapping[str, Any]) -> None:
        """Set on a stream what the program has set on it."""
        stream.set_parallelism(operator["parallelism"])
        stream.with_config({**self._job_config, **operator["config"]})
        if operator["schema"] is not None:
            say_schema(stream._operator, JavaSchema(operator["schema"]))
        if operator["name"]:
            stream.name(operator["name"])
        if operator["uid"] is not None:
            stream.uid(operator["uid"])
        if operator["on_error"] is not None:
            stream.on_error(self._policy(operator["on_error"]))
        if asked := dict(operator["resources"]):
            known = {name: asked.pop(name) for name in ("num_cpus", "num_gpus") if name in asked}
            stream.resources(**known, custom=asked)
        if not operator["chained"]:
            stream.disable_chain()

    def _policy(self, described: Mapping[str, Any]) -> ErrorPolicy:
        then = described["then"]
        if "class" in described:
            then = dead_letter(NamedSink(function=self._java_function("sink", described)))
        elif "function" in described:
            then = dead_letter(_python_function(*described["function"]))
        return retry(described["retries"], described["backoff"], then=then) if described["retries"] else then

    def _input(self, described: Mapping[str, Any]) -> JavaStream:
        """Return a stream that an operator reads, spread as the program has said."""
        stream = _java(self._streams[described["from"]])
        if "class" in described:
            return stream.partition(self._java_function("partition_by", described))
        if "function" in described:
            choose = _python_function(*described["function"])
            return stream._spread("partition_by", Partitioning.CUSTOM, choose)
        if not described["partitioning"]:
            return stream
        partitioning = Partitioning(described["partitioning"])
        return stream._spread(partitioning.value, partitioning)

    def _java_function(self, kind: str, described: Mapping[str, Any]) -> JavaFunction:
        return JavaFunction(
            kind,
            described["class"],
            (),
            settings_of(self._graph),
            object=described["object"],
            job_config=self._job_config,
        )

    def _in_java(self, operator: Mapping[str, Any]) -> Stream:
        kind = operator["kind"]
        inputs = [self._input(each) for each in operator["inputs"]]
        if kind == "union":
            return inputs[0].union(*inputs[1:])
        function = self._java_function(kind, operator)
        if kind == "from_java":
            return java_source(self._graph, function)
        return inputs[0].write(function) if kind == "sink" else inputs[0].then(function)

    def _in_python(self, operator: Mapping[str, Any]) -> Stream:
        kind = operator["kind"]
        inputs = [self._input(each).as_python_stream() for each in operator["inputs"]]
        if kind == "union":
            return inputs[0].union(*inputs[1:])
        function = _python_function(*operator["function"])
        if kind == "source":
            made = function if isinstance(function, _SOURCES) else function()
            return self._ctx.source(made) if isinstance(made, _SOURCES) else self._ctx.from_collection(made)
        stream: Stream = getattr(inputs[0], kind)(function)
        return stream


def _java(stream: Stream) -> JavaStream:
    keyed = isinstance(stream, KeyedStream | JavaKeyedStream)
    return (JavaKeyedStream if keyed else JavaStream)(stream._graph, stream._operator)


def _python_function(module: str, name: str) -> Any:
    """Return a function by its names; of a class of functions, an object.

    Raises:
        GraphError: There is no such module, or nothing of that name in it, or no object can be made of it.
    """
    found = _imported(module, name)
    if not (isinstance(found, type) and issubclass(found, _MADE)):
        return found
    try:
        return found()
    except TypeError as error:
        raise GraphError(
            f"of Python class {name!r} in module {module!r} no object can be made without arguments: "
            f"{error}. Name an object of it that the module has, e.g. {name.lower()} = {name}(...)"
        ) from error


def _imported(module: str, name: str) -> Any:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # as where `python -m` is run
    try:
        return getattr(import_module(_RENAMED.get(module, module)), name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise GraphError(
            f"there is no Python module {module!r} for function {name!r}: install it for {sys.executable}, "
            f"or name its folder in PYTHONPATH"
        ) from error
    except AttributeError as error:
        raise GraphError(f"Python module {module!r} has no function {name!r}") from error


if __name__ == "__main__":
    sys.exit(main())
