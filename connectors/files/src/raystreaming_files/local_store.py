"""Staged files on local disks: where they lie, and how they become visible exactly once.

``<path>/.raystreaming/<owner>/`` holds what is written and not yet committed; readers leave hidden
folders out. A commit gives each file its final name by a hard link, which never replaces anything,
then removes the staged name. Every step may be repeated after a crash.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import BinaryIO
from urllib.parse import quote

from raystreaming.connector import Terminal
from raystreaming.failpoints import reach
from raystreaming_files import liveness
from raystreaming_files.faults import os_fault
from raystreaming_files.staging import STAGING, Stage, Staged, Store, Written

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


def owner_folder(root: str, owner: str, durable: bool) -> str:
    """Return the staging folder of `owner`, whatever its name holds.

    A fleeting owner never shares the folder of a durable one of the same name, so that nobody can
    sweep what a checkpoint counts on.
    """
    name = quote(owner, safe=" ").replace(".", "%2E") or "%"
    if len(name) > 200:
        name = name[:150] + "-" + hashlib.sha256(owner.encode()).hexdigest()[:32]
    return os.path.join(root, STAGING, name if durable else name + liveness.SUFFIX)


def create(path: str) -> BinaryIO:
    """Create a staged file, with its folder; it must not exist."""
    for _ in range(100):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:  # Commits remove the folder when it is empty.
            os.makedirs(os.path.dirname(path), exist_ok=True)
        else:
            return os.fdopen(handle, "wb", buffering=1 << 20)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def sync(path: str) -> None:
    """Put a file or a folder on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: str) -> None:
    """Make a folder with those above it, so that they are there after a power failure too."""
    made: list[str] = []
    above = path
    while not os.path.isdir(above):
        above = os.path.dirname(above)
        made.append(above)
    os.makedirs(path, exist_ok=True)
    for folder in made:
        sync(folder)


