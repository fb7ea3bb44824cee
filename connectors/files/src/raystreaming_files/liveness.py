"""Who is alive: the writers of this process by staging folder, and the locks of fleeting owners.

A job that will not find its checkpoints again leaves staged files that nobody will ever commit.
Each process of such a job holds a shared lock on a file in its staging folder; the kernel frees it
when the process dies, however it dies. Whoever gets the lock exclusively may sweep the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading

LOCK_NAME = "lock"
SUFFIX = ".live"
"""Ends the names of the folders of owners that are not durable; no others are ever swept."""

_guard = threading.Lock()
_writers: dict[str, int] = {}
_locks: dict[str, int] = {}
"""File descriptors of the shared locks that this process holds, by folder. They are closed, never
unlocked: a forked child has the same lock and must not release it for its parent."""


def enter(folder: str, durable: bool) -> None:
    """Register a writer that stages files in `folder`; an owner that is not durable gets its lock."""
    with _guard:
        _writers[folder] = _writers.get(folder, 0) + 1
        if not durable and folder not in _locks:
            try:
                _locks[folder] = _shared_lock(folder)
            except BaseException:
                _leave(folder)
                raise


def leave(folder: str) -> None:
    """Unregister a writer. The lock stays while there are staged files to be committed."""
    with _guard:
        _leave(folder)


def tidy(folder: str) -> None:
    """Remove the staging folder if no writer uses it and nothing is staged."""
    with _guard:
        if _writers.get(folder):
            return
        with contextlib.suppress(OSError):
            if set(os.listdir(folder)) <= {LOCK_NAME}:
                if (held := _locks.pop(folder, None)) is not None:
                    os.close(held)
                remove_if_dead(folder)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(folder))


def remove_if_dead(folder: str) -> bool:
    """Remove `folder` with everything in it, unless it has a lock that some process holds."""
    lock = os.path.join(folder, LOCK_NAME)
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        os.rmdir(folder)  # A durable owner's: only when empty.
        return True
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if not _is(handle, lock):  # Somebody else has swept it meanwhile.
            return False
        for name in os.listdir(folder):
            if name != LOCK_NAME:
                os.unlink(os.path.join(folder, name))
        os.unlink(lock)
        os.rmdir(folder)
        return True
    finally:
        os.close(handle)


def sweep(staging: str, own: str) -> list[str]:
    """Remove what dead owners that were not durable have left in `staging`; return their folders."""
    swept: list[str] = []
    try:
        names = sorted(os.listdir(staging))
    except FileNotFoundError:
        return swept
    for name in names:
        folder = os.path.join(staging, name)
        if folder != own and name.endswith(SUFFIX):
            with contextlib.suppress(OSError):  # Another sweeper was faster, or it is not ours to touch.
                if remove_if_dead(folder):
                    swept.append(folder)
    return swept


def _leave(folder: str) -> None:
    count = _writers.pop(folder, 0) - 1
    if count > 0:
        _writers[folder] = count


def _shared_lock(folder: str) -> int:
    lock = os.path.join(folder, LOCK_NAME)
    while True:
        os.makedirs(folder, exist_ok=True)
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:  # The folder was removed in between.
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            if _is(handle, lock):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # It was swept between opening and locking: begin again.


def _is(handle: int, path: str) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    here = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
