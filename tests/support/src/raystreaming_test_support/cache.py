"""Folders that are made once and then shared by every process of this user."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def cache_root() -> Path:
    """Return `$RAYSTREAMING_CACHE`, or `~/.cache/raystreaming` where it is not set."""
    chosen = os.environ.get("RAYSTREAMING_CACHE")
    return Path(chosen).absolute() if chosen else Path.home() / ".cache/raystreaming"


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return `folder`, made by `make` if nobody has made it before.

    The folder is filled under another name and renamed when complete, so whoever sees
    it sees all of it. A lock keeps two processes from making it at the same time.

    Args:
        folder: Where the result belongs.
        make: Fills the empty folder it is given. When it raises, nothing is kept.

    Returns:
        `folder`, complete.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / f"{folder.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        unfinished = folder.parent / f"{folder.name}.unfinished"
        # We hold the lock, so what lies here was left by a process that died.
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        try:
            make(unfinished)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder
