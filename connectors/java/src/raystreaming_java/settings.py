"""What a job tells of its Java: jars, and the JVM's memory."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

from raystreaming.connector import JobFile, Options, option
from raystreaming.errors import GraphError, OptionError, PluginError
from raystreaming.plugins.registry import registry
from raystreaming.units import size
from raystreaming_java.packages import jars_of, wrong_coordinates
from raystreaming_java.shipping import as_files


class JavaSettings(Options):
    """Settings of a context that begin with ``java_``.

    Attributes:
        plugins: The jars of installed plugins, searched after the job's own.
        needed: Packages that connectors of the job need, unless `packages` has other versions of them.
        job: What tells the classes of this job from those of others in one process.
    """

    classpath: Sequence[str | os.PathLike[str]] = option(
        default=(), doc="Jars, and folders of classes, with the job's own classes; searched first."
    )
    memory: str | int = option(
        default="512MB", doc="Most that the heap of a JVM may have; fixed by the first job of a process."
    )
    packages: Sequence[str] = option(
        default=(),
        doc="Maven coordinates (group:artifact:version) of jars that the job needs, with all that they need.",
    )
    needed: Sequence[str] = field(default_factory=tuple, init=False, repr=False, compare=False)
    plugins: Sequence[str] = field(default_factory=tuple, init=False, repr=False, compare=False)
    job: str = field(default_factory=lambda: os.urandom(6).hex(), init=False, repr=False, compare=False)

    def validate(self) -> Iterable[str]:
        for path in self.classpath:
            if not os.path.exists(path):
                yield f"java_classpath: there is no {os.path.abspath(path)}: build the jar, or mend the path"
            elif os.path.isfile(path) and not zipfile.is_zipfile(path):
                yield f"java_classpath: {os.path.abspath(path)} is no jar, or a damaged one: build it again"
        yield from wrong_coordinates(self.packages)
        try:
            size(self.memory, "java_memory")
        except OptionError as error:
            yield str(error)

    @property
    def jars(self) -> list[str]:
        """The class path, absolute.

        Raises:
            GraphError: Maven cannot get the packages.
        """
        own = (os.path.abspath(path) for path in self.classpath)
        return [*own, *self._of_packages(), *self.plugins]

    def _of_packages(self) -> list[str]:
        found = self._found
        if isinstance(found, GraphError):
            raise found
        return found

    @cached_property
    def _found(self) -> list[str] | GraphError:
        """The jars of the packages, or what went wrong: Maven is asked once, not for every function."""
        chosen = {_name(package): package for package in (*self.needed, *self.packages)}
        try:
            return jars_of(sorted(chosen.values()))
        except GraphError as error:
            return error

    def need(self, needed: Iterable[str]) -> None:
        """Add packages that a connector of the job needs."""
        object.__setattr__(self, "needed", (*self.needed, *needed))
        self.__dict__.pop("_found", None)  # others may have been asked for before

    def with_plugins(self) -> JavaSettings:
        """Add the jars that installed plugins bring; on the driver, as workers load no plugins.

        Raises:
            PluginError: A plugin names a jar that does not exist.
        """
        brought = registry().java_jars()
        for plugin, jar in brought:
            if not jar.exists():
                raise PluginError(
                    f"plugin {plugin} names the jar {jar}, which does not exist: reinstall its package, or "
                    f"report it to its authors"
                )
        object.__setattr__(self, "plugins", tuple(str(jar.absolute()) for _, jar in brought))
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Take the jars along: this travels once to each worker, with the job."""
        return _arrived, (self.job, self.memory, as_files(self.jars))

    @property
    def heap(self) -> int:
        """The heap in bytes."""
        return size(self.memory, "java_memory")


def _name(package: str) -> str:
    return ":".join(package.split(":")[:2])


_here: dict[str, JavaSettings] = {}
"""The settings of the jobs that have come to this process."""


def _arrived(job: str, memory: str | int, jars: Iterable[JobFile]) -> JavaSettings:
    settings = JavaSettings(classpath=[jar.path for jar in jars], memory=memory)
    object.__setattr__(settings, "job", job)
    return _here.setdefault(job, settings)


def settings_here(job: str) -> JavaSettings:
    """Return the settings of a job that this process works for."""
    return _here[job]
