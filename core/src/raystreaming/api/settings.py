"""How a job is to run: what the program says, and what the command line puts above it."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from typing import Any

from raystreaming.errors import OptionError, nearest
from raystreaming.units import seconds


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a context.

    Attributes:
        checkpoint_dir: Folder or URL below which checkpoints are kept.
        checkpoint_interval: Seconds, or text such as ``"5s"``.
        retain_checkpoints: How many checkpoints are kept.
        fresh: Forget the checkpoints of earlier runs (never what they published).
        drain: The first Ctrl-C ends the input instead of stopping.
    """

    checkpoint_dir: str | os.PathLike[str] | None = None
    checkpoint_interval: str | float = "5s"
    retain_checkpoints: int = 3
    fresh: bool = False
    drain: bool = False

    @property
    def interval(self) -> float:
        """The checkpoint interval in seconds."""
        return seconds(self.checkpoint_interval, "checkpoint_interval")


_overrides: dict[str, Any] = {}


def override(values: dict[str, Any]) -> None:
    """Put settings above those of every context of this process (used by ``raystreaming run``)."""
    _overrides.clear()
    _overrides.update(values)


def make(values: dict[str, Any]) -> Settings:
    """Check settings given by name.

    Raises:
        OptionError: Lists every setting that is unknown or wrong.
    """
    names = [f.name for f in fields(Settings)]
    problems = [f"unknown setting {n!r}{nearest(n, names)}" for n in values if n not in names]
    settings = Settings(**{n: v for n, v in values.items() if n in names})
    try:
        _ = settings.interval
    except OptionError as error:
        problems.append(str(error))
    retain: object = settings.retain_checkpoints
    if isinstance(retain, bool) or not isinstance(retain, int) or retain < 1:
        problems.append(f"retain_checkpoints must be a whole number from 1, got {retain!r}")
    folder: object = settings.checkpoint_dir
    if folder is not None and not isinstance(folder, str | os.PathLike):
        problems.append(f"checkpoint_dir must be a path or a URL, got {folder!r}")
    if problems:
        raise OptionError("StreamingContext", problems)
    return settings


def effective(settings: Settings) -> Settings:
    """Return the settings with the command line's on top."""
    return replace(settings, **_overrides)
