"""`Place`: where checkpoint files live. What they need of it is an atomic exclusive create."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from raystreaming.errors import CheckpointError, CheckpointNotWritten, JobLocked
from raystreaming.failpoints import reach

_TEMPORARY = re.compile(r"\.(checkpoint|state)-.*\.\d+")
"""Files that a killed run had not finished."""

CONDITIONAL_CREATE = {"memory"}
"""fsspec protocols whose exclusive create has been proven by tests."""


class Place(ABC):
    """A flat folder of files that survive a crash once a call has returned."""

    name: str

    exclusive = False
    """Whether `lock` keeps every other run away, so that what is open belongs to this run."""

    @abstractmethod
    def create(self, file: str, data: bytes) -> None:
        """Write a file all at once, or raise FileExistsError; readers never see half of it."""

    @abstractmethod
    def read(self, file: str) -> bytes:
        """Return a file's content; FileNotFoundError if there is none."""

    @abstractmethod
    def list(self) -> list[str]:
        """Return the names of all files, sorted."""

    @abstractmethod
    def delete(self, file: str) -> None:
        """Remove a file; no error if it is gone."""

    def written_at(self, file: str) -> float | None:
        """Return when a file was written, in seconds since 1970; None where that is not known."""
        return None

    def lock(self) -> None:  # noqa: B027 - only local places can
        """Refuse a second live run where that can be known; else the manifests fence it out."""

    def sweep(self, tasks_run: bool = False) -> None:  # noqa: B027
        """Remove what killed processes had not finished.

        Args:
            tasks_run: Whether some of the job's tasks run, and so may be writing their state.
        """

    def unlock(self) -> None:  # noqa: B027
        """Give the lock back."""


class LocalPlace(Place):
    """A folder on a disk of this machine, locked while a run lives."""

    exclusive = True

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder).absolute()
        self.name = str(self._folder)
        self._lock: int | None = None

    def create(self, file: str, data: bytes) -> None:
        temporary = self._folder / f".{file}.{os.getpid()}"
        try:
            with temporary.open("wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            reach("file.written")
            os.link(temporary, self._folder / file)
            self._sync_folder()
        except FileExistsError:
            raise
        except OSError as error:
            raise CheckpointNotWritten(
                f"checkpoint file {self.name}/{file} could not be written: {error}. Free space or "
                f"mend the folder, then run the same command again: nothing is lost"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)

    def read(self, file: str) -> bytes:
        return (self._folder / file).read_bytes()

    def list(self) -> list[str]:
        return sorted(e for e in os.listdir(self._folder) if not e.startswith("."))

    def delete(self, file: str) -> None:
        (self._folder / file).unlink(missing_ok=True)

    def written_at(self, file: str) -> float:
        return (self._folder / file).stat().st_mtime

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def lock(self) -> None:
        import fcntl

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise CheckpointError(
                f"checkpoint folder {self.name} cannot be used: {error}. "
                f"Choose another checkpoint_dir, or mend its permissions"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(handle, 100, 0).decode(errors="replace").strip()
            os.close(handle)
            raise JobLocked(
                f"checkpoint folder {self.name} is in use by another run of this job"
                f"{f' (process {owner})' if owner else ''}: stop that run first, "
                f"or give this job another name or checkpoint_dir"
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        self._lock = handle

    def sweep(self, tasks_run: bool = False) -> None:
        for leftover in self._folder.glob(".*.*"):
            found = _TEMPORARY.fullmatch(leftover.name)
            if found is not None and not (tasks_run and found[1] == "state"):
                leftover.unlink(missing_ok=True)

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class MemoryPlace(Place):
    """Files in this process's memory: for jobs without a checkpoint folder."""

    name = "memory"
    exclusive = True

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def create(self, file: str, data: bytes) -> None:
        if file in self._files:
            raise FileExistsError(file)
        self._files[file] = data

    def read(self, file: str) -> bytes:
        try:
            return self._files[file]
        except KeyError:
            raise FileNotFoundError(file) from None

    def list(self) -> list[str]:
        return sorted(self._files)

    def delete(self, file: str) -> None:
        self._files.pop(file, None)

    def pop(self, file: str) -> bytes:
        """Return a file's content and forget it."""
        return self._files.pop(file)


class FsspecPlace(Place):
    """A folder in any fsspec file system that can create a file only if it is not there."""

    def __init__(self, url: str) -> None:
        # From the URL, not from the file system: that may need a package which is not installed.
        protocol = re.split("://|::", url, maxsplit=1)[0]
        if protocol not in CONDITIONAL_CREATE:
            raise CheckpointError(
                f"checkpoint_dir {protocol}://... cannot be used: a checkpoint needs a place that "
                f"creates a file only if it does not exist, and that is not proven for {protocol!r} "
                f"yet. Use a folder on a local or shared disk"
            )
        import fsspec

        fs: Any
        fs, folder = fsspec.core.url_to_fs(url)
        self._fs, self._folder, self.name = fs, folder.rstrip("/"), f"{protocol}://{folder}"

    def _path(self, file: str) -> str:
        return f"{self._folder}/{file}"

    def create(self, file: str, data: bytes) -> None:
        self._fs.pipe_file(self._path(file), data, mode="create")

    def read(self, file: str) -> bytes:
        data: bytes = self._fs.cat_file(self._path(file))
        return data

    def list(self) -> list[str]:
        if not self._fs.exists(self._folder):
            return []
        self._fs.invalidate_cache(self._folder)
        return sorted(str(p).rsplit("/", 1)[-1] for p in self._fs.ls(self._folder, detail=False))

    def written_at(self, file: str) -> float | None:
        try:
            return float(self._fs.modified(self._path(file)).timestamp())
        except NotImplementedError:
            return None

    def delete(self, file: str) -> None:
        if self._fs.exists(self._path(file)):
            self._fs.rm_file(self._path(file))


def open_place(root: str | os.PathLike[str] | None, job: str) -> Place:
    """Return the place of a job's checkpoints below `root`; memory if that is None."""
    if root is None:
        return MemoryPlace()
    text = os.fspath(root)
    if "://" in text and not text.startswith("file://"):
        return FsspecPlace(f"{text.rstrip('/')}/{job}")
    return LocalPlace(Path(text.removeprefix("file://")) / job)
