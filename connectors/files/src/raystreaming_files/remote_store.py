"""Staged files in object stores and other remote file systems, and how they become visible exactly once.

Files are written to a temporary folder of this machine and sent off when their epoch ends.

- On S3 they are sent as multi-part uploads, which nobody sees; a commit completes them.
- Elsewhere they are staged below ``<url>/.raystreaming/<owner>/``. Object stores copy an object as a
  whole: a commit copies, then deletes. Other file systems rename.

Every step may be repeated after a crash.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

from raystreaming.connector import Terminal
from raystreaming.failpoints import reach
from raystreaming_files import liveness
from raystreaming_files.faults import os_fault
from raystreaming_files.remote import Remote
from raystreaming_files.staging import STAGING, Stage, Staged, Store, Written

_S3 = {"s3", "s3a"}
_COPIES_WHOLE = {"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oss"}
_PART_BYTES = 32 << 20


def remote_store(url: str, storage_options: Mapping[str, Any]) -> RemoteStore:
    """Return the store of a URL.

    Raises:
        Terminal: That place cannot make a file visible as a whole.
    """
    remote = Remote(url, storage_options)
    if remote.scheme in _S3:
        return UploadStore(remote, url)
    if remote.scheme in _COPIES_WHOLE:
        return CopyStore(remote, url)
    from fsspec import AbstractFileSystem

    cls = type(remote.fs)
    if cls.mv is AbstractFileSystem.mv:
        raise Terminal(
            f"cannot write to {url!r} (files sink): {remote.scheme!r} can neither rename files nor copy them "
            "as a whole, so readers would see half of them; write to an object store or a local disk"
        )
    return RenameStore(remote, url)


class RemoteStore(Store):
    """What the remote places share.

    Args:
        remote: The file system.
        url: The sink's path.
    """

    def __init__(self, remote: Remote, url: str) -> None:
        self._remote = remote
        self._url = url
        self._root = remote.inner(url).rstrip("/")

    def open(self, owner: str, durable: bool, where: str) -> Stage:
        return RemoteStage(self, owner, where)

    def staged(self, name: str, owner: str) -> str:
        """Return where a staged file is, relative to the sink's path."""
        return f"{STAGING}/{owner_tag(owner)}/{name}"

    def put_staged(self, path: str, staged: str) -> None:
        """Send a file of this machine to where staged files are."""
        target = f"{self._root}/{staged}"
        self._remote.fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._remote.fs.put_file(path, target)

    def open_staged(self, staged: str) -> BinaryIO:
        """Open a staged file."""
        self._remote.fs.invalidate_cache()
        file: BinaryIO = self._remote.fs.open(f"{self._root}/{staged}", "rb")
        return file

    def remove_staged(self, file: Staged) -> None:
        """Delete a file where staged files are, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._remote.fs.rm_file(f"{self._root}/{file.staged}")

    def find_staged(self, owner: str) -> list[Staged]:
        """Return the files of `owner` where staged files are."""
        folder = f"{self._root}/{STAGING}/{owner_tag(owner)}"
        self._remote.fs.invalidate_cache()
        infos: dict[str, Any] = self._remote.fs.find(folder, detail=True)
        return [
            Staged(name.removeprefix(self._root).lstrip("/"), "", 0, info["size"])
            for name, info in sorted(infos.items())
        ]

    @abstractmethod
    def send(self, file: Written, owner: str) -> Staged:
        """Stage a finished file."""

    @abstractmethod
    def publish_one(self, file: Staged) -> None:
        """Make a staged file visible. Idempotent."""

    @abstractmethod
    def discard_one(self, file: Staged) -> None:
        """Delete a staged file. Idempotent."""

    def publish(self, files: Sequence[Staged]) -> None:
        for file in files:
            if not file.final:
                raise Terminal(
                    f"cannot publish {file.staged!r} in {self._url!r} (files sink, commit): it was found "
                    "open, not prepared; such files can only be aborted"
                )
            self.attempt("publish", file.final, "files sink, commit", partial(self.publish_one, file))
            reach("commit.file")
        reach("commit.files_linked")

    def discard(self, files: Sequence[Staged]) -> None:
        for file in files:
            self.attempt("delete", file.staged, "files sink, abort", partial(self.discard_one, file))

    def put(self, name: str, data: bytes) -> None:
        path = f"{self._root}/{name}"

        def put() -> None:
            self._remote.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._remote.fs.pipe_file(path, data)

        self.attempt("write", name, "files sink, commit", put)

    def attempt(self, what: str, name: str, where: str, work: Callable[[], Any]) -> Any:
        """Do something in the remote place; its errors are named, without secrets."""
        try:
            return work()
        except Exception as error:
            raise self._remote.fault(what, f"{self._url}/{name}", where, error) from None

    def _gone(self, file: Staged) -> Terminal:
        return Terminal(
            f"'{self._url}/{file.final}' cannot be published (files sink, commit): a checkpoint counts on "
            f"it, but what was staged, {file.staged!r}, is gone, or has another size than {file.size}; go "
            "back to an older checkpoint, or start over with --fresh"
        )

    def _size(self, path: str) -> int | None:
        try:
            size: int = self._remote.fs.info(path)["size"]
        except FileNotFoundError:
            return None
        return size


class RemoteStage(Stage):
    """Files of one task: in a temporary folder first."""

    def __init__(self, store: RemoteStore, owner: str, where: str) -> None:
        self._store = store
        self._owner = owner
        self._where = where
        self.tag = owner_tag(owner) + "-"
        here = os.path.join(tempfile.gettempdir(), f"raystreaming-files-{os.getuid()}")
        self.folder = os.path.join(here, f"{self.tag}{secrets.token_hex(4)}{liveness.SUFFIX}")
        try:
            os.makedirs(here, mode=0o700, exist_ok=True)
            liveness.enter(self.folder, durable=False)
        except OSError as error:
            raise os_fault("write to", here, where, error) from error
        liveness.sweep(here, self.folder)

    def create(self, name: str) -> tuple[str, BinaryIO]:
        path = os.path.join(self.folder, name)
        return path, open(path, "xb", buffering=1 << 20)

    def stage(self, files: Sequence[Written]) -> list[Staged]:
        staged: list[Staged] = []
        for file in files:
            send = partial(self._store.send, file, self._owner)
            staged.append(self._store.attempt("send", file.final, self._where, send))
            os.unlink(file.path)
        return staged

    def kept(self, path: str) -> Staged:
        return Staged(self._store.staged(os.path.basename(path), self._owner), "", 0, 0)

    def keep(self, path: str) -> None:
        put = partial(self._store.put_staged, path, self.kept(path).staged)
        self._store.attempt("send", os.path.basename(path), self._where, put)
        os.unlink(path)

    def open_kept(self, file: Staged) -> BinaryIO:
        opening = partial(self._store.open_staged, file.staged)
        opened: BinaryIO = self._store.attempt("read", file.staged, self._where, opening)
        return opened

    def forget(self, paths: Sequence[str]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):  # Another start sweeps it when this process has ended.
                os.unlink(path)

    def close(self) -> None:
        liveness.leave(self.folder)
        liveness.tidy(self.folder)


def owner_tag(owner: str) -> str:
    """Return a short word for an owner that is safe in names."""
    return hashlib.sha256(owner.encode()).hexdigest()[:10]


class CopyStore(RemoteStore):
    """Staged objects that a commit copies to their names."""

    def send(self, file: Written, owner: str) -> Staged:
        staged = self.staged(file.final.rpartition("/")[2], owner)
        self.put_staged(file.path, staged)
        return Staged(staged, file.final, file.rows, file.size)

    def publish_one(self, file: Staged) -> None:
        staged, final = f"{self._root}/{file.staged}", f"{self._root}/{file.final}"
        self._remote.fs.invalidate_cache()
        there = self._size(final)
        if there != file.size:
            if there is not None or self._size(staged) != file.size:
                raise self._gone(file)
            self._remote.fs.makedirs(final.rpartition("/")[0], exist_ok=True)
            self._move(staged, final)
        self.discard_one(file)
        reach("commit.file_unstaged")

    def _move(self, staged: str, final: str) -> None:
        self._remote.fs.cp_file(staged, final)

    def discard_one(self, file: Staged) -> None:
        self.remove_staged(file)

    def list_staged(self, owner: str) -> list[Staged]:
        found = partial(self.find_staged, owner)
        files: list[Staged] = self.attempt("list", STAGING, "files sink, list_open", found)
        return files


class RenameStore(CopyStore):
    """Staged files that a commit renames."""

    def _move(self, staged: str, final: str) -> None:
        self._remote.fs.mv(staged, final)


class UploadStore(RemoteStore):
    """Multi-part uploads that a commit completes; journals are objects."""

    def __init__(self, remote: Remote, url: str) -> None:
        super().__init__(remote, url)
        self._bucket, _, self._prefix = self._root.partition("/")

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name

    def _call(self, method: str, key: str, **arguments: Any) -> Any:
        return self._remote.fs.call_s3(method, Bucket=self._bucket, Key=key, **arguments)

    def send(self, file: Written, owner: str) -> Staged:
        key = self._key(file.final)
        upload: str = self._call("create_multipart_upload", key)["UploadId"]
        tags: list[str] = []
        with open(file.path, "rb") as content:
            while part := content.read(_PART_BYTES):
                number = len(tags) + 1
                sent = self._call("upload_part", key, UploadId=upload, PartNumber=number, Body=part)
                tags.append(sent["ETag"])
        return Staged(upload, file.final, file.rows, file.size, tags)

    def publish_one(self, file: Staged) -> None:
        key = self._key(file.final)
        parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(file.parts, 1)]
        try:
            self._call(
                "complete_multipart_upload", key, UploadId=file.staged, MultipartUpload={"Parts": parts}
            )
        except FileNotFoundError:  # No such upload: completed before, or aborted.
            self._remote.fs.invalidate_cache()
            if self._size(f"{self._root}/{file.final}") != file.size:
                raise self._gone(file) from None

    def discard_one(self, file: Staged) -> None:
        if file.staged.startswith(f"{STAGING}/"):
            self.remove_staged(file)
            return
        upload, _, key = file.staged.partition(" ")
        with contextlib.suppress(FileNotFoundError):
            self._call("abort_multipart_upload", key or self._key(file.final), UploadId=upload)

    def list_staged(self, owner: str) -> list[Staged]:
        word = f"part-{owner_tag(owner)}-"
        prefix = f"{self._prefix}/" if self._prefix else ""

        def found() -> list[Staged]:
            files = self.find_staged(owner)
            marker: dict[str, str] = {}
            while True:
                page: Any = self._remote.fs.call_s3(
                    "list_multipart_uploads", Bucket=self._bucket, Prefix=prefix, **marker
                )
                for upload in page.get("Uploads", ()):
                    key: str = upload["Key"]
                    if key.rpartition("/")[2].startswith(word):
                        files.append(Staged(f"{upload['UploadId']} {key}", "", 0, 0))
                if not page.get("IsTruncated"):
                    return files
                marker = {
                    "KeyMarker": page["NextKeyMarker"],
                    "UploadIdMarker": page.get("NextUploadIdMarker", ""),
                }

        listed: list[Staged] = self.attempt("list", "", "files sink, list_open", found)
        return listed
