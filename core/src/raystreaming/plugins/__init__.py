"""The plugin contract: hook specs, the loader and the registry of connectors."""

from raystreaming.plugins.hookspecs import (
    GROUP,
    Check,
    LanguageSpec,
    OperatorSpec,
    SinkSpec,
    SourceSpec,
    hookimpl,
)

__all__ = ["GROUP", "Check", "LanguageSpec", "OperatorSpec", "SinkSpec", "SourceSpec", "hookimpl"]