class LocalStore(Store):
    """A folder on a disk that every process of the job sees.

    Args:
        root: The sink's path.
    """

    def __init__(self, root: str) -> None:
        self._root = root

    def open(self, owner: str, durable: bool, where: str) -> Stage:
        return LocalStage(self._root, owner_folder(self._root, owner, durable), durable, where)

    def publish(self, files: Sequence[Staged]) -> None:
        publish(self._root, files)

    def discard(self, files: Sequence[Staged]) -> None:
        discard(self._root, files)

    def list_staged(self, owner: str) -> list[Staged]:
        return list_staged(self._root, owner)

    def put(self, name: str, data: bytes) -> None:
        path = os.path.join(self._root, name)
        folder, base = os.path.split(path)
        temporary = os.path.join(folder, f".{base}.{os.getpid()}")
        try:
            make_folder(folder)
            with open(temporary, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            sync(folder)
        except OSError as error:
            raise os_fault("write", path, "files sink, commit", error) from error


class LocalStage(Stage):
    """The folder of an owner."""

    def __init__(self, root: str, folder: str, durable: bool, where: str) -> None:
        self._root = root
        self.folder = folder
        try:
            make_folder(root)
            liveness.enter(folder, durable)
        except OSError as error:
            raise os_fault("write to", root, where, error) from error
        liveness.sweep(os.path.join(root, STAGING), folder)

    def create(self, name: str) -> tuple[str, BinaryIO]:
        path = os.path.join(self.folder, name)
        return path, create(path)

    appends = True

    def kept(self, path: str) -> Staged:
        return Staged(os.path.relpath(path, self._root), "", 0, 0)

    def keep(self, path: str) -> None:
        sync(path)
        self._sync_folders()

    def open_kept(self, file: Staged) -> BinaryIO:
        return open(os.path.join(self._root, file.staged), "rb")

    def _sync_folders(self) -> None:
        for folder in (self.folder, os.path.dirname(self.folder), self._root):
            sync(folder)

    def stage(self, files: Sequence[Written]) -> list[Staged]:
        for file in files:
            sync(file.path)
        if files:
            self._sync_folders()
        return [Staged(os.path.relpath(f.path, self._root), f.final, f.rows, f.size) for f in files]

    def forget(self, paths: Sequence[str]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):  # The next start lists and aborts it.
                os.unlink(path)

    def close(self) -> None:
        liveness.leave(self.folder)
        liveness.tidy(self.folder)


def publish(root: str, files: Iterable[Staged]) -> None:
    """Make staged files visible. Idempotent; never replaces a file.

    Raises:
        Terminal: A staged file is gone or damaged, or its final name is taken.
    """
    touched: set[str] = set()
    done: list[str] = []
    for file in files:
        staged, final = os.path.join(root, file.staged), os.path.join(root, file.final)
        if not file.final:
            raise Terminal(
                f"cannot publish {staged!r} (files sink, commit): it was found open, not prepared; such "
                "files "
                "can only be aborted"
            )
        try:
            if _link(staged, final, file.size):
                done.append(staged)
            reach("commit.file")
        except OSError as error:
            raise os_fault("publish", final, "files sink, commit", error) from error
        folder = os.path.dirname(final)
        while folder not in touched:
            touched.add(folder)
            if folder == root or not folder.startswith(root):
                break
            folder = os.path.dirname(folder)
    folders = {os.path.dirname(s) for s in done}
    try:
        for folder in sorted(touched, key=len, reverse=True):
            sync(folder)
        reach("commit.files_linked")
        for staged in done:
            _unlink(staged)
            reach("commit.file_unstaged")
    except OSError as error:
        raise os_fault("publish in", root, "files sink, commit", error) from error
    for folder in folders:
        liveness.tidy(folder)


def discard(root: str, files: Iterable[Staged]) -> None:
    """Delete staged files. Idempotent."""
    folders: set[str] = set()
    for file in files:
        staged = os.path.join(root, file.staged)
        folders.add(os.path.dirname(staged))
        try:
            _unlink(staged)
        except OSError as error:
            raise os_fault("delete", staged, "files sink, abort", error) from error
    for folder in folders:
        liveness.tidy(folder)


def list_staged(root: str, owner: str) -> list[Staged]:
    """Return everything that `owner` has staged, prepared or not."""
    found: list[Staged] = []
    for folder in (owner_folder(root, owner, True), owner_folder(root, owner, False)):
        try:
            with os.scandir(folder) as entries:
                sizes = {e.path: e.stat().st_size for e in entries if e.name != liveness.LOCK_NAME}
        except FileNotFoundError:
            continue
        except OSError as error:
            raise os_fault("list", folder, "files sink, list_open", error) from error
        found += [Staged(os.path.relpath(path, root), "", 0, sizes[path]) for path in sorted(sizes)]
    return found


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return None


def _link(staged: str, final: str, size: int) -> bool:
    """Give `staged` its final name; return whether the staged name is still there."""
    there = _size(staged)
    if there is None:
        if _size(final) == size:
            return False  # Committed before.
        raise Terminal(
            f"{final!r} cannot be published (files sink, commit): a checkpoint counts on it, but its staged "
            f"file {staged!r} is gone; restore that file, or go back to an older checkpoint, or start over "
            "with --fresh"
        )
    if there != size:
        raise Terminal(
            f"{final!r} cannot be published (files sink, commit): its staged file {staged!r} has {there} "
            "bytes "
            f"instead of {size}; somebody changed it or the disk lost data: restore that file, or go back to "
            "an older checkpoint"
        )
    os.makedirs(os.path.dirname(final), exist_ok=True)
    try:
        os.link(staged, final)
        return True
    except FileExistsError:
        if os.path.samefile(staged, final):
            return True  # A crash came between the link and the removal of the staged name.
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if _size(final) is None:  # A file system without hard links.
            os.rename(staged, final)
            return False
    raise Terminal(
        f"{final!r} cannot be published (files sink, commit): another file stands there, which this sink "
        "never "
        f"replaces; move it away, the staged file is {staged!r}"
    )
