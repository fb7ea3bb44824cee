"""The hooks a plugin may implement, and the records they return.

A plugin is a module named by an entry point of group ``raystreaming.plugins``; the entry's name is
the connector family (``kafka``). The module must import nothing heavy: targets are strings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pluggy

PROJECT = "raystreaming"
GROUP = "raystreaming.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Stability = Literal["stable", "experimental"]


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """A source that appears as ``ctx.read_<name>(...)``.

    Attributes:
        name: Connector name, e.g. ``"kafka"``.
        target: ``"package.module:Class"`` of the `Source`; imported on first use only.
        summary: One line for ``raystreaming plugins``.
        aliases: Other names of the same source.
        stability: What users may expect of its options.
    """

    name: str
    target: str
    summary: str
    aliases: tuple[str, ...] = ()
    stability: Stability = "stable"


@dataclass(frozen=True, kw_only=True)
class SinkSpec:
    """A sink that appears as ``stream.write_<name>(...)``. Attributes as in `SourceSpec`."""

    name: str
    target: str
    summary: str
    aliases: tuple[str, ...] = ()
    stability: Stability = "stable"


@dataclass(frozen=True, kw_only=True)
class OperatorSpec:
    """An operator that appears as ``stream.<name>(...)``. Attributes as in `SourceSpec`."""

    name: str
    target: str
    summary: str
    aliases: tuple[str, ...] = ()
    stability: Stability = "stable"


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
