"""Files that end by their age, and the record of what each checkpoint has published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from raystreaming.connector import Batch, WriterContext
from raystreaming_files import FilesSink, FilesSource, epoch


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_file_ends_at_its_age(tmp_path: Path, kit: Any, monkeypatch: Any, form: str) -> None:
    now = [100.0]
    monkeypatch.setattr(epoch, "monotonic", lambda: now[0])
    sink = FilesSink(tmp_path, format=form, roll_after="10s", partition_by=["k"])
    writer = sink.open(None, WriterContext())
    for at in (100.0, 105.0, 109.9, 110.0, 115.0, 131.0):
        now[0] = at
        writer.write(Batch([{"k": at % 2, "at": at}, {"k": 7, "at": at}]))
    sink.commit([kit.finish(writer.prepare(1))])
    writer.close()
    ages = sorted(
        sorted(r["at"] for r in kit.read(FilesSource(p, format=form)))
        for p in kit.visible(tmp_path)
        if p.parent.name == "k=7"
    )
    assert ages == [[100.0, 105.0, 109.9], [110.0, 115.0], [131.0]]


def test_the_manifest_tells_what_each_checkpoint_has_published(tmp_path: Path, kit: Any) -> None:
    sink = FilesSink(tmp_path, format="jsonl", manifest=True, partition_by=["k"])
    context = {"owner": "job/1-out", "run": "ab12"}
    writers = [sink.open(None, WriterContext(task=t, **context)) for t in range(2)]
    for number in (3, 4, 5):
        handles = []
        for writer in writers:
            if number != 4:
                writer.write(Batch([{"k": f"a/{number}", "n": n} for n in range(number)]))
            handles.append(kit.finish(writer.prepare(number)))
        handles = [h for h in handles if h is not None]
        assert len(list(tmp_path.glob("_manifests/*"))) == (number > 3)
        sink.commit(handles)
        before = {p: p.read_bytes() for p in tmp_path.glob("_manifests/*")}
        sink.commit(handles)  # As after a crash.
        assert {p: p.read_bytes() for p in tmp_path.glob("_manifests/*")} == before
    for writer in writers:
        writer.close()
    names = sorted(p.name for p in tmp_path.glob("_manifests/*"))
    assert names == [f"job%2F1-out-ab12-0000000{n}.json" for n in (3, 5)]
    told: dict[str, Any] = {}
    for number, name in zip((3, 5), names, strict=True):
        manifest = json.loads((tmp_path / "_manifests" / name).read_text())
        files = manifest.pop("files")
        assert manifest == {"version": 1, "job": "job/1-out", "run": "ab12", "checkpoint": number}
        assert [f["rows"] for f in files] == [number] * 2
        told |= {f["path"]: f["bytes"] for f in files}
    visible = [p for p in kit.visible(tmp_path) if p.parent.name != "_manifests"]
    assert told == {str(p.relative_to(tmp_path)): p.stat().st_size for p in visible}
    assert len(kit.read(FilesSource(tmp_path, format="jsonl"))) == 16  # No reader takes it for data.


def test_a_crash_before_the_manifest_is_made_good_by_the_next_commit(
    tmp_path: Path, kit: Any, monkeypatch: Any
) -> None:
    sink = FilesSink(tmp_path, manifest=True)
    writer = sink.open(None, WriterContext())
    writer.write(Batch([{"a": 1}]))
    handle = kit.finish(writer.prepare(1))

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("raystreaming_files.sink.write_manifests", crash)
    with pytest.raises(KeyboardInterrupt):
        sink.commit([handle])
    assert len(kit.visible(tmp_path)) == 1
    monkeypatch.undo()
    sink.commit([handle])
    (manifest,) = tmp_path.glob("_manifests/*")
    assert [f["rows"] for f in json.loads(manifest.read_text())["files"]] == [1]
    writer.close()
