"""`JavaFunction`: a function of a Java class, as a program names it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from raystreaming.errors import GraphError
from raystreaming.records import pack
from raystreaming_java.classes import job_classes
from raystreaming_java.jvm import bridge
from raystreaming_java.schema import JavaSchema
from raystreaming_java.settings import JavaSettings


@dataclass(frozen=True)
class JavaFunction:
    """One function, inert: it travels to the worker that makes it.

    Attributes:
        kind: What it is used for: the name of the method on streams.
        name: Its class, inner ones with a dollar sign.
        arguments: What its constructor is given.
        settings: Those of the job.
        named: What it is given by name.
        object: The function object itself, where a Java program made it.
        job_config: What its ``RuntimeContext`` shows as the job's configuration.
        taken: What it gets Python's records as; None: as what they are.
        given: What Python gets its results as; None: as what they are.
        options: The options of a plugin's connector, which its ``configure`` is given.
    """

    kind: str
    name: str
    arguments: tuple[Any, ...]
    settings: JavaSettings
    named: Mapping[str, Any] = field(default_factory=dict[str, Any])
    object: bytes | None = None
    job_config: Mapping[str, str] = field(default_factory=dict[str, str])
    taken: JavaSchema | None = None
    given: JavaSchema | None = None
    options: Mapping[str, Any] | None = field(default=None, repr=False)  # there may be secrets

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise GraphError(f"{self.kind}() of a Java stream takes the name of a class, got {self.name!r}")

    def packed(self, operator: str, config: Mapping[str, Any]) -> bytes:
        """Return the function as Java reads it.

        Args:
            operator: Id of its operator.
            config: What `Stream.with_config` has told the operator.

        Raises:
            GraphError: A constructor's argument, or a value of the configuration, cannot go to Java.
        """
        fields = {
            "operator": operator,
            "kind": self.kind,
            "class": self.name,
            "arguments": list(self.arguments),
            "named": dict(self.named),
            "object": self.object,
            "options": self.options,
            "config": dict(config),
            "job_config": dict(self.job_config),
        }
        try:
            return pack(fields)
        except (TypeError, ValueError, OverflowError) as error:
            raise GraphError(
                f"operator {operator!r}: an argument of {self.name}, or what with_config() tells it, "
                f"cannot go to Java: {error}. What can: None, bool, int, float, str, bytes, and lists and "
                f"dicts of these"
            ) from error

    def problems(self, operator: str, config: Mapping[str, Any]) -> Iterable[str]:
        """Return what is wrong with the function, as far as can be known before the job starts."""
        try:
            packed = self.packed(operator, config)
            java = bridge(self.settings)
            with job_classes(self.settings) as classes:
                problem = java.functions.problem(packed, classes)
        except GraphError as error:  # Java is missing, or Maven cannot get a package
            return [str(error)]
        return [] if problem is None else [str(problem)]
