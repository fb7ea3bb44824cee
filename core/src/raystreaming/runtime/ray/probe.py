"""Whether all nodes of a cluster see one checkpoint folder, tried out with a file."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

import ray

from raystreaming.checkpoint.place import LocalPlace, Place
from raystreaming.errors import CheckpointError
from raystreaming.runtime.ray import nodes

PATIENCE = 10.0
"""Seconds a node may take to say whether it sees a file."""


class FolderProbe:
    """Finds nodes on which a folder is another one than here.

    All living nodes are asked, not only those that have workers now: the next start may place the job
    master on any of them, and in an empty folder it would begin from nothing. A node that gives no answer
    is not held against the folder.

    Args:
        place: Where checkpoints are kept; only a folder of a file system can differ by node.
    """

    def __init__(self, place: Place) -> None:
        self._place = place if isinstance(place, LocalPlace) else None
        self._seeing: set[str] = set()

    @contextmanager
    def asking(self) -> Generator[None, None, None]:
        """Ask the nodes that have not seen the folder yet; they answer while the body runs.

        Raises:
            CheckpointError: Names the nodes that do not see a file in it.
        """
        here: str = ray.get_runtime_context().get_node_id()
        addresses = nodes.alive()
        others = addresses.keys() - self._seeing - {here}
        if self._place is None or not others:
            yield
            return
        file = f"probe-{os.urandom(8).hex()}"
        self._place.create(file, b"")
        try:
            asked = nodes.begin_asking(others, sees, os.path.join(self._place.name, file))
            yield
            found = nodes.answers(asked, PATIENCE)
        finally:
            self._place.delete(file)
        self._seeing |= {node for node, seen in found.items() if seen is True}
        blind = sorted(addresses[node] for node, seen in found.items() if seen is False)
        if blind:
            raise CheckpointError(
                f"checkpoint folder {self._place.name} is not the same on all nodes: what is written on "
                f"{addresses[here]} is not seen on {', '.join(blind)}. Set checkpoint_dir to a folder that "
                f"all nodes share (NFS, a cluster file system), mounted at the same path"
            )


def sees(path: str) -> bool:
    """Return whether a file is there; runs on the node that is asked."""
    return os.path.exists(path)
