"""What jobs have written: rows, leftovers, and a watch over what readers see meanwhile."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pyarrow.parquet as pq

from raystreaming_test_support.file_formats import file_rows


def visible_files(out: Path) -> list[Path]:
    """All files that a reader sees: nothing hidden."""
    found = []
    for folder, folders, names in os.walk(out):
        folders[:] = [f for f in folders if not f.startswith((".", "_"))]
        found += [Path(folder, n) for n in names if not n.startswith((".", "_"))]
    return sorted(found)


def parquet_rows(out: Path) -> list[dict[str, Any]]:
    """All rows of Parquet files, with the columns of Hive folders; a job may be writing there.

    The files are named, for Arrow goes through hidden folders too, and fails where one vanishes meanwhile.
    """
    if not (found := list(map(str, files(out)))):
        return []
    rows = ds.dataset(found, format="parquet", partitioning="hive", partition_base_dir=str(out))
    return rows.to_table().to_pylist()


def files(out: Path) -> list[Path]:
    return visible_files(out) if out.exists() else []


def line_rows(out: Path) -> list[str]:
    """All lines of text or JSON-lines files."""
    return [line for f in files(out) for line in f.read_text(encoding="utf-8").splitlines()]


def json_rows(out: Path) -> list[Any]:
    return [json.loads(line) for line in line_rows(out)]


def parquet_seqs(out: Path) -> list[int]:
    """The seqs of Parquet files, sorted."""
    return sorted(row["seq"] for row in parquet_rows(out))


def assert_nothing_left(out: Path, state: Path) -> None:
    """No staged file, no half-written checkpoint file, no state that nothing refers to."""
    hidden = [str(p) for p in out.rglob("*") if p.name.startswith(".")]
    assert hidden == [], "staged leftovers"
    for job in state.iterdir():
        names = {p.name for p in job.iterdir()} - {".lock"}
        assert [n for n in names if n.startswith(".")] == [], "half-written checkpoint files"
        assert len([n for n in names if n.endswith(".manifest")]) <= 3, "checkpoints that were not retired"


class Watch:
    """Looks at an output folder all the time, as a reader would: every visible file is whole, and stays."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._known: dict[Path, tuple[int, int, int]] = {}
        self._problems: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")
        self.looks = 0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if kind is None:
            assert self._problems == []
            assert self.looks > 10
            assert self._known, "the watch has seen no file"

    def _run(self) -> None:
        while not self._stop.is_set() and not self._problems:
            self._look()
            self._stop.wait(0.003)
        self._look()

    def _look(self) -> None:
        self.looks += 1
        found = files(self._out)
        for gone in self._known.keys() - set(found):
            self._problems.append(f"{gone} was visible and is gone")
        for path in found:
            status = path.stat()
            identity = (status.st_ino, status.st_size, status.st_mtime_ns)
            if path not in self._known:
                self._known[path] = identity
                self._check(path)
            elif self._known[path] != identity:
                self._problems.append(f"{path} has changed")

    def _check(self, path: Path) -> None:
        try:
            if path.suffix == ".parquet":
                assert pq.ParquetFile(path).read().num_rows > 0
            elif path.suffix in (".jsonl", ".txt"):
                assert path.read_bytes().endswith(b"\n")
            else:
                assert file_rows(path)
        except Exception as error:
            self._problems.append(f"{path} is visible and not whole: {error!r}")
