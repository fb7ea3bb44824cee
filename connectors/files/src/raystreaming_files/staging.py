"""What a sink has staged, and the places that publish it: what `local_store`, `remote_store` implement."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, BinaryIO, NamedTuple

import msgpack

from raystreaming.connector import Terminal

STAGING = ".raystreaming"
"""The hidden folder, below the sink's path, with what is not committed yet."""


class Staged(NamedTuple):
    """A file that waits for its commit.

    Attributes:
        staged: Where it is, relative to the sink's path; an upload's id and key on S3.
        final: Where it will be, relative to the sink's path; empty where only an abort is possible.
        rows: Number of records.
        size: Bytes.
        parts: On S3 what completes the upload: the tags of its parts.
    """

    staged: str
    final: str
    rows: int
    size: int
    parts: Sequence[str] = ()


class Written(NamedTuple):
    """A file that a writer has finished, on a disk of this machine.

    Attributes:
        path: Where it is.
        final: Where it will be, relative to the sink's path.
        rows: Number of records.
        size: Bytes.
    """

    path: str
    final: str
    rows: int
    size: int


class Origin(NamedTuple):
    """Which checkpoint staged files belong to.

    Attributes:
        owner: Name of the job's sink, the same in all its runs.
        run: The run that wrote them.
        epoch: Number of the checkpoint.
    """

    owner: str
    run: str
    epoch: int


class Handle(NamedTuple):
    """The content of a committable."""

    origin: Origin
    files: list[Staged]
    ended: Sequence[Staged] = ()
    """Journals that nobody needs once the files are published."""


def pack(handle: Handle) -> bytes:
    """Return a committable."""
    files, ended = ([list(f) for f in some] for some in (handle.files, handle.ended))
    packed: Any = msgpack.packb({"version": 1, "origin": list(handle.origin), "files": files, "ended": ended})
    return bytes(packed)


def leftover(owner: str, file: Staged) -> bytes:
    """Return the committable, for `abort` only, of a file of `owner` that was found; always the same one."""
    return pack(Handle(Origin(owner, "", 0), [file._replace(size=0)]))


def unpack(committable: bytes) -> Handle:
    """Return the content of a committable."""
    content: Any = msgpack.unpackb(committable)
    if content["version"] != 1:
        raise Terminal(
            f"cannot commit files prepared in format {content['version']} (files sink): this version of "
            "raystreaming-files knows format 1; install the version that prepared them"
        )
    files, ended = ([Staged(*f) for f in content.get(some, ())] for some in ("files", "ended"))
    return Handle(Origin(*content["origin"]), files, ended)


class Stage(ABC):
    """Where one task stages its files."""

    folder: str
    """Its name, for messages."""

    tag = ""
    """Goes into the names of all files: where a place is searched by names, it tells the owner."""

    @abstractmethod
    def create(self, name: str) -> tuple[str, BinaryIO]:
        """Create a file on a disk of this machine; return its path and the file."""

    @abstractmethod
    def stage(self, files: Sequence[Written]) -> list[Staged]:
        """Put finished files where they survive a crash. Called once per epoch, perhaps on another thread."""

    appends = False
    """Whether a file that was kept may be written on, and kept again."""

    @abstractmethod
    def kept(self, path: str) -> Staged:
        """Return where `keep` puts a file that was created."""

    @abstractmethod
    def keep(self, path: str) -> None:
        """Put a file where it survives a crash, for a later writer to open. Perhaps on another thread."""

    @abstractmethod
    def open_kept(self, file: Staged) -> BinaryIO:
        """Open what was kept, in this run or an earlier one."""

    @abstractmethod
    def forget(self, paths: Sequence[str]) -> None:
        """Delete files that were created and not staged. Raises nothing: the next start cleans up too."""

    @abstractmethod
    def close(self) -> None:
        """Release what was opened."""


class Store(ABC):
    """The place of a sink. Its methods may be called from any process, and again after a crash."""

    @abstractmethod
    def open(self, owner: str, durable: bool, where: str) -> Stage:
        """Return the stage of one task; sweep what dead owners that were not durable have left."""

    @abstractmethod
    def publish(self, files: Sequence[Staged]) -> None:
        """Make staged files visible. Idempotent; never replaces a file.

        Raises:
            Terminal: A staged file is gone or damaged, or its final name is taken.
        """

    @abstractmethod
    def discard(self, files: Sequence[Staged]) -> None:
        """Delete staged files. Idempotent."""

    @abstractmethod
    def list_staged(self, owner: str) -> list[Staged]:
        """Return everything that `owner` has staged, prepared or not."""

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Write a small file whole, with the folders above it; one with the same name is replaced."""
