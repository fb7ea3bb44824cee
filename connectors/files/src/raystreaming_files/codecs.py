"""Compression of line formats, told by the ends of file names."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from raystreaming_files.arrow import pa

SUFFIXES = {"gzip": ".gz", "zstd": ".zst", "bz2": ".bz2", "lz4": ".lz4", "brotli": ".br"}
"""What ends the names of compressed files, by codec."""

_BY_SUFFIX = {suffix: codec for codec, suffix in SUFFIXES.items()}


def codec_of(path: str) -> str | None:
    """Return the codec that the end of a name tells, None for plain files."""
    name = path.rsplit("/", 1)[-1].lower()
    return next((codec for suffix, codec in _BY_SUFFIX.items() if name.endswith(suffix)), None)


class Decompressor:
    """What a compressed file holds, in order. Several compressed parts in a row are one content."""

    def __init__(self, raw: BinaryIO, codec: str) -> None:
        self._raw = raw
        self._stream: Any = pa.CompressedInputStream(pa.PythonFile(raw, "r"), codec)

    def read(self, count: int) -> bytes:
        """Return the next bytes; fewer than `count` only at the end.

        Raises:
            OSError: The file is damaged or cut.
        """
        data: bytes = self._stream.read(count)
        return data

    def skip(self, count: int) -> int:
        """Leave bytes out; return how many there were."""
        left = count
        while left and (piece := self._stream.read(min(left, 1 << 20))):
            left -= len(piece)
        return count - left

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._raw.close()


class _KeptOpen(io.RawIOBase):
    """Hands bytes on; being closed, it leaves the file open: its size is still to be asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)


class Compressor:
    """Compresses what is written to a file. `finish` ends the compressed part and leaves the file open."""

    def __init__(self, file: BinaryIO, codec: str) -> None:
        self._stream: Any = pa.CompressedOutputStream(pa.PythonFile(_KeptOpen(file), "w"), codec)

    def write(self, data: bytes) -> None:
        """Take bytes over."""
        self._stream.write(data)

    def finish(self) -> None:
        """Write what is left."""
        self._stream.close()


class Plain:
    """A file that is written as it is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        """Write bytes."""
        self._file.write(data)

    def finish(self) -> None:
        """Nothing is left."""


def output(file: BinaryIO, codec: str | None) -> Compressor | Plain:
    """Return what compresses to `file`, or writes to it as it is."""
    return Plain(file) if codec is None else Compressor(file, codec)
