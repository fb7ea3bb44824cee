"""The hooks a plugin may implement, and the records they return.

A plugin is a module named by an entry point of group ``raystreaming.plugins``; the entry's name is
the connector family (``kafka``). The module must import nothing heavy: targets are strings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pluggy

PROJECT = "raystreaming"
GROUP = "raystreaming.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Stability = Literal["stable", "experimental"]


@dataclass(frozen=True, kw_only=True)
class _Spec:
    """What a plugin brings.

    Attributes:
        name: Its name, e.g. ``"kafka"``.
        target: ``"package.module:Class"``; imported on first use only.
        summary: One line for ``raystreaming plugins``.
        aliases: Other names of the same.
        stability: What users may expect of its options.
    """

    name: str
    target: str
    summary: str
    aliases: tuple[str, ...] = ()
    stability: Stability = "stable"


class SourceSpec(_Spec):
    """A `Source` that appears as ``ctx.read_<name>(...)``."""


class SinkSpec(_Spec):
    """A `Sink` that appears as ``stream.write_<name>(...)``."""


class OperatorSpec(_Spec):
    """An operator that appears as ``stream.<name>(...)``; refused where streams have that method.

    Its target is an `OperatorFactory`, or a function marked with `operator`.
    """


class LanguageSpec(_Spec):
    """A language that functions may be written in: ``stream.as_<name>_stream()``, ``ctx.from_<name>(...)``.

    Settings of a context that begin with its name are its own. Its target is a `Language`.
    """


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something that can be wrong with an installation.

    Attributes:
        name: What is checked, e.g. ``"kafka: client library"``.
        run: Returns one line per problem, each with the command or change that mends it.
    """

    name: str
    run: Callable[[], Iterable[str]]


@hookspec(historic=True)
def raystreaming_sources() -> Iterable[SourceSpec]:  # type: ignore[empty-body]
    """Return the sources of this plugin.

    Called once, on the driver, when the plugin is loaded; workers never call it.

    Example:
        >>> from raystreaming.plugins import SourceSpec, hookimpl
        >>> @hookimpl
        ... def raystreaming_sources():
        ...     yield SourceSpec(name="acme", target="acme.source:AcmeSource", summary="Acme queues.")
    """


@hookspec(historic=True)
def raystreaming_sinks() -> Iterable[SinkSpec]:  # type: ignore[empty-body]
    """Return the sinks of this plugin. Called like `raystreaming_sources`.

    Example:
        >>> from raystreaming.plugins import SinkSpec, hookimpl
        >>> @hookimpl
        ... def raystreaming_sinks():
        ...     yield SinkSpec(name="acme", target="acme.sink:AcmeSink", summary="Acme queues.")
    """


@hookspec(historic=True)
def raystreaming_operators() -> Iterable[OperatorSpec]:  # type: ignore[empty-body]
    """Return the operators of this plugin. Called like `raystreaming_sources`.

    Example:
        >>> from raystreaming.plugins import OperatorSpec, hookimpl
        >>> @hookimpl
        ... def raystreaming_operators():
        ...     yield OperatorSpec(name="dedupe", target="acme.ops:Dedupe", summary="Drop repeats.")
    """


@hookspec(historic=True)
def raystreaming_languages() -> Iterable[LanguageSpec]:  # type: ignore[empty-body]
    """Return the languages of this plugin. Called like `raystreaming_sources`.

    Example:
        >>> from raystreaming.plugins import LanguageSpec, hookimpl
        >>> @hookimpl
        ... def raystreaming_languages():
        ...     yield LanguageSpec(name="perl", target="acme.perl:Perl", summary="Functions in Perl.")
    """


@hookspec
def raystreaming_java_jars() -> Iterable[Path]:  # type: ignore[empty-body]
    """Return the jars that this plugin's Java classes are in.

    Called once per process, when the first job with Java functions is checked.

    Example:
        >>> from pathlib import Path
        >>> from raystreaming.plugins import hookimpl
        >>> @hookimpl
        ... def raystreaming_java_jars():
        ...     yield Path(__file__).parent / "jars" / "acme.jar"
    """


@hookspec
def raystreaming_checks() -> Iterable[Check]:  # type: ignore[empty-body]
    """Return what can be checked about this plugin's installation.

    Called by ``raystreaming doctor``, which runs each check apart from the others.

    Example:
        >>> from raystreaming.plugins import Check, hookimpl
        >>> @hookimpl
        ... def raystreaming_checks():
        ...     yield Check(name="acme: licence", run=lambda: [])
    """
