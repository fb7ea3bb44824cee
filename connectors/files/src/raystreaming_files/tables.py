"""What the formats share that hold blocks of rows, read one after the other."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from raystreaming.connector import ConnectorError, Position, Terminal
from raystreaming.records import Rows
from raystreaming_files.arrow import ArrowError, NativeFile, RecordBatch
from raystreaming_files.asked import Asked
from raystreaming_files.disk import Input
from raystreaming_files.reader import TARGET_BYTES, Cursor

END = [-1, 0]
"""The position after the last row."""


class BlockCursor(Cursor):
    """Reads block by block; the position is ``[block, row in it]``.

    Args:
        input: The file.
        position: Where to begin.
        asked: What is to be made of its columns.
    """

    def __init__(self, input: Input, position: Position, asked: Asked) -> None:
        self._input = input
        self._block, self._row = position or [0, 0]
        self._asked = asked

    def position(self) -> Position:
        return [self._block, self._row]


class TableCursor(BlockCursor):
    """Blocks that Arrow reads."""

    format: str
    """Name of the format, for messages."""

    last_block: int | None = None
    """The block after which to stop; None: the last of the file."""

    def __init__(self, input: Input, position: Position, asked: Asked) -> None:
        super().__init__(input, position, asked)
        self._raw: NativeFile = None
        self._stored: list[str] | None = None
        self._stream: Iterator[RecordBatch] | None = None
        self._pending: RecordBatch | None = None

    @abstractmethod
    def open_file(self) -> list[str]:
        """Begin to read `_raw`, the open file; return the names of its columns."""

    @abstractmethod
    def read_block(self, block: int, columns: list[str]) -> Iterator[RecordBatch] | None:
        """Return the rows of a block, of these columns of the file; None if there is no such block.

        Blocks are asked for in ascending order.
        """

    def next(self, limit: int) -> tuple[Rows, Position] | None:
        try:
            pending = self._pending or self._decode()
        except ConnectorError:
            raise
        except ArrowError as error:
            raise self._damaged(error) from error
        except Exception as error:
            raise self._input.fault(error) from error
        if pending is None:
            return None
        count = min(limit, len(pending), _rows_for(pending))
        piece = pending.slice(0, count)
        self._pending = pending.slice(count) if count < len(pending) else None
        self._row += count
        return self._asked.rows(piece), self.position()

    def _decode(self) -> RecordBatch | None:
        """Return the next decoded rows from the position on, or None at the end."""
        while self._block >= 0:
            if self._stored is None:
                self._raw = self._input.open_arrow()
                self._stored = self._wanted(self.open_file())
            if self.last_block is not None and self._block > self.last_block:
                break
            skip = 0
            if self._stream is None:
                skip = self._row
                self._stream = self.read_block(self._block, self._stored)
                if self._stream is None:
                    break
            for batch in self._stream:
                if skip >= len(batch):
                    skip -= len(batch)
                else:
                    return self._asked.select(batch.slice(skip))
            self._stream = None
            self._block, self._row = self._block + 1, 0
        self._block, self._row = END
        return None

    def _wanted(self, names: list[str]) -> list[str]:
        """Return the columns of the file that are to be read."""
        asked, folders = self._asked, self._asked.folders
        if asked.schema is not None and asked.columns is None:
            wanted = asked.schema.names
        else:
            wanted = names if asked.columns is None else asked.columns
        if asked.schema is None:
            folders.check(wanted, names, self._input)
        return [n for n in names if n in set(wanted) and n not in folders.names]

    def _damaged(self, error: Exception) -> Terminal:
        return Terminal(
            f"cannot read {self._input.path!r} as {self.format} ({self._input.where}): {error}; check that "
            f"the file is whole and {self.format} (else give format=), and that its columns fit schema="
        )

    def close(self) -> None:
        self._stream = None
        self._pending = None
        if self._raw is not None:
            self._raw.close()
            self._raw = None


def _rows_for(batch: RecordBatch) -> int:
    return max(1, int(TARGET_BYTES * len(batch) / max(1, batch.nbytes)))
