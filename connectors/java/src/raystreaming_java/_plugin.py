"""What the entry point ``java`` names. Imports nothing heavy: the targets are strings."""

from __future__ import annotations

from collections.abc import Iterable

from raystreaming.plugins import LanguageSpec, hookimpl


@hookimpl
def raystreaming_languages() -> Iterable[LanguageSpec]:
    return [
        LanguageSpec(
            name="java",
            target="raystreaming_java.language:Java",
            summary="Functions, sources and sinks in Java, in a JVM inside the worker.",
        )
    ]
