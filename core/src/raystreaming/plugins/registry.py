"""The connectors of all installed plugins, loaded one plugin at a time and only when needed."""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import pluggy

from raystreaming.errors import (
    IncompatiblePlugin,
    PluginConflict,
    PluginError,
    PluginLoadError,
    UnknownConnector,
    nearest,
)
from raystreaming.plugins import builtin, hookspecs, selection
from raystreaming.plugins.compatible import check_version
from raystreaming.plugins.hookspecs import (
    GROUP,
    PROJECT,
    Check,
    LanguageSpec,
    OperatorSpec,
    SinkSpec,
    SourceSpec,
)

T = TypeVar("T")
Spec: TypeAlias = "SourceSpec | SinkSpec | OperatorSpec | LanguageSpec"
Kind = Literal["source", "sink", "operator", "language"]

FIRST_PARTY = {
    "kafka": "raystreaming-kafka",
    "files": "raystreaming-files",
    "hadoop": "raystreaming-hadoop",
    "java": "raystreaming-java",
}
"""Plugin name -> distribution, for the message that says what to install."""

FIRST_PARTY_LANGUAGES = {"java"}
"""Those of them that are languages."""

_reserved: set[str] = set()
"""What streams are able to do by themselves; see `reserve_operators`."""

_KINDS: dict[type[Spec], Kind] = {
    SourceSpec: "source",
    SinkSpec: "sink",
    OperatorSpec: "operator",
    LanguageSpec: "language",
}


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that could not be loaded; everything else works."""

    name: str
    dist: str
    version: str
    error: BaseException

    def traceback(self) -> str:
        """Return the traceback as text."""
        return "".join(traceback.format_exception(self.error))


@dataclass(frozen=True, slots=True)
class Registered:
    """A connector, and the distribution and the entry it comes from."""

    kind: Kind
    spec: Spec
    dist: str
    version: str
    entry: str

    def load(self) -> type[Any]:
        """Import and return the class.

        Raises:
            PluginLoadError: The target does not exist; an error inside its module passes through.
        """
        module_name, _, class_name = self.spec.target.partition(":")
        try:
            cls: type[Any] = getattr(importlib.import_module(module_name), class_name)
        except (AttributeError, ModuleNotFoundError) as error:
            if not _says_target_is_missing(error, module_name, class_name):
                raise
            raise PluginLoadError(
                f"plugin {self.dist} {self.version} names {self.spec.target!r} for {self.kind} "
                f"{self.spec.name!r}, which does not exist: report it to the authors of {self.dist}"
            ) from error
        return cls


def _says_target_is_missing(error: Exception, module: str, cls: str) -> bool:
    """Return whether it is the target that is missing, not something that its module imports."""
    if isinstance(error, ModuleNotFoundError):
        return error.name is not None and f"{module}.".startswith(f"{error.name}.")
    loaded = sys.modules.get(module)
    return loaded is not None and not hasattr(loaded, cls)


class Registry:
    """Finds connectors by name. Order: the core's own, the plugin of that name, all others."""

    def __init__(self) -> None:
        self.failures: list[PluginFailure] = []
        self._found: dict[tuple[Kind, str], Registered] = {}
        self._rivals: dict[tuple[Kind, str], dict[str, Registered]] = {}
        self._refused: dict[tuple[Kind, str], set[str]] = {}
        self._staged: list[Spec] = []
        self._lock = threading.RLock()
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        # Historic: each plugin that registers later is asked at once, while it is known whose it is.
        for kind in ("sources", "sinks", "operators", "languages"):
            getattr(self._manager.hook, f"raystreaming_{kind}").call_historic(result_callback=self._stage)
        self._entries: dict[str, list[importlib.metadata.EntryPoint]] | None = None
        self._register(builtin, "built-in", "raystreaming", "")

    # Looking up --------------------------------------------------------------------------

    def source(self, name: str) -> type[Any]:
        """Return the source class called `name`. Raises `PluginError` with what to do."""
        return self.find("source", name).load()

    def sink(self, name: str) -> type[Any]:
        """Return the sink class called `name`. Raises `PluginError` with what to do."""
        return self.find("sink", name).load()

    def operator(self, name: str) -> type[Any]:
        """Return the operator class called `name`. Raises `PluginError` with what to do."""
        return self.find("operator", name).load()

    def language(self, name: str) -> type[Any]:
        """Return the class of the language called `name`. Raises `PluginError` with what to do."""
        return self.find("language", name).load()

    def find(self, kind: Kind, name: str) -> Registered:
        """Return a connector, loading as few plugins as needed.

        Raises:
            UnknownConnector: Nobody provides it; says what to install.
            PluginLoadError: Its plugin is broken; the original error is the cause.
            PluginConflict: Several distributions provide it, and ``RAYSTREAMING_PREFER`` names none.
        """
        with self._lock:
            if (kind, name) not in self._found:
                self._load(name)
            if (kind, name) not in self._found or selection.prefers(name):
                self.load_all()
            if (kind, name) in self._refused:
                raise PluginConflict(self._refusal(kind, name))
            if (kind, name) in self._found:
                return self._decided(kind, name)
            raise self._missing(kind, name)

    def all(self) -> list[Registered]:
        """Return every connector of every plugin that loads, sorted by name."""
        with self._lock:
            self.load_all()
            found = [self._choice(*key) or one for key, one in self._found.items()]
            unique = {(r.kind, r.spec.name): r for r in found}
            return [unique[key] for key in sorted(unique, key=lambda k: (k[1], k[0]))]

    def names(self, kind: Kind) -> list[str]:
        """Return the names of all connectors of a kind, aliases included."""
        with self._lock:
            self.load_all()
            return sorted(name for k, name in self._found if k == kind)

    def conflicts(self) -> list[str]:
        """Return, for every name that is blocked, who claims it."""
        with self._lock:
            self.load_all()
            refused = [self._refusal(*key) for key in sorted(self._refused)]
            undecided = sorted(k for k, dists in self._rivals.items() if len(dists) > 1)
            return refused + [self._conflict(*key) for key in undecided if self._choice(*key) is None]

    def checks(self) -> list[Check]:
        """Return the checks of all plugins that load; one that cannot name its checks fails one."""
        with self._lock:
            self.load_all()
            implementations = self._manager.hook.raystreaming_checks.get_hookimpls()
            return [check for i in implementations for check in _checks_of(i.plugin_name, i.function)]

    def java_jars(self) -> list[tuple[str, Path]]:
        """Return the jars that plugins bring, each with the plugin's name."""
        with self._lock:
            self.load_all()
            implementations = self._manager.hook.raystreaming_java_jars.get_hookimpls()
            jars: list[tuple[str, Iterable[Path]]] = [
                (i.plugin_name, _call(i.function)) for i in implementations
            ]
            return [(plugin, Path(jar)) for plugin, of_one in jars for jar in of_one]

    # Loading -----------------------------------------------------------------------------

    def load_all(self) -> None:
        """Load every installed plugin that is not loaded yet."""
        with self._lock:
            for name in list(self._installed()):
                self._load(name)

    def _installed(self) -> dict[str, list[importlib.metadata.EntryPoint]]:
        if self._entries is None:
            installed: dict[str, list[importlib.metadata.EntryPoint]] = {}
            for entry in _entry_points():
                installed.setdefault(entry.name, []).append(entry)
            self._entries = {name: installed[name] for name in sorted(selection.chosen(installed))}
        return self._entries

    def _load(self, name: str) -> None:
        entries = self._installed().pop(name, [])
        seen: set[str] = set()
        for entry in entries:
            dist = entry.dist.name if entry.dist else entry.value
            if dist in seen:  # found twice on sys.path
                continue
            seen.add(dist)
            version = entry.dist.version if entry.dist else "unknown"
            try:
                if entry.dist is not None:
                    check_version(entry.dist)
                self._register(entry.load(), f"{dist}:{name}", dist, version, name)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._failed(PluginFailure(name, dist, version, error))

    def _register(self, plugin: Any, plugin_name: str, dist: str, version: str, entry: str = "") -> None:
        """Take over all of a plugin, or nothing of it."""
        self._staged = []
        try:
            self._refuse_mistyped(plugin)
            self._manager.register(plugin, name=plugin_name)
            self._manager.check_pending()
            self._refuse_unmarked(plugin)
            self._refuse_names(dist)
        except BaseException:
            if self._manager.has_plugin(plugin_name):
                self._manager.unregister(name=plugin_name)
            raise
        for spec in self._staged:
            registered = Registered(_KINDS[type(spec)], spec, dist, version, entry)
            for name in (spec.name, *spec.aliases):
                self._take(registered, name)

    def _take(self, new: Registered, name: str) -> None:
        key = (new.kind, name)
        if new.kind == "operator" and _is_reserved(name):
            self._refused.setdefault(key, set()).add(new.dist)
            warnings.warn(self._refusal(*key), stacklevel=2)
            return
        self._rivals.setdefault(key, {})[new.dist] = new
        self._found[key] = new

    def _choice(self, kind: Kind, name: str) -> Registered | None:
        """Return which of those that claim a name has it; None if nothing decides.

        It is the one that the environment prefers, or else the one whose entry has that name, which is the
        first that is loaded: so it does not matter what else has been loaded.
        """
        rivals = self._rivals[kind, name]
        dist = selection.preferred(name, rivals) if len(rivals) > 1 else None
        if dist is not None:
            return rivals[dist]
        namesakes = [one for one in rivals.values() if one.entry == name]
        return _only(namesakes) or _only(rivals.values())

    def _decided(self, kind: Kind, name: str) -> Registered:
        choice = self._choice(kind, name)
        if choice is None:
            raise PluginConflict(self._conflict(kind, name))
        return choice

    def _refusal(self, kind: Kind, name: str) -> str:
        dists = " and ".join(sorted(self._refused[kind, name]))
        return (
            f"{kind} {name!r} of {dists} cannot be called so, as streams have that name themselves: "
            f"use its class with stream.apply(...), and ask the authors for another name"
        )

    def _conflict(self, kind: Kind, name: str) -> str:
        dists = sorted(self._rivals[kind, name])
        return (
            f"{kind} {name!r} is provided by {' and '.join(dists)}: uninstall one of them, e.g. "
            f"pip uninstall {dists[-1]}, or choose with {selection.PREFER}={name}={dists[0]}"
        )

    def _stage(self, specs: Iterable[Spec]) -> None:
        for spec in specs:  # a generator raises here, inside the try of its own plugin
            if type(spec) not in _KINDS:
                raise PluginLoadError(
                    f"a hook returned {spec!r}; it must return SourceSpec, SinkSpec, "
                    f"OperatorSpec or LanguageSpec"
                )
            _check(spec)
            self._staged.append(spec)

    def _refuse_names(self, dist: str) -> None:
        """Refuse a plugin that would take away what the core itself offers."""
        for spec in self._staged:
            kind = _KINDS[type(spec)]
            for name in (spec.name, *spec.aliases):
                old = self._found.get((kind, name))
                if old is not None and old.dist == PROJECT != dist:
                    raise PluginConflict(
                        f"{kind} {name!r} belongs to raystreaming itself: choose another name"
                    )

    def _refuse_mistyped(self, plugin: Any) -> None:
        hooks = [name for name in dir(hookspecs) if name.startswith(f"{PROJECT}_")]
        for name in dir(plugin):
            marked = self._manager.parse_hookimpl_opts(plugin, name) is not None
            if marked and name not in hooks:
                raise PluginLoadError(f"unknown hook {name!r}{nearest(name, hooks)}")

    def _refuse_unmarked(self, plugin: Any) -> None:
        marked = {caller.name for caller in self._manager.get_hookcallers(plugin) or ()}
        for name in dir(plugin):
            if name.startswith(f"{PROJECT}_") and callable(getattr(plugin, name)) and name not in marked:
                raise PluginLoadError(
                    f"function {name!r} looks like a hook and is not marked: put @hookimpl before it"
                )

    def _failed(self, failure: PluginFailure) -> None:
        self.failures.append(failure)
        text = (
            f"plugin {failure.name!r} of {failure.dist} {failure.version} cannot be loaded and is "
            f"left out: {type(failure.error).__name__}: {failure.error} "
            f"(raystreaming plugins shows the traceback)"
        )
        if selection.is_strict():
            raise PluginLoadError(text) from failure.error
        warnings.warn(text, stacklevel=2)

    def _known(self) -> set[str]:
        return {name for _, name in self._found}

    def _missing(self, kind: Kind, name: str) -> PluginError:
        for failure in self.failures:
            if failure.name == name:
                if isinstance(failure.error, IncompatiblePlugin):
                    return IncompatiblePlugin(f"{kind} {name!r} cannot be used: {failure.error}")
                error = PluginLoadError(
                    f"{kind} {name!r} cannot be used: its plugin {failure.dist} {failure.version} "
                    f"raised {type(failure.error).__name__}: {failure.error}. Reinstall it, pip "
                    f"install --force-reinstall {failure.dist}, or report it to its authors"
                )
                error.__cause__ = failure.error
                return error
        if selection.is_left_out(name) and name in {e.name for e in _entry_points()}:
            return UnknownConnector(
                f"{kind} {name!r} is installed, and {selection.ONLY} leaves it out: add it there, or unset it"
            )
        if (
            name in (FIRST_PARTY_LANGUAGES if kind == "language" else FIRST_PARTY)
            and name not in self._known()
        ):
            return UnknownConnector(
                f"{kind} {name!r} needs a package that is not installed: pip install {FIRST_PARTY[name]}"
            )
        known = sorted(n for k, n in self._found if k == kind)
        return UnknownConnector(
            f"no installed plugin has a {kind} {name!r}{nearest(name, {*known, *FIRST_PARTY} - {name})}; "
            f"installed: {', '.join(known) or 'none'}{_to_install(kind)}"
        )


