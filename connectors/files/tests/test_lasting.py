"""Files that go on over checkpoints: few and large, and every record in one of them, whatever dies."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from raystreaming.connector import Batch, OptionError, Terminal, WriterContext
from raystreaming_files import FilesSink, FilesSource, epoch, journal, staging

FORMATS = ["parquet", "arrow", "avro", "csv", "jsonl", "text"]


def rows_of(form: str, start: int, count: int) -> list[Any]:
    if form == "text":
        return [f"{n}" for n in range(start, start + count)]
    return [{"n": n, "k": f"k{n % 2}"} for n in range(start, start + count)]


def sizes(kit: Any, path: Path, form: str) -> Counter[int]:
    return Counter(len(kit.read(FilesSource(p, format=form))) for p in kit.visible(path))


def numbers(kit: Any, path: Path, form: str) -> list[int]:
    return sorted(int(r if form == "text" else r["n"]) for r in kit.read(FilesSource(path, format=form)))


@pytest.mark.parametrize("form", FORMATS)
def test_a_checkpoint_makes_no_small_file(tmp_path: Path, kit: Any, form: str) -> None:
    folders = 1 if form == "text" else 2
    sink = FilesSink(
        tmp_path,
        format=form,
        roll_rows=35,
        roll_across_checkpoints=True,
        partition_by=["k"] if folders == 2 else [],
    )
    lives = kit.Lives(sink)
    for number in range(20):
        lives.writer.write(Batch(rows_of(form, number * 10, 10)))
        lives.checkpoint()
        whole = (number + 1) * 10 // folders // 35 * folders
        assert sizes(kit, tmp_path, form) == Counter({35: whole} if whole else {})
    lives.end()
    rest = 200 // folders % 35
    assert sizes(kit, tmp_path, form) == Counter({35: 200 // folders // 35 * folders, rest: folders})
    assert numbers(kit, tmp_path, form) == list(range(200))
    assert not (tmp_path / ".raystreaming").exists()


@pytest.mark.parametrize("fate", ["before the manifest", "before the commit", "after the commit"])
@pytest.mark.parametrize("form", FORMATS)
def test_a_crash_loses_and_repeats_nothing_and_makes_no_small_file(
    tmp_path: Path, kit: Any, monkeypatch: Any, form: str, fate: str
) -> None:
    monkeypatch.setattr(journal, "_FULL", 100)  # Several journals, which are deleted one by one.
    lives = kit.Lives(FilesSink(tmp_path, format=form, roll_rows=25, roll_across_checkpoints=True))
    for number in range(12):
        rows = rows_of(form, number * 10, 10)
        lives.writer.write(Batch(rows))
        if fate == "before the manifest":
            lives.checkpoint(manifest=False, commit=False)
            lives.start()
            lives.writer.write(Batch(rows))  # Again, for the checkpoint does not count.
        lives.checkpoint(commit=fate == "after the commit")
        lives.writer.write(Batch(rows_of(form, (number + 1) * 10, 3)))  # Behind the checkpoint.
        lives.start()
        assert set(sizes(kit, tmp_path, form)) <= {25}
    lives.end()
    assert numbers(kit, tmp_path, form) == list(range(120))
    assert sizes(kit, tmp_path, form) == {25: 4, 20: 1}
    assert not (tmp_path / ".raystreaming").exists()


def test_journals_are_deleted_when_their_files_are_published(
    tmp_path: Path, kit: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(journal, "_FULL", 100)
    lives = kit.Lives(
        FilesSink(tmp_path, format="jsonl", roll_rows=50, roll_across_checkpoints=True, partition_by=["k"]),
    )
    most = 0
    for number in range(100):
        lives.writer.write(Batch(rows_of("jsonl", number * 10, 10)))
        lives.checkpoint()
        most = max(most, len(list((tmp_path / ".raystreaming").rglob("journal-*"))))
    assert 5 <= most <= 12
    lives.end()


def test_files_end_when_the_journals_become_too_large(tmp_path: Path, kit: Any, monkeypatch: Any) -> None:
    """A folder that gets no more records would hold them back for ever."""
    monkeypatch.setattr(journal, "_MOST_BYTES", 3000)
    lives = kit.Lives(
        FilesSink(tmp_path, format="jsonl", roll_rows=100, roll_across_checkpoints=True, partition_by=["k"]),
    )
    lives.writer.write(Batch([{"n": -1, "k": "once"}]))
    for number in range(20):
        lives.writer.write(Batch(rows_of("jsonl", number * 50, 50)))
        lives.checkpoint()
    assert [p for p in kit.visible(tmp_path) if p.parent.name == "k=once"]
    lives.end()
    assert numbers(kit, tmp_path, "jsonl") == list(range(-1, 1000))


def test_the_age_of_a_file_goes_on_too(tmp_path: Path, kit: Any, monkeypatch: Any) -> None:
    now = [100.0]
    monkeypatch.setattr(epoch, "monotonic", lambda: now[0])
    lives = kit.Lives(FilesSink(tmp_path, roll_after="10s", roll_across_checkpoints=True))
    lives.writer.write(Batch(rows_of("parquet", 0, 5)))
    now[0] = 106.0
    lives.checkpoint()
    now[0] = 7.0  # Another machine's clock.
    lives.start()
    now[0] = 10.5
    lives.checkpoint()
    assert kit.visible(tmp_path) == []
    now[0] = 11.0
    lives.checkpoint()  # Files end at a checkpoint too, if no record comes.
    assert sizes(kit, tmp_path, "parquet") == {5: 1}
    lives.writer.write(Batch(rows_of("parquet", 5, 5)))
    now[0] = 20.9
    lives.checkpoint()
    assert sizes(kit, tmp_path, "parquet") == {5: 1}
    lives.end()
    assert numbers(kit, tmp_path, "parquet") == list(range(10))


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_types_go_on_too(tmp_path: Path, kit: Any, form: str) -> None:
    lives = kit.Lives(FilesSink(tmp_path, format=form, roll_rows=100, roll_across_checkpoints=True))
    lives.writer.write(Batch([{"n": 1}, {"n": 2}]))
    lives.checkpoint()
    lives.writer.write(Batch([{"n": 3.5}]))
    lives.checkpoint()
    lives.start()
    lives.writer.write(Batch([{"n": 4}]))  # An integer among fractions: the same file.
    lives.end()
    assert sizes(kit, tmp_path, form) == {2: 2}
    rows = kit.read(FilesSource(tmp_path, format=form))
    assert sorted(r["n"] for r in rows) == [1, 2, 3.5, 4]


def test_other_types_begin_another_file(tmp_path: Path, kit: Any) -> None:
    import pyarrow as pa

    before, after = (pa.schema([("n", kind), ("k", pa.string())]) for kind in (pa.int64(), pa.float64()))
    options = {"roll_rows": 100, "roll_across_checkpoints": True}
    lives = kit.Lives(
        FilesSink(tmp_path, schema=before, **options), FilesSink(tmp_path, schema=after, **options)
    )
    lives.writer.write(Batch(rows_of("parquet", 0, 5)))
    lives.checkpoint()
    lives.start()
    lives.writer.write(Batch(rows_of("parquet", 5, 3)))
    lives.end()
    assert sizes(kit, tmp_path, "parquet") == {5: 1, 3: 1}


def test_without_the_option_open_files_end_at_the_next_checkpoint(tmp_path: Path, kit: Any) -> None:
    lives = kit.Lives(
        FilesSink(tmp_path, format="jsonl", roll_rows=50, roll_across_checkpoints=True),
        FilesSink(tmp_path, format="jsonl"),
    )
    lives.writer.write(Batch(rows_of("jsonl", 0, 20)))
    lives.checkpoint()
    assert kit.visible(tmp_path) == []
    lives.start()
    lives.writer.write(Batch(rows_of("jsonl", 20, 20)))
    lives.checkpoint()
    assert sizes(kit, tmp_path, "jsonl") == {40: 1}
    assert lives.state is None
    lives.end()


def test_a_start_over_deletes_the_journals(tmp_path: Path, kit: Any) -> None:
    lives = kit.Lives(FilesSink(tmp_path, roll_rows=50, roll_across_checkpoints=True))
    lives.writer.write(Batch(rows_of("parquet", 0, 20)))
    lives.checkpoint()
    lives.writer.close()
    lives.state = None
    lives.start()
    assert list((tmp_path / ".raystreaming").rglob("journal-*")) == []
    lives.end()
    assert kit.visible(tmp_path) == []


def test_records_kept_for_another_format_are_refused(tmp_path: Path, kit: Any) -> None:
    options = {"roll_rows": 50, "roll_across_checkpoints": True}
    lives = kit.Lives(FilesSink(tmp_path, format="jsonl", **options), FilesSink(tmp_path, **options))
    lives.writer.write(Batch(rows_of("jsonl", 0, 20)))
    lives.checkpoint()
    with pytest.raises(Terminal, match=r"kept as JSON lines, this format takes columns; put format= back"):
        lives.start()
    lives.bury()


@pytest.mark.parametrize("size", [None, 100])
def test_a_journal_that_is_gone_or_cut_is_told(tmp_path: Path, kit: Any, size: int | None) -> None:
    lives = kit.Lives(FilesSink(tmp_path, roll_rows=50, roll_across_checkpoints=True))
    lives.writer.write(Batch(rows_of("parquet", 0, 20)))
    lives.checkpoint()
    (file,) = (tmp_path / ".raystreaming").rglob("journal-*")
    file.unlink() if size is None else file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(Terminal, match=r"journal-.*gone or has less than \d+ bytes; restore that file"):
        lives.start()
    lives.bury()


def test_what_a_checkpoint_counts_on_is_on_the_disk(tmp_path: Path, kit: Any, monkeypatch: Any) -> None:
    from raystreaming_files import local_store

    synced: list[str] = []
    real = local_store.sync
    monkeypatch.setattr(
        local_store, "sync", lambda path: (synced.append(str(Path(path).relative_to(tmp_path))), real(path))
    )
    lives = kit.Lives(FilesSink(tmp_path, roll_rows=50, roll_across_checkpoints=True))
    for number in range(2):
        synced.clear()
        lives.writer.write(Batch(rows_of("parquet", number * 20, 20)))
        lives.checkpoint()
        (file,) = (tmp_path / ".raystreaming").rglob("journal-*")
        relative = file.relative_to(tmp_path)
        assert {str(relative), str(relative.parent), ".raystreaming", "."} <= set(synced)
        kept = staging.unpack(lives.sink.keeps(lives.state)[0]).files[0].staged
        assert kept == str(relative)
    lives.end()


def test_a_limit_and_durable_checkpoints_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="needs roll_rows, roll_bytes or roll_after"):
        FilesSink(tmp_path, roll_across_checkpoints=True)
    sink = FilesSink(tmp_path, roll_across_checkpoints=True, roll_rows=10)
    with pytest.raises(Terminal, match=r"\(out\).*give the context checkpoint_dir="):
        sink.open(None, WriterContext(operator="out"))
