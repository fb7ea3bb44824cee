"""What a source and a sink have in common whose work is done by a class of Java."""

from __future__ import annotations

import copy
import os
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any, ClassVar, TypeVar

import ormsgpack

from raystreaming.connector import Options, Secret
from raystreaming_java.classes import open_classes
from raystreaming_java.failures import translated
from raystreaming_java.function import JavaFunction
from raystreaming_java.jvm import Bridge, bridge
from raystreaming_java.schema import JavaSchema
from raystreaming_java.settings import JavaSettings

B = TypeVar("B", bound="JavaBacked")


class JavaBacked(Options):
    """A connector with a class of Java behind it."""

    java: ClassVar[str]
    """The class, inner ones with a dollar sign; ``META-INF/services`` of its jar lists it."""

    java_packages: ClassVar[Sequence[str]] = ()
    """Maven coordinates (``group:artifact:version``) of jars that the class needs; a job that has it gets
    them, and may choose other versions by ``java_packages`` of its own."""

    _kind: ClassVar[str]
    _settings: ClassVar[JavaSettings | None] = None
    _schema: ClassVar[JavaSchema | None] = None
    _operator: ClassVar[str] = ""

    def java_options(self) -> Mapping[str, Any]:
        """Return what ``configure`` of the Java class is given: the options, by their names."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.init}

    def in_job(self: B, settings: JavaSettings) -> B:
        """Return this connector as one job uses it."""
        settings.need(self.java_packages)
        bound = copy.copy(self)
        object.__setattr__(bound, "_settings", settings)
        return bound

    def say_schema(self, schema: JavaSchema | None) -> None:
        """Note the type that a source's records have in Python, or a sink's in Java; None: what they are."""
        object.__setattr__(self, "_schema", schema)

    def problems(self, operator: str, config: Mapping[str, Any]) -> Iterable[str]:
        """Return what is wrong with the class, as far as can be known before the job starts.

        Args:
            operator: Id of the operator, which is known now.
            config: What `Stream.with_config` has told it.
        """
        object.__setattr__(self, "_operator", operator)
        problems = list(self._function.problems(operator, config))
        if not problems:
            _ = self._said  # asked here, so that nobody without a task of it starts a JVM for it
        return problems

    def _made_function(self) -> JavaFunction:
        settings = self._settings
        if settings is None:  # outside of a job, in a test say
            settings = JavaSettings().with_plugins()
            settings.need(self.java_packages)
        return JavaFunction(self._kind, self.java, (), settings, options=self.java_options())

    @cached_property
    def _function(self) -> JavaFunction:
        return self._made_function()

    @property
    def _packed(self) -> bytes:
        return self._function.packed(self._operator or type(self).__name__, {})

    @property
    def _bridge(self) -> Bridge:
        return bridge(self._function.settings)

    @cached_property
    def _classes(self) -> Any:
        """The job's classes, open as long as this object is there: commits come again and again."""
        classes = open_classes(self._function.settings)
        weakref.finalize(self, classes.close).atexit = False
        return classes

    @cached_property
    def _said(self) -> Mapping[str, Any] | None:
        """What a source or a sink of Java says about itself; None for a function."""
        with translated(self._bridge):
            said = self._bridge.connections.describe(self._packed, self._classes)
        return None if said is None else unpacked(said)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process."""
        return {name: value for name, value in self.__dict__.items() if name != "_classes"}


def unpacked(data: Any) -> Any:
    """Return what Java has packed."""
    return ormsgpack.unpackb(memoryview(data), option=ormsgpack.OPT_NON_STR_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    return os.fspath(value) if isinstance(value, os.PathLike) else value
