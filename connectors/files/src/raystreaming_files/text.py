"""Text files: a record is a line without its newline."""

from __future__ import annotations

from collections.abc import Sequence

from raystreaming.records import Rows
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
