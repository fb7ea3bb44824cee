"""Trying out whether workers reach each other. Travels to the nodes as it is, like `node_facts`."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import ray

KNOCK_PATIENCE = 5.0
"""Seconds a listener may take to accept a connection, and to answer."""

AT_ONCE = 64
"""Connections that a node tries at a time."""

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


@dataclass(frozen=True)
class Door:
    """Where a node listens.

    Attributes:
        host: The address.
        port: The port that the system chose.
        word: What whoever connects is told there, and nowhere else.
        ports: The ports the system chooses from, e.g. ``"32768-60999"``; empty where it does not tell.
    """

    host: str
    port: int
    word: bytes
    ports: str


class Doorkeeper:
    """An actor that listens on its node, as a worker does, until it is killed."""

    def listen(self, host: str) -> Door:
        """Listen at an address.

        Raises:
            OSError: The machine does not have it.
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, 0), family=family)
        word = os.urandom(16)
        threading.Thread(target=_answer, args=(listener, word), daemon=True).start()
        return Door(host, listener.getsockname()[1], word, _ports())


def _answer(listener: socket.socket, word: bytes) -> None:
    while True:
        guest, _ = listener.accept()
        with guest, suppress(OSError):  # who has gone away learns nothing
            guest.sendall(word)


def _ports() -> str:
    return "-".join(_RANGE.read_text().split()) if _RANGE.exists() else ""


def knock(doors: Mapping[str, Door]) -> dict[str, str]:
    """Try doors from this node; return why each that stays closed does, by its name."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = zip(doors, threads.map(_why_closed, doors.values()), strict=True)
        return {name: why for name, why in found if why is not None}


def _why_closed(door: Door) -> str | None:
    heard = b""
    try:
        with socket.create_connection((door.host, door.port), KNOCK_PATIENCE) as sock:
            while data := sock.recv(len(door.word)):
                heard += data
    except OSError as error:
        return error.strerror or str(error)
    return None if heard == door.word else "somebody else answers there"


ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]
