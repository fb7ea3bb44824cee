"""Java functions, sources and sinks in raystreaming jobs, in a JVM inside the worker."""

from __future__ import annotations

from raystreaming_java.settings import JavaSettings

__all__ = ["JavaSettings"]
