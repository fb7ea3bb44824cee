"""Journals: the records of files that go on over checkpoints, for the run after a crash.

The records of an open file are in no committable. They are written to a journal too, which is put where
it survives a crash at each barrier. The state of the writer names its journals, and how many rows of
each partition folder are in files that have ended; a later writer takes the other rows from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import msgpack

from raystreaming.connector import Terminal
from raystreaming_files.formats import Format, Piece
from raystreaming_files.staging import Stage, Staged, Written

_FULL = 64 << 20
"""Size from which records go to another journal, so that the first can be deleted some day."""

_MOST = 1_000
_MOST_BYTES = 1 << 30
"""How many there may be, and of what size together; more where files may be large."""

_LENGTH_BYTES = 4


@dataclass(slots=True)
class _Journal:
    file: Staged
    size: int = 0
    rows: dict[str, int] = field(default_factory=dict[str, int])
    kept: bool = False
    """Whether it is where it survives a crash, or on its way there."""


class Journals:
    """The journals of one task, the last of which is being written.

    Args:
        stage: Where they are.
        prefix: Beginning of their names, not used by any other writer.
        format: Packs records.
        file_bytes: About how large files become, if that is known.
    """

    def __init__(self, stage: Stage, prefix: str, format: Format, file_bytes: int | None) -> None:
        self._stage = stage
        self._prefix = prefix
        self._format = format
        self._limit = max(_MOST_BYTES, 4 * (file_bytes or 0))
        self._count = 0
        self._journals: list[_Journal] = []
        self._ended: dict[str, int] = {}  # Rows in files that have ended, from the first journal on.
        self._path = ""
        self._last = _Journal(Staged("", "", 0, 0))
        self._open: BinaryIO | None = None

    def write(self, piece: Piece) -> None:
        """Take records over."""
        if self._open is None:
            self._path, self._open = self._stage.create(f"journal-{self._prefix}-{self._count:05d}")
            self._count += 1
            self._last = _Journal(self._stage.kept(self._path))
            self._journals.append(self._last)
        journal = self._last
        entry: Any = msgpack.packb([piece.folder, piece.rows, piece.size, self._format.pack(piece.chunk)])
        self._open.write(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry)
        journal.size += _LENGTH_BYTES + len(entry)
        journal.rows[piece.folder] = journal.rows.get(piece.folder, 0) + piece.rows

    def end(self, files: Iterable[Written]) -> list[Staged]:
        """Take note of files that have ended; return the journals that are no longer needed."""
        for file in files:
            folder = file.final.rpartition("/")[0]
            self._ended[folder] = self._ended.get(folder, 0) + file.rows
        needless: list[Staged] = []
        while self._journals and self._is_in_files(self._journals[0]):
            journal = self._journals.pop(0)
            self._ended = {f: n - journal.rows.get(f, 0) for f, n in self._ended.items()}
            if journal.kept:
                needless.append(journal.file)
        self._ended = {folder: rows for folder, rows in self._ended.items() if rows}
        if not self._journals:
            self.close()
        return needless

    def _is_in_files(self, journal: _Journal) -> bool:
        return all(self._ended.get(folder, 0) >= rows for folder, rows in journal.rows.items())

    @property
    def are_many(self) -> bool:
        """Whether the files have to end, for the journals to be deleted."""
        return len(self._journals) > _MOST or sum(j.size for j in self._journals) >= self._limit

    def flush(self) -> str | None:
        """Return the path of what is to be kept, if anything is being written."""
        if self._open is None:
            return None
        self._open.flush()
        self._last.kept = True
        if not self._stage.appends or self._last.size >= _FULL:
            self.close()
        return self._path

    def close(self) -> None:
        """Let go of the journal that is being written."""
        if self._open is not None:
            file, self._open = self._open, None
            file.close()
            if not self._last.kept:
                self._stage.forget([self._path])

    def state(self) -> dict[str, Any] | None:
        """Return which rows a later writer has to take from which journals; None: none."""
        if not self._journals:
            return None
        journals = [[j.file.staged, j.size, j.rows] for j in self._journals]
        return {"packed": self._format.packed, "journals": journals, "ended": self._ended}

    def restore(self, state: Mapping[str, Any], where: str) -> Iterator[Piece]:
        """Go on with the journals of an earlier writer; return the records of files that had not ended.

        Raises:
            Terminal: A journal is gone or cut, or holds what this format cannot take.
        """
        if state["packed"] != self._format.packed:
            raise Terminal(
                f"cannot go on with files that the last checkpoint left open ({where}): their records were "
                f"kept as {state['packed']}, this format takes {self._format.packed}; put format= back until "
                "a run has ended (--drain), or start over with --fresh"
            )
        self._journals = [
            _Journal(Staged(name, "", 0, 0), size, rows, kept=True) for name, size, rows in state["journals"]
        ]
        self._ended = dict(state["ended"])
        left_out = dict(self._ended)
        for journal in list(self._journals):
            for folder, rows, size, data in self._entries(journal, where):
                skip = min(rows, left_out.get(folder, 0))
                if skip == rows:
                    left_out[folder] -= rows
                    continue
                chunk = self._format.unpack(data, rows)
                if skip:
                    left_out[folder] = 0
                    _, chunk = self._format.cut(chunk, skip)
                yield Piece(folder, chunk, rows - skip, size * (rows - skip) // rows)

    def _entries(self, journal: _Journal, where: str) -> Iterator[tuple[str, int, int, bytes]]:
        try:
            file = self._stage.open_kept(journal.file)
        except FileNotFoundError as error:
            raise self._gone(journal, where) from error
        with file:
            left = journal.size
            while left:
                length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
                entry = file.read(length)
                if not length or len(entry) < length:
                    raise self._gone(journal, where)
                left -= _LENGTH_BYTES + length
                folder, rows, size, data = msgpack.unpackb(entry)
                yield folder, rows, size, data

    def _gone(self, journal: _Journal, where: str) -> Terminal:
        return Terminal(
            f"cannot go on with files that the last checkpoint left open ({where}): their records are in "
            f"{journal.file.staged!r} below the sink's path, which is gone or has less than {journal.size} "
            "bytes; restore that file, or go back to an older checkpoint, or start over with --fresh"
        )


def journal_files(state: Mapping[str, Any]) -> list[Staged]:
    """Return the journals that a state names."""
    return [Staged(name, "", 0, 0) for name, _, _ in state["journals"]]
