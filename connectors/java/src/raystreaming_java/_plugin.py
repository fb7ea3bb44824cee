"""What the entry point ``java`` names. Imports nothing heavy: the targets are strings."""

from __future__ import annotations

from collections.abc import Iterable

from raystreaming.plugins import Check, LanguageSpec, hookimpl


@hookimpl
def raystreaming_languages() -> Iterable[LanguageSpec]:
    return [
        LanguageSpec(
            name="java",
            target="raystreaming_java.language:Java",
            summary="Functions, sources and sinks in Java, in a JVM inside the worker.",
        )
    ]


@hookimpl
def raystreaming_checks() -> Iterable[Check]:
    return [Check(name="java: a runtime for Java functions", run=_runtime)]


def _runtime() -> Iterable[str]:
    from raystreaming_java.jvm import JavaMissing, bridge
    from raystreaming_java.settings import JavaSettings

    try:
        bridge(JavaSettings())
    except JavaMissing as error:
        return [str(error)]
    return []
