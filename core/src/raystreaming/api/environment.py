"""`Environment` and `Conf`: the names that Ray Streaming's first programs use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from raystreaming.api.context import StreamingContext
from raystreaming.api.job import Job
from raystreaming.errors import GraphError


@dataclass(slots=True)
class Conf:
    """How an environment runs its job.

    Attributes:
        parallelism: As of `StreamingContext.set_parallelism`.
    """

    parallelism: int = 1


class Environment(StreamingContext):
    """A context whose `execute` does not wait.

    Args:
        config: The parallelism.
        **values: As of `StreamingContext`.

    Example:
        >>> from raystreaming import Conf, Environment
        >>> env = Environment(config=Conf(parallelism=2))
        >>> _ = env.from_values(1, 2).map(lambda x: x * 10).sink()
        >>> _ = env.execute("tens")
        >>> env.wait_finish()
    """

    def __init__(self, config: Conf | None = None, **values: Any) -> None:
        super().__init__(**values)
        self.set_parallelism((config or Conf()).parallelism)
        self._job: Job | None = None

    def execute(self, name: str = "job") -> Job:
        """Start the job and return at once."""
        self._job = self.submit(name)
        return self._job

    def wait_finish(self) -> None:
        """Wait until the job is over."""
        if self._job is None:
            raise GraphError("wait_finish() waits for a job: call execute() before it")
        self._job.wait()