def _to_install(kind: Kind) -> str:
    """Return what of ours would bring more of a kind."""
    bring = {"source": set(FIRST_PARTY), "sink": set(FIRST_PARTY), "language": FIRST_PARTY_LANGUAGES}
    installed = {entry.dist.name for entry in _entry_points() if entry.dist is not None}
    more = [FIRST_PARTY[name] for name in FIRST_PARTY if name in bring.get(kind, ())]
    missing = [dist for dist in more if dist not in installed]
    return f"; more come with pip install {' '.join(missing)}" if missing else ""


def _entry_points() -> importlib.metadata.EntryPoints:
    return importlib.metadata.entry_points(group=GROUP)


def _call(hook: Callable[..., Any]) -> Any:
    return hook()


def _checks_of(plugin: str, hook: Callable[..., Any]) -> list[Check]:
    try:
        return list(hook())
    except Exception as error:
        text = f"raystreaming_checks() raised {type(error).__name__}: {error}: tell its authors"
        return [Check(name=f"plugin {plugin}", run=lambda: [text])]


def reserve_operators(names: Iterable[str]) -> None:
    """Keep names from operators of plugins; called once by the module that has the methods."""
    _reserved.update(names)


def _is_reserved(name: str) -> bool:
    return name in _reserved or name.startswith(("_", "write_"))


def _check(spec: Spec) -> None:
    kind = _KINDS[type(spec)]
    if not isinstance(spec.aliases, tuple):
        raise PluginLoadError(
            f"{kind} {spec.name!r} has the aliases {spec.aliases!r}: write a tuple of names"
        )
    for name in (spec.name, *spec.aliases):
        if not str(name).isidentifier():
            raise PluginLoadError(f"{kind} {name!r} cannot be called so: a name is a Python identifier")
    module, _, cls = str(spec.target).partition(":")
    if not (cls.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise PluginLoadError(
            f"{kind} {spec.name!r} has the target {spec.target!r}: write 'package.module:Class'"
        )


def _only(of: Iterable[T]) -> T | None:
    """Return the element of what has exactly one."""
    elements = list(of)
    return elements[0] if len(elements) == 1 else None


_registry: Registry | None = None
_lock = threading.Lock()


def registry() -> Registry:
    """Return the registry of this process."""
    global _registry
    with _lock:
        if _registry is None:
            _registry = Registry()
        return _registry
