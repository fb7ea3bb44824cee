"""Short lines for people: through `logging`, and on a terminal even where nobody configured it."""

from __future__ import annotations

import logging
import sys

log = logging.getLogger("raystreaming")


class _ToStderr(logging.Handler):
    """Writes to what ``sys.stderr`` is at that moment: where a progress line is shown, it makes way."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except Exception:
            self.handleError(record)


def show_notices() -> None:
    """Make notices visible on stderr unless the program has configured logging itself."""
    if logging.getLogger().handlers or log.handlers or log.level:
        return
    handler = _ToStderr()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
