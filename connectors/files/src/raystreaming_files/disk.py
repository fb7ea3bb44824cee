"""Where files are read from: the disks of this machine here, any fsspec URL in `remote`."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from raystreaming.connector import ConnectorError, Terminal
from raystreaming_files.arrow import NativeFile, pa
from raystreaming_files.discover import Found, find_files
from raystreaming_files.faults import os_fault
from raystreaming_files.paths import is_remote


class Disk(ABC):
    """A place with files."""

    @abstractmethod
    def find(self, path: str) -> list[Found]:
        """Return the files of a path, a folder or a glob, sorted by path.

        Raises:
            Terminal: There is no such path, or it cannot be read.
            Retryable: The place does not answer.
        """

    @abstractmethod
    def open(self, path: str) -> BinaryIO:
        """Open a file for reading, unbuffered."""

    def open_arrow(self, path: str) -> NativeFile:
        """Open a file for Arrow's readers."""
        return pa.PythonFile(self.open(path), "r")

    @abstractmethod
    def size(self, path: str) -> int:
        """Return the size of a file."""

    @abstractmethod
    def fault(self, what: str, path: str, where: str, error: Exception) -> ConnectorError:
        """Return the error to raise for `error`, which came from this place."""


class LocalDisk(Disk):
    """The disks of this machine."""

    def find(self, path: str) -> list[Found]:
        return find_files(path)

    def open(self, path: str) -> BinaryIO:
        return open(path, "rb", buffering=0)

    def open_arrow(self, path: str) -> NativeFile:
        return pa.OSFile(path)

    def size(self, path: str) -> int:
        return os.stat(path).st_size

    def fault(self, what: str, path: str, where: str, error: Exception) -> ConnectorError:
        if isinstance(error, OSError):
            return os_fault(what, path, where, error)
        return Terminal(f"cannot {what} {path!r} ({where}): {error}")


def disk_of(path: str, storage_options: Mapping[str, Any]) -> Disk:
    """Return the disk of a path or URL that has been checked."""
    if not is_remote(path):
        return LocalDisk()
    from raystreaming_files.remote import RemoteDisk

    return RemoteDisk(path, storage_options)


@dataclass(frozen=True, slots=True)
class Input:
    """The file of a split, as it was planned.

    Attributes:
        disk: Where it is.
        path: Its path or URL.
        size: Its bytes when it was planned.
        where: Id of the operator, for messages.
    """

    disk: Disk
    path: str
    size: int
    where: str

    def open(self) -> BinaryIO:
        """Open a file that may have grown since."""
        try:
            return self.disk.open(self.path)
        except Exception as error:
            raise self.fault(error) from error

    def open_unchanged(self) -> BinaryIO:
        """Open a file that must have the size it had."""
        self._check()
        return self.open()

    def open_arrow(self) -> NativeFile:
        """Open a file that must have the size it had for Arrow's readers."""
        self._check()
        try:
            return self.disk.open_arrow(self.path)
        except Exception as error:
            raise self.fault(error) from error

    def _check(self) -> None:
        try:
            size = self.disk.size(self.path)
        except Exception as error:
            raise self.fault(error) from error
        if size == self.size:
            return
        raise Terminal(
            f"{self.path!r} has {size} bytes, {self.size} were planned ({self.where}): it was cut or "
            "replaced while the job ran, so positions in it no longer fit; put it "
            "back, or start over with --fresh"
        )

    def fault(self, error: Exception) -> ConnectorError:
        """Return the error to raise where reading failed."""
        return self.disk.fault("read", self.path, self.where, error)
