"""Files behind any fsspec URL: object stores, HDFS, SFTP, HTTP and whatever else has a file system."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from raystreaming.connector import ConnectorError, Retryable, Terminal
from raystreaming_files.discover import Found, hidden
from raystreaming_files.disk import Disk
from raystreaming_files.paths import revealed

_READ_AHEAD = 4 << 20
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, TypeError, ValueError)
_FIXES: dict[type[Exception], str] = {
    FileNotFoundError: "check the URL; bucket and path must exist",
    PermissionError: "check the credentials in storage_options and what they allow",
}


class Remote:
    """The file system of a URL, with the credentials kept out of all messages.

    Args:
        url: The URL.
        storage_options: What its fsspec file system takes.

    Attributes:
        fs: The file system. Caches no listings: what appears is to be seen.
        scheme: The URL's scheme.
    """

    def __init__(self, url: str, storage_options: Mapping[str, Any]) -> None:
        import fsspec

        self.scheme = url.partition("://")[0].lower()
        options = revealed(storage_options)
        self._secrets = [s for s in _texts(options) if len(s) >= 4]
        try:
            cls = fsspec.get_filesystem_class(self.scheme)
            self.fs: Any = cls(**{"use_listings_cache": False, **cls._get_kwargs_from_urls(url), **options})
        except ImportError as error:
            raise Terminal(
                f"cannot use {self.scheme}:// URLs: {error}; install that package"
                + (": pip install 'raystreaming-files[s3]'" if self.scheme in ("s3", "s3a") else "")
            ) from error
        except Exception as error:
            raise self.fault("open the file system of", url, "storage_options", error) from None

    def inner(self, url: str) -> str:
        """Return the name that the file system uses for a URL."""
        name: str = self.fs._strip_protocol(url)
        return name

    def url(self, name: str) -> str:
        """Return the URL of a file system's name."""
        return name if name.startswith(f"{self.scheme}://") else f"{self.scheme}://{name}"

    def fault(self, what: str, path: str, where: str, error: Exception) -> ConnectorError:
        """Return the error to raise for `error`: what failed, where, why, and what to do."""
        if isinstance(error, ConnectorError):
            return error
        self._scrub(error)
        why = str(error) or type(error).__name__
        text = f"cannot {what} {path!r} ({where}): {type(error).__name__}: {why}"
        if isinstance(error, _FINAL) or "Credentials" in type(error).__name__:
            fix = next(
                (f for t, f in _FIXES.items() if isinstance(error, t)), "check path= and storage_options"
            )
            return Terminal(f"{text}; {fix}")
        return Retryable(f"{text}; this may pass, the job will try again")

    def _scrub(self, error: BaseException | None) -> None:
        """Take the secrets out of an error and of those that led to it: they are all shown together."""
        while error is not None:
            error.args = tuple(self._clean(a) if isinstance(a, str) else a for a in error.args)
            if isinstance(error, OSError) and isinstance(error.strerror, str):
                error.strerror = self._clean(error.strerror)
            error = error.__cause__ or error.__context__

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _texts(options: Any) -> Iterator[str]:
    """Yield all texts in storage options: any of them may be a secret."""
    if isinstance(options, str):
        yield options
    elif isinstance(options, Mapping):
        for value in options.values():
            yield from _texts(value)
    elif isinstance(options, list):
        for value in options:
            yield from _texts(value)


class RemoteDisk(Disk):
    """Reads files of a remote file system."""

    def __init__(self, url: str, storage_options: Mapping[str, Any]) -> None:
        self._remote = Remote(url, storage_options)

    def find(self, path: str) -> list[Found]:
        try:
            return sorted(self._find(path), key=lambda f: f.path)
        except Exception as error:
            raise self.fault("read", path, "files source", error) from None

    def _find(self, url: str) -> Iterator[Found]:
        fs, path = self._remote.fs, self._remote.inner(url)
        fs.invalidate_cache()
        if glob.has_magic(path):
            base = path
            while glob.has_magic(base):
                base = base.rpartition("/")[0]
            matches: dict[str, Any] = fs.glob(path, detail=True)
            if not matches:
                raise Terminal(
                    f"no file matches {url!r} (files source): check the URL, and quote the pattern if a "
                    "shell could expand it"
                )
            for name, info in matches.items():
                if info["type"] == "directory" and "**" not in path:
                    yield from self._below(name, base)
                elif info["type"] == "file":
                    yield from self._visible({name: info}, base)
            return
        info = fs.info(path)
        if info["type"] == "directory":
            yield from self._below(path, path)
        else:
            yield Found(self._remote.url(path), path.rpartition("/")[2], info["size"])

    def _below(self, folder: str, base: str) -> Iterator[Found]:
        return self._visible(self._remote.fs.find(folder, detail=True), base)

    def _visible(self, infos: Mapping[str, Any], base: str) -> Iterator[Found]:
        for name, info in infos.items():
            relative = name.removeprefix(base).lstrip("/")
            if not any(map(hidden, relative.split("/"))) and not name.endswith("/"):
                yield Found(self._remote.url(name), relative, info["size"])

    def open(self, path: str) -> BinaryIO:
        file: BinaryIO = self._remote.fs.open(self._remote.inner(path), "rb", block_size=_READ_AHEAD)
        return file

    def size(self, path: str) -> int:
        self._remote.fs.invalidate_cache()
        size: int = self._remote.fs.info(self._remote.inner(path))["size"]
        return size

    def fault(self, what: str, path: str, where: str, error: Exception) -> ConnectorError:
        return self._remote.fault(what, path, where, error)
