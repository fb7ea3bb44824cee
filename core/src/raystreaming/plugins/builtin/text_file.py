"""Lines of a text file as a source, without any other package."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Sequence
from typing import BinaryIO

from raystreaming.connector.options import option
from raystreaming.connector.source import (
    Fetched,
    PlanContext,
    Position,
    Reader,
    ReaderContext,
    Source,
    Split,
)
from raystreaming.plugins.builtin.text_columns import ColumnReader
from raystreaming.plugins.builtin.text_faults import cut_short, readable, unreadable
from raystreaming.records import Batch

_MAX_BYTES = 4 << 20


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


class _LinesReader(Reader[str]):
    def __init__(self, ctx: ReaderContext) -> None:
        self._ctx = ctx
        self._operator = ctx.operator
        self._splits: deque[tuple[Split, Position]] = deque()
        self._file: BinaryIO | None = None

    def add_splits(self, splits: Sequence[tuple[Split, Position]]) -> None:
        self._splits.extend(splits)

    def read(self, limit: int, deadline: float) -> Fetched | None:
        if not self._splits:
            time.sleep(max(0.0, deadline - time.monotonic()))
            return None
        split, position = self._splits[0]
        start, stop = position or 0, split.payload["stop"]
        try:
            if self._file is None:
                self._file = open(split.id, "rb")  # noqa: SIM115 - kept open between calls
                self._file.seek(start)
            lines, size = self._lines(limit, stop - start)
        except OSError as error:
            raise unreadable(split.id, error) from error
        if not lines and start < stop:
            raise cut_short(self._operator, split.id, stop)
        values = self._decoded(lines, split.id, start)
        end = start + size >= stop
        if end:
            self._splits.popleft()
            self.close()
        else:
            self._splits[0] = (split, start + size)
        return Fetched(split.id, Batch(values) if values else None, start + size, end)

    def _lines(self, limit: int, budget: int) -> tuple[list[bytes], int]:
        """Return at most `limit` lines of at most `budget` bytes together, and their size."""
        assert self._file is not None
        if budget <= 0:
            return [], 0
        # readlines stops after the line in which the hint is passed: a few lines at a time.
        lines: list[bytes] = []
        size = 0
        while len(lines) < limit and size < min(budget, _MAX_BYTES):
            wanted = limit - len(lines)
            mean = max(1, size // len(lines)) if lines else 64
            more = self._file.readlines(min(mean * wanted, budget - size, _MAX_BYTES))
            if not more:
                break
            surplus = more[wanted:]
            if surplus:
                self._file.seek(-sum(map(len, surplus)), os.SEEK_CUR)
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
            return [line.removesuffix("\r") for line in readable(self._ctx, lines, path, start)]
        if len(lines) == text.count("\n") + (not text.endswith("\n") if text else 0):
            values = text.split("\n")
            if text.endswith("\n") or not text:
                values.pop()
            return [v[:-1] if v.endswith("\r") else v for v in values] if "\r" in text else values
        return [line.decode().removesuffix("\n").removesuffix("\r") for line in lines]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
