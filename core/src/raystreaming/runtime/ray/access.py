"""Whether a cluster lets this process in."""

from __future__ import annotations

from ray._raylet import GcsClient  # type: ignore[attr-defined]  # what `ray status` uses
from ray.exceptions import RayError


def is_refused(address: str) -> bool:
    """Return whether the cluster at ``host:port`` asks for another token than this process has.

    Takes milliseconds, where joining would try for 20 seconds and then say that there is no cluster.
    """
    try:
        GcsClient(address=address).get_all_node_info()
    except RayError as error:
        return "AuthToken" in str(error)
    return False
