"""`Language`: what a package brings so that functions of a job may be written in another language."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raystreaming.connector.sink import Sink
from raystreaming.errors import GraphError
from raystreaming.graph import LogicalGraph, LogicalOperator
from raystreaming.plugins.registry import registry

if TYPE_CHECKING:
    from raystreaming.api.stream import DataStream, Stream


class Language(ABC):
    """One language beside Python; made by the name that a `LanguageSpec` gives it.

    Everything here runs while a program describes its job: it starts nothing.
    """

    @abstractmethod
    def settings(self, values: Mapping[str, Any]) -> Any:
        """Check the settings of a context that begin with the language's name.

        Args:
            values: The settings, without that beginning.

        Returns:
            What `LogicalGraph.languages` is to hold; it travels to workers by pickle.

        Raises:
            OptionError: Lists every setting that is unknown or wrong.
        """

    @abstractmethod
    def view(self, graph: LogicalGraph, stream: DataStream[Any], schema: Any = None) -> Stream:
        """Return a stream as this language sees it: ``stream.as_<language>_stream(schema)``.

        Args:
            graph: The job's graph.
            stream: The stream.
            schema: The type of its records, if the program has given one: a ``pyarrow.Schema``, or what
                else the language takes.
        """

    @abstractmethod
    def source(self, graph: LogicalGraph, name: str, /, *arguments: Any, **options: Any) -> Stream:
        """Return the stream of a source by its name in the language: ``ctx.from_<language>(name, ...)``."""

    @abstractmethod
    def sink(self, graph: LogicalGraph, name: str, /, **options: Any) -> Sink[Any]:
        """Return a sink by its name in the language: ``stream.sink(name, **options)``."""

    def adopt(self, graph: LogicalGraph, operator: LogicalOperator) -> None:  # noqa: B027 - optional
        """Get an operator whose source or sink does its work in this language ready for its job.

        May set the operator's ``source`` or ``sink`` to one that knows the job's settings, and ``check``.
        """


def language(name: str) -> Language:
    """Return an installed language.

    Raises:
        UnknownConnector: It is not installed; says what to install.
    """
    made: Language = registry().language(name)()
    return made


def named_sink(graph: LogicalGraph, name: str, options: Mapping[str, Any]) -> Sink[Any]:
    """Return a sink by its name in the one language that is installed.

    Raises:
        GraphError: There is none, or there are several.
    """
    installed = registry().names("language")
    if len(installed) == 1:
        return language(installed[0]).sink(graph, name, **options)
    if installed:
        views = " or ".join(f".as_{each}_stream()" for each in installed)
        raise GraphError(f"sink({name!r}) may be of several languages: call {views} before it")
    raise GraphError(
        f"sink() takes a Sink or a function, got {name!r}; a class of Java needs a package that is not "
        f"installed: pip install raystreaming-java"
    )
