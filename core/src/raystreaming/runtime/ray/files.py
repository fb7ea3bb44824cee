"""A job and its files on their way to its actors: in pieces, by content, through the store of Ray's head.

What an actor is given in the making belongs to the program that made it, if it has more than 100 KB: Ray
cannot start a master again when that program has ended. What is here is there for as long as the job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from ray.experimental import internal_kv

from raystreaming.connector.job_file import JobFile, kept_at
from raystreaming.errors import JobError

PIECE = 16_000_000
"""Bytes of a piece; Ray takes messages of up to 512 MB."""

_STORE = "raystreaming-files"

store: Any = internal_kv  # its types know bytes alone


def send(job: str, files: Iterable[JobFile]) -> None:
    """Put files where the workers of a job find them."""
    for file in files:
        send_bytes(job, file.path.read_bytes())


def send_bytes(job: str, data: bytes) -> str:
    """Put bytes where the actors of a job find them; return their hash, which is their name."""
    sha256 = hashlib.sha256(data).hexdigest()
    for start in range(0, max(1, len(data)), PIECE):
        piece = data[start : start + PIECE]
        store._internal_kv_put(f"{job}/{sha256}/{start // PIECE}", piece, namespace=_STORE)
    return sha256


def fetch(job: str, sha256: str, suffix: str) -> JobFile:
    """Return a file that was sent; from the store if this machine does not have it.

    Raises:
        JobError: It is not there, or not whole.
    """
    path = kept_at(sha256, suffix)
    return JobFile(path) if path.exists() else JobFile.of(fetch_bytes(job, sha256), suffix)


def fetch_bytes(job: str, sha256: str) -> bytes:
    """Return bytes that were sent.

    Raises:
        JobError: They are not there, or not whole.
    """
    data = bytearray()
    while piece := store._internal_kv_get(f"{job}/{sha256}/{len(data) // PIECE}", namespace=_STORE):
        data += piece
        if len(piece) < PIECE:
            break
    if hashlib.sha256(data).hexdigest() != sha256:
        raise JobError(
            f"job {job!r} ({sha256[:12]}) is not in the store of Ray's head, or not whole: the head has lost "
            f"its memory, or the job was ended meanwhile. Submit the job again"
        )
    return bytes(data)


def forget(job: str) -> None:
    """Remove the files of a job that is over."""
    store._internal_kv_del(f"{job}/", del_by_prefix=True, namespace=_STORE)
