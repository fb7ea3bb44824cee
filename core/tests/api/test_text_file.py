"""read_text_file: which lines a file has."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raystreaming import RayStreamingError, StreamingContext
from raystreaming.connector import PlanContext, ReaderContext, Terminal
from raystreaming.plugins.builtin.text_file import TextFileSource


def lines_of(path: Path, limit: int = 1000, stop_after: int | None = None) -> list[str]:
    """Read a file by its reader alone; start again from the position after `stop_after` batches."""
    source = TextFileSource(path)
    return read_all(source, source.plan(PlanContext())[0], limit, stop_after)


def read_all(source: TextFileSource, split: object, limit: int, stop_after: int | None = None) -> list[str]:
    found: list[str] = []
    position = None
    while True:
        reader = source.open(ReaderContext())
        reader.add_splits([(split, position)])
        try:
            for _ in range(stop_after or sys.maxsize):
                fetched = reader.read(limit, time.monotonic() + 10)
                assert fetched is not None
                if fetched.batch is not None:
                    assert 0 < len(fetched.batch) <= limit
                    found += fetched.batch.values
                if fetched.end:
                    return found
                position = fetched.position
        finally:
            reader.close()


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\r\nb", ["a", "b"]),
        (b"\n\na\n\n", ["", "", "a", ""]),
        (b"\r\n\r\n", ["", ""]),
        (b"a\rb\n", ["a\rb"]),
        ("ä\u2028ö\x0b\x85\nü\n".encode(), ["ä\u2028ö\x0b\x85", "ü"]),
        (b"  a \t\n", ["  a \t"]),
        (b"\0\n\0", ["\0", "\0"]),
        (b"\xef\xbb\xbfa\n", ["\ufeffa"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_lines(tmp_path: Path, content: bytes, lines: list[str], limit: int):
    path = tmp_path / "f.txt"
    path.write_bytes(content)
    assert lines_of(path, limit) == lines
    assert lines_of(path, limit, stop_after=1) == lines


@given(
    st.lists(st.text(st.characters(exclude_characters="\n\r", codec="utf-8"), max_size=8), max_size=30),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.integers(1, 7),
)
def test_every_file_is_read_as_it_was_written_wherever_the_reader_starts_again(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str, last_end: bool, limit: int
):
    path = tmp_path_factory.mktemp("f") / "f.txt"
    text = end.join(lines) + (end if lines and (last_end or not lines[-1]) else "")
    path.write_bytes(text.encode())
    assert lines_of(path, limit) == lines
    assert lines_of(path, limit, stop_after=1) == lines


def test_lines_longer_than_any_buffer(tmp_path: Path):
    path = tmp_path / "f.txt"
    long = "x" * (5 << 20)
    path.write_text(f"a\n{long}\nb\n{long}")
    assert lines_of(path, 2) == ["a", long, "b", long]


@pytest.mark.parametrize("before", ["a\nb\n", "a\nb", "a\nlonger than what follows\n", ""])
@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_a_file_that_grows_is_read_to_where_it_ended_when_the_job_was_planned(
    tmp_path: Path, before: str, limit: int
):
    path = tmp_path / "f.txt"
    path.write_text(before)
    source = TextFileSource(path)
    (split,) = source.plan(PlanContext())
    with path.open("a") as f:
        f.write("c\nd\ne\n")
    assert read_all(source, split, limit) == before.splitlines()


def test_a_finished_job_reads_what_was_appended(tmp_path: Path, collected: Callable[..., list]):
    path = tmp_path / "f.txt"
    path.write_text("a\nb\n")

    def run() -> list[str]:
        return collected(lambda ctx: ctx.read_text_file(path), checkpoint_dir=tmp_path / "cp")

    assert run() == ["a", "b"]
    assert run() == []
    with path.open("a") as f:
        f.write("c\nd")
    assert run() == ["c", "d"]
    assert run() == []


def test_a_job_reads_a_file_of_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, collected: Callable[..., list]
):
    monkeypatch.chdir(tmp_path)
    Path("f.txt").write_text("".join(f"{n}\n" for n in range(50_000)))
    assert collected(lambda ctx: ctx.read_text_file("f.txt")) == [str(n) for n in range(50_000)]


def test_a_line_that_is_not_utf8_is_found_and_named_or_left_out(tmp_path: Path):
    path = tmp_path / "f.txt"
    path.write_bytes(b"line\n" * 30_000 + b"caf\xe9\r\n" + b"last\r\n")
    ctx = StreamingContext()
    ctx.read_text_file(path).collect()
    with pytest.raises(Terminal) as failed:
        ctx.execute()
    assert f"source 'read_text_file' cannot read a record: {path} at byte 150003: " in str(failed.value)
    assert "record: b'caf\\xe9" in str(failed.value)
    ctx = StreamingContext()
    ctx.read_text_file(path).on_error("skip").collect()
    job = ctx.execute()
    assert job.result() == ["line"] * 30_000 + ["last"]
    assert job.status().counts == {"skipped": 1}


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_cannot_be_read_is_refused_by_submit(tmp_path: Path, kind: str):
    path = tmp_path / "f.txt"
    if kind == "folder":
        path.mkdir()
    ctx = StreamingContext()
    ctx.read_text_file(path).collect()
    with pytest.raises(RayStreamingError, match=f"text file {path} cannot be read: .*Check the path"):
        ctx.submit()


def test_a_file_that_is_gone_when_the_job_goes_on_is_an_error(tmp_path: Path):
    path = tmp_path / "f.txt"
    path.write_text("a\n")
    source = TextFileSource(path)
    (split,) = source.plan(PlanContext())
    os.unlink(path)
    with pytest.raises(Terminal, match=r"cannot be read: No such file"):
        read_all(source, split, 10)


def test_a_file_that_has_become_shorter_than_where_the_job_was_is_an_error(tmp_path: Path):
    path = tmp_path / "f.txt"
    path.write_text("a\nb\nc\n")
    source = TextFileSource(path)
    (split,) = source.plan(PlanContext())
    path.write_text("a\n")
    with pytest.raises(Terminal, match=f"{path} is shorter than it was"):
        read_all(source, split, 10)
