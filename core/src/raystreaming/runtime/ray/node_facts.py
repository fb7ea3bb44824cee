"""What a node says about itself. Travels to the nodes as it is: raystreaming need not be installed there."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import ray

ALL_ADDRESSES = "*:"
"""How an address begins at which a process listens for everybody."""


@dataclass(frozen=True)
class NodeFacts:
    """One node.

    Attributes:
        python: Version of its Python.
        dists: Versions of the distributions asked for; None where one is not installed.
        listening: Addresses at which Ray's processes listen, by process.
        open_token: The token file, if others than its owner may read it.
    """

    python: str
    dists: dict[str, str | None]
    listening: dict[str, list[str]]
    open_token: str | None


def describe(dists: Sequence[str]) -> NodeFacts:
    """Return what there is on this node."""
    token = token_file()
    return NodeFacts(
        platform.python_version(),
        {dist: _version(dist) for dist in ["ray", *dists]},
        _listening(),
        str(token) if is_open(token) else None,
    )


def token_file() -> Path:
    """Return where Ray keeps the token of this user."""
    return Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or "~/.ray/auth_token").expanduser()


def is_open(file: Path) -> bool:
    """Return whether others than its owner may read or write a file."""
    return file.exists() and bool(file.stat().st_mode & 0o077)


def _version(dist: str) -> str | None:
    try:
        return metadata.version(dist)
    except metadata.PackageNotFoundError:
        return None


def _listening() -> dict[str, list[str]]:
    """Return where the processes of this node's raylet, and the cluster's head, listen."""
    found: dict[str, list[str]] = {}
    for process in _processes():
        try:
            name = process.name() if process.name() in ("raylet", "gcs_server") else process.cmdline()[0]
            sockets = [c.laddr for c in process.net_connections("tcp") if c.status == "LISTEN"]
        except Exception:  # gone, or another user's
            continue
        kind = "worker" if name.startswith("ray::") and "Agent" not in name else name.removeprefix("ray::")
        addresses = (f"{ALL_ADDRESSES if s.ip in ('::', '0.0.0.0') else s.ip + ':'}{s.port}" for s in sockets)
        found.setdefault(os.path.basename(kind), []).extend(sorted(addresses))
    return {kind: addresses for kind, addresses in found.items() if addresses}


def _processes() -> Iterator[Any]:
    import psutil  # type: ignore[import-untyped,unused-ignore]  # comes with Ray

    raylet = next((p for p in psutil.Process().parents() if p.name() == "raylet"), None)
    if raylet is None:  # a driver
        return
    yield raylet
    yield from raylet.children(recursive=True)
    session = next((a for a in raylet.cmdline() if a.startswith("--session-name=")), None)
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "gcs_server" and session in (process.info["cmdline"] or ()):
            yield process


def write(path: str) -> None:
    """Create a file on this node."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch(exist_ok=False)


def sees(path: str) -> bool:
    """Return whether a file is there on this node."""
    return os.path.exists(path)


def remove(path: str) -> None:
    """Delete a file on this node."""
    Path(path).unlink(missing_ok=True)


ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # type: ignore[no-untyped-call]
