"""Secrets: where they come from, and how they are kept out of texts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from raystreaming.connector import Secret, Terminal

_REFERENCE = re.compile(r"\$\{(env|file):([^}]+)\}")


def resolved(value: str, name: str) -> str:
    """Return a setting as it is, or what the variable or the file holds that it refers to.

    Args:
        value: The text; ``${env:NAME}`` and ``${file:PATH}`` are looked up here, in the process that
            connects, so that a job's graph holds the reference only.
        name: Name of the setting, for the message.

    Raises:
        Terminal: The variable or the file is not there.
    """
    text = value.reveal() if isinstance(value, Secret) else value
    reference = _REFERENCE.fullmatch(text)
    if reference is None:
        return text
    kind, where = reference.groups()
    if kind == "env":
        try:
            return os.environ[where]
        except KeyError:
            raise Terminal(
                f"{name} refers to the environment variable {where}, which is not set in the process that "
                f"connects to Kafka: set it there (on Ray, on every node or in runtime_env)."
            ) from None
    try:
        return Path(where).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise Terminal(
            f"{name} refers to the file {where}, which cannot be read where Kafka is connected to: "
            f"{error.strerror}. Put it there (on Ray, on every node)."
        ) from None


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with ``***`` for each secret, the longest first."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
