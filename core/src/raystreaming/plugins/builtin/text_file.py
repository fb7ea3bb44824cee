"""Lines of a text file as a source, without any other package."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import BinaryIO

from raystreaming.connector.options import option
from raystreaming.connector.source import (
    PlanContext,
    Reader,
    ReaderContext,
    Source,
    Split,
)
from raystreaming.plugins.builtin.text_columns import ColumnReader
from raystreaming.plugins.builtin.text_faults import readable, unreadable
from raystreaming.plugins.builtin.text_reader import MAX_BYTES, TextReader


class TextFileSource(Source[str]):
    """Reads the lines of one UTF-8 text file, without their line ends.

    Delivery: exactly once. Parallelism: one task reads. A restart goes on at the byte of the
    checkpoint; a finished job that is run again reads what was appended.
    """

    parallel = False
    columnar = True

    path: str | os.PathLike[str] = option(kw_only=False, doc="The file.")

    @property
    def bounded(self) -> bool:
        """True: the file is read up to the size it has at the start."""
        return True

    def plan(self, ctx: PlanContext) -> Sequence[Split]:
        """Return one split with the file's size.

        Raises:
            Terminal: The file cannot be read.
        """
        path = os.path.abspath(self.path)
        try:
            with open(path, "rb") as f:
                size = os.fstat(f.fileno()).st_size
        except OSError as error:
            raise unreadable(path, error) from error
        return [Split(path, {"stop": size})]

    def open(self, ctx: ReaderContext) -> Reader[str]:
        """Return a reader of lines, as rows or as the column ``value``."""
        return ColumnReader(ctx) if ctx.columnar else _LinesReader(ctx)


class _LinesReader(TextReader):
    """As rows."""

    def next_lines(
        self, file: BinaryIO, path: str, start: int, stop: int, limit: int
    ) -> tuple[list[str], int]:
        lines, size = self._within(file, limit, stop - start)
        return self._decoded(lines, path, start), size

    def _within(self, file: BinaryIO, limit: int, budget: int) -> tuple[list[bytes], int]:
        """Return at most `limit` lines of at most `budget` bytes together, and their size."""
        # readlines stops after the line in which the hint is passed: a few lines at a time.
        lines: list[bytes] = []
        size = 0
        while len(lines) < limit and size < min(budget, MAX_BYTES):
            wanted = limit - len(lines)
            mean = max(1, size // len(lines)) if lines else 64
            more = file.readlines(min(mean * wanted, budget - size, MAX_BYTES))
            if not more:
                break
            surplus = more[wanted:]
            if surplus:
                file.seek(-sum(map(len, surplus)), os.SEEK_CUR)
            lines += more[:wanted]
            size = sum(map(len, lines))
        if size > budget:  # the file has grown since it was planned: the last line is cut there
            size -= len(lines[-1])
            last = lines.pop()[: budget - size]
            size += len(last)
            lines += [last] * bool(last)
        return lines, size

    def _decoded(self, lines: list[bytes], path: str, start: int) -> list[str]:
        try:
            text = b"".join(lines).decode()
        except UnicodeDecodeError:
            return [line.removesuffix("\r") for line in readable(self.ctx, lines, path, start)]
        if len(lines) == text.count("\n") + (not text.endswith("\n") if text else 0):
            values = text.split("\n")
            if text.endswith("\n") or not text:
                values.pop()
            return [v[:-1] if v.endswith("\r") else v for v in values] if "\r" in text else values
        return [line.decode().removesuffix("\n").removesuffix("\r") for line in lines]
