"""The files of a job on their way to its workers: in pieces, by content, through the store of Ray's head.

What an actor is given belongs to the program that made it, and is lost with that program's node; this is
there for as long as the job, whose workers come and go.
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
        data = file.path.read_bytes()
        name = hashlib.sha256(data).hexdigest()
        for start in range(0, max(1, len(data)), PIECE):
            piece = data[start : start + PIECE]
            store._internal_kv_put(f"{job}/{name}/{start // PIECE}", piece, namespace=_STORE)


def fetch(job: str, sha256: str, suffix: str) -> JobFile:
    """Return a file that was sent; from the store if this machine does not have it.

    Raises:
        JobError: It is not there, or not whole.
    """
    path = kept_at(sha256, suffix)
    if path.exists():
        return JobFile(path)
    data = bytearray()
    while piece := store._internal_kv_get(f"{job}/{sha256}/{len(data) // PIECE}", namespace=_STORE):
        data += piece
        if len(piece) < PIECE:
            break
    if hashlib.sha256(data).hexdigest() != sha256:
        raise JobError(
            f"a file of job {job!r} ({sha256[:12]}..{suffix}) is not in the store of Ray's head, or not "
            f"whole: the head has lost its memory, or the job was ended meanwhile. Submit the job again"
        )
    return JobFile.of(bytes(data), suffix)


def forget(job: str) -> None:
    """Remove the files of a job that is over."""
    store._internal_kv_del(f"{job}/", del_by_prefix=True, namespace=_STORE)
