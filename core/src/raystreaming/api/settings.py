"""How a job is to run: what the program says, and what the command line puts above it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any

from raystreaming.api.language import language
from raystreaming.errors import OptionError, UnknownConnector, nearest
from raystreaming.plugins.registry import FIRST_PARTY_LANGUAGES, registry
from raystreaming.units import seconds, size


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a context.

    Attributes:
        checkpoint_dir: Folder or URL below which checkpoints are kept.
        checkpoint_interval: Seconds, or text such as ``"5s"``.
        retain_checkpoints: How many checkpoints are kept.
        fresh: Forget the checkpoints of earlier runs (never what they published).
        drain: The first Ctrl-C ends the input instead of stopping.
        parallelism: As of `StreamingContext.set_parallelism`.
        restarts: How often in a row the job restarts by itself from its last checkpoint.
        runtime: ``"embedded"`` or ``"ray"``; None: Ray if this process has joined a cluster.
        address: On Ray: the cluster; None: the one of ``RAY_ADDRESS``, or one in this machine.
        workers: On Ray: how many workers share the tasks; None: one per task.
        spares: On Ray: workers kept ready for those that die.
        detach: On Ray: the job goes on when the program has ended.
        buffer_timeout: On Ray: how long a record waits for others to travel with it.
        channel_memory: On Ray: how much may be on its way from a task to one of another worker, in bytes
            or as text such as ``"1MiB"``.
        lease: On Ray: after this time without a word, workers end themselves, and jobs without a driver.
        start_timeout: On Ray: how long the cluster may take to place the next of the workers.
        stall_timeout: On Ray: how long a task may be at the same few records before its worker is given up
            as one that hangs; None: for ever.
        runtime_env: On Ray: the runtime environment of the workers.
        languages: What installed languages made of the settings that begin with their names.
    """

    checkpoint_dir: str | os.PathLike[str] | None = None
    checkpoint_interval: str | float = "5s"
    retain_checkpoints: int = 3
    fresh: bool = False
    drain: bool = False
    parallelism: int | None = None
    restarts: int | None = None
    runtime: str | None = None
    address: str | None = None
    workers: int | None = None
    spares: int = 1
    detach: bool = False
    buffer_timeout: str | float = "5ms"
    channel_memory: str | int = "1MiB"
    lease: str | float = "30s"
    start_timeout: str | float = "60s"
    stall_timeout: str | float | None = "10m"
    runtime_env: Mapping[str, Any] = field(default_factory=dict[str, Any])
    languages: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def interval(self) -> float:
        """The checkpoint interval in seconds."""
        return seconds(self.checkpoint_interval, "checkpoint_interval")

    @property
    def stall(self) -> float | None:
        """How long a task may be at the same records, in seconds."""
        return None if self.stall_timeout is None else seconds(self.stall_timeout, "stall_timeout")


_WHOLE = (
    ("retain_checkpoints", 1, False),
    ("parallelism", 1, True),
    ("restarts", 0, True),
    ("workers", 1, True),
    ("spares", 0, False),
)
"""Settings that are whole numbers: name, least value, whether None is allowed."""

_MEASURES: tuple[tuple[str, Callable[[Any, str], float], bool], ...] = (
    ("checkpoint_interval", seconds, False),
    ("buffer_timeout", partial(seconds, zero=True), False),
    ("lease", seconds, False),
    ("start_timeout", seconds, False),
    ("stall_timeout", seconds, True),
    ("channel_memory", size, False),
)
"""Settings that are times and sizes: name, what reads them, whether None is allowed."""

_YES_NO = ("fresh", "drain", "detach")

_overrides: dict[str, Any] = {}


def override(values: dict[str, Any]) -> None:
    """Put settings above those of every context that is made from now on (used by ``raystreaming run``)."""
    _overrides.clear()
    _overrides.update(values)


def overriding(name: str, value: Any) -> Any:
    """Return a setting as the command line has it, else the value that the program gives it."""
    return _overrides.get(name, value)


def make(values: dict[str, Any]) -> Settings:
    """Check settings given by name, and return them with the overriding ones on top.

    Raises:
        OptionError: Lists every setting that is unknown or wrong.
    """
    values = {**values, **_overrides}
    names = [f.name for f in fields(Settings) if f.name != "languages"]
    problems: list[str] = []
    languages = _of_languages({n: v for n, v in values.items() if n not in names}, names, problems)
    settings = Settings(**{n: v for n, v in values.items() if n in names}, languages=languages)
    for name, parse, optional in _MEASURES:
        measure: Any = getattr(settings, name)
        if measure is None and optional:
            continue
        try:
            parse(measure, name)
        except OptionError as error:
            problems.append(str(error))
    for name, least, optional in _WHOLE:
        value: object = getattr(settings, name)
        if value is None and optional:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            problems.append(f"{name} must be a whole number from {least}, got {value!r}")
    for name in _YES_NO:
        if not isinstance(getattr(settings, name), bool):
            problems.append(f"{name} must be True or False, got {getattr(settings, name)!r}")
    if settings.runtime not in (None, "embedded", "ray"):
        problems.append(f"runtime must be 'embedded' or 'ray', got {settings.runtime!r}")
    folder: object = settings.checkpoint_dir
    if folder is not None and not isinstance(folder, str | os.PathLike):
        problems.append(f"checkpoint_dir must be a path or a URL, got {folder!r}")
    if problems:
        raise OptionError("StreamingContext", problems)
    return settings


def _of_languages(values: dict[str, Any], names: list[str], problems: list[str]) -> dict[str, Any]:
    """Have languages check what begins with their names; note what is unknown or wrong."""
    by_language: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        prefix, _, rest = name.partition("_")
        if prefix in FIRST_PARTY_LANGUAGES or prefix in registry().names("language"):
            by_language.setdefault(prefix, {})[rest] = value
        else:
            problems.append(f"unknown setting {name!r}{nearest(name, names)}")
    checked: dict[str, Any] = {}
    for prefix, its in by_language.items():
        try:
            checked[prefix] = language(prefix).settings(its)
        except OptionError as error:
            problems += error.problems
        except UnknownConnector as error:
            problems.append(f"setting {f'{prefix}_{next(iter(its))}'!r}: {error}")
    return checked
