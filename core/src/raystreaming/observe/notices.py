"""Short lines for people: through `logging`, and on a terminal even where nobody configured it."""

from __future__ import annotations

import logging

log = logging.getLogger("raystreaming")


def show_notices() -> None:
    """Make notices visible on stderr unless the program has configured logging itself."""
    if logging.getLogger().handlers or log.handlers or log.level:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
