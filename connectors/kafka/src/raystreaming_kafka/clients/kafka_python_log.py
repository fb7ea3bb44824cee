"""Keeps secrets out of what kafka-python logs: requests, at DEBUG, and SASL PLAIN has the password in one."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from raystreaming_kafka.secrets import hidden

_LOGGERS = ("kafka.net.connection", "kafka.protocol.parser")


class _Hiding(logging.Filter):
    """Replaces secrets in lines, as text and as bytes are shown."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets: set[str] = set()

    def add(self, secrets: Iterable[str]) -> None:
        """Hide these from now on."""
        for secret in secrets:
            self._secrets |= {secret, repr(secret.encode())[2:-1]}

    def filter(self, record: logging.LogRecord) -> bool:
        """Let the line pass, without secrets."""
        text = record.getMessage()
        clean = hidden(text, self._secrets)
        if clean != text:
            record.msg, record.args = clean, None
        return True


_hiding = _Hiding()
for _name in _LOGGERS:
    logging.getLogger(_name).addFilter(_hiding)

hide_from_now_on = _hiding.add
