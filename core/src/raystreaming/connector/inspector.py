"""`Inspector`: what ``raystreaming describe`` can find out about the world that a connector reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

from raystreaming.connector.options import Options


class Inspector(Options, ABC):
    """Looks at what a source would read. Its options are the flags of ``raystreaming describe NAME``.

    Example:
        >>> from raystreaming.connector import Inspector, option
        >>> class AcmeInspector(Inspector):
        ...     server: str = option(doc="Address of the server.")
        ...
        ...     def inspect(self):
        ...         yield f"queues of {self.server}: none"
    """

    @abstractmethod
    def inspect(self) -> Iterable[str]:
        """Yield the lines to print: what is there, and the code that reads it. No secret may be in them.

        Called by ``raystreaming describe`` only. It may block for some seconds.

        Raises:
            ConnectorError: It cannot be looked at; says why and what to do.
        """
