"""Text files: a record is a line without its newline."""

from __future__ import annotations

from collections.abc import Sequence

from raystreaming.connector import Position
from raystreaming.records import Rows, bare, lines_of, without_returns
from raystreaming_files.arrow import Array, pa, pc
from raystreaming_files.lines import LineCursor


class TextCursor(LineCursor):
    """Lines as ``str``, decoded as UTF-8; a newline, or carriage return and newline, ends a line."""

    def parse(self, lines: Sequence[bytes], offset: int) -> Rows:
        joined = b"\n".join(lines)
        if b"\r" not in joined:
            try:
                return joined.decode().split("\n")
            except UnicodeDecodeError:
                return self._one_by_one(lines, offset)
        ends = [line.removesuffix(b"\r") for line in lines]
        if self.ends_file(offset + len(joined)):  # The last line has no newline: it keeps all it has.
            ends[-1] = lines[-1]
        try:
            return b"\n".join(ends).decode().split("\n")
        except UnicodeDecodeError:
            return self._one_by_one(lines, offset, ends)

    def _one_by_one(
        self, lines: Sequence[bytes], offset: int, ends: Sequence[bytes] | None = None
    ) -> list[str]:
        texts: list[str] = []
        for line, end in zip(lines, ends or lines, strict=True):
            try:
                texts.append(end.decode())
            except UnicodeDecodeError as error:
                at = offset + error.start
                self._bad.handle(
                    self._path, at, end, f"not UTF-8 ({error.reason})", "convert the file to UTF-8"
                )
            offset += len(line) + 1
        return texts


class TextColumnCursor(TextCursor):
    """Lines as the column ``value`` of Arrow batches; of a block with bytes that are no text, one by one."""

    _column: Array = pa.array([], pa.string())

    def next(self, limit: int) -> tuple[Rows, Position] | None:
        while not len(self._column):
            if self._next < len(self._lines):
                return self._some_rows(limit)
            found = self._block()
            if found is None:
                return None
            if found[0] is not None:
                self._begin(found[0])
        piece = self._column[:limit]
        self._column = self._column[limit:]
        count: int = pc.sum(pc.binary_length(piece)).as_py() + len(piece)
        texts = without_returns(piece)
        if self.ends_file(self._position + count - 1) and texts[-1] != piece[-1]:
            texts = pa.concat_arrays([texts[:-1], piece[-1:]])  # The last line has no newline.
        return bare(texts), self._go_on(count)

    def _begin(self, block: bytes) -> None:
        try:
            # Were it not for this newline, `lines_of` would take that of an empty last line for an end.
            self._column = lines_of(block + b"\n")
        except UnicodeDecodeError:
            self._take(block.split(b"\n"))

    def _some_rows(self, limit: int) -> tuple[Rows, Position] | None:
        found = super().next(limit)
        assert found is not None
        rows, position = found
        return bare(pa.array(rows, pa.string())), position
