"""What the tasks of an operator ask of a node, where a cluster places them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Placement = Literal["spread", "pack"]


@dataclass(frozen=True)
class Resources:
    """Resources of one task.

    Attributes:
        num_cpus: CPUs; None leaves it to the runtime.
        num_gpus: GPUs.
        custom: Custom resources of the cluster by name.
        placement: ``"spread"`` over nodes, ``"pack"`` onto few; None leaves it to the cluster.
    """

    num_cpus: float | None = None
    num_gpus: float = 0.0
    custom: Mapping[str, float] = field(default_factory=dict[str, float])
    placement: Placement | None = None

    def largest(self, other: Resources) -> Resources:
        """Return what is enough for either: operators of one chain run in turn."""
        return Resources(
            _combine(max, self.num_cpus, other.num_cpus),
            max(self.num_gpus, other.num_gpus),
            {n: max(self.custom.get(n, 0), other.custom.get(n, 0)) for n in {*self.custom, *other.custom}},
            other.placement or self.placement,
        )

    def plus(self, other: Resources) -> Resources:
        """Return what is enough for both: tasks of one worker."""
        return Resources(
            _combine(float.__add__, self.num_cpus, other.num_cpus),
            self.num_gpus + other.num_gpus,
            {n: self.custom.get(n, 0) + other.custom.get(n, 0) for n in {*self.custom, *other.custom}},
            other.placement or self.placement,
        )


def _combine(how: Callable[[float, float], float], a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return b if a is None else a
    return how(float(a), float(b))
