"""Joining a Ray cluster, or starting one of this process's own."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Mapping
from typing import Any

import ray
import ray.util

from raystreaming.errors import JobError
from raystreaming.observe.notices import log
from raystreaming.runtime.ray.access import is_refused

KNOCK_PATIENCE = 5.0
"""Seconds the address of a cluster may take to accept a connection."""


def connect(address: str | None, runtime_env: dict[str, Any] | None = None) -> None:
    """Be connected to Ray.

    Args:
        address: Where the cluster is, e.g. ``"10.0.0.5:6379"`` or ``"auto"``. None: the one this process
            has joined, the one of ``RAY_ADDRESS``, or a new one in this machine that ends with the process.
        runtime_env: Ray's runtime environment of this driver.

    Raises:
        JobError: There is no cluster at the address.
    """
    if ray.is_initialized():
        return
    chosen = address or os.environ.get("RAY_ADDRESS") or "local"
    if chosen == "local":
        log.info("starting Ray on this machine; it ends with this process")
    try:
        _knock(chosen)
        ray.init(
            address=chosen,
            include_dashboard=None if chosen != "local" else False,
            logging_level=logging.WARNING,
            runtime_env=runtime_env,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise JobError(
            f"no Ray cluster at {chosen!r}: {error}. Start one with `ray start --head`, give its address "
            f"with --ray ADDRESS (address=...), or leave the address out to use this machine"
        ) from error


def _knock(address: str) -> None:
    """Find out at once what Ray would try for minutes.

    Raises:
        OSError: Nobody listens there.
        JobError: It asks for a token.
    """
    if found := re.fullmatch(r"\[?([^\s/\[\]]+)\]?:(\d+)", address):
        socket.create_connection((found[1], int(found[2])), KNOCK_PATIENCE).close()
        if is_refused(address):
            raise JobError(
                f"the Ray cluster at {address} asks for a token that this process does not have: put the "
                f"cluster's into ~/.ray/auth_token (mode 0600) or RAY_AUTH_TOKEN, and set RAY_AUTH_MODE=token"
            )


def actor(cls: type[Any], groups: Mapping[str, int]) -> Any:
    """Return a class as an actor class whose methods run in groups of so many threads."""
    remote: Any = ray.remote  # its types do not know concurrency groups
    return remote(concurrency_groups=dict(groups))(cls)


def node_address() -> str:
    """Return the address of this process's node."""
    address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    return address


def listening_hosts(addresses: Mapping[str, str]) -> dict[str, str]:
    """Return at which address each worker listens for the others.

    Args:
        addresses: The address of each worker's node.
    """
    if len(set(addresses.values())) == 1:  # all are on one machine: nothing listens to the network
        return dict.fromkeys(addresses, "127.0.0.1")
    return dict(addresses)


def free_resources() -> str:
    """Return what is free in the cluster, in words."""
    total: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    free: dict[str, float] = ray.available_resources()  # type: ignore[no-untyped-call]
    return ", ".join(f"{free.get(k, 0):g} of {v:g} {k}" for k, v in sorted(total.items()) if ":" not in k)
