"""A text file as a column has the lines that it has as rows, from any position on."""

from __future__ import annotations

import time
from contextlib import closing

import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raystreaming import StreamingContext
from raystreaming.connector import PlanContext, ReaderContext, Terminal
from raystreaming.plugins.builtin.text_file import TextFileSource
from raystreaming.records import rows_of

TEXT = st.text(st.sampled_from("aé\r\n\u2028 \x85"), max_size=40) | st.text(max_size=20)


def read(path, columnar: bool, limit: int, position=None, **context):
    """Read to the end: lines and the position after each batch."""
    (split,) = TextFileSource(path).plan(PlanContext())
    reader = TextFileSource(path).open(ReaderContext(columnar=columnar, **context))
    reader.add_splits([(split, position)])
    found = []
    with closing(reader):
        while True:
            fetched = reader.read(limit, time.monotonic() + 1)
            found.append(([] if fetched.batch is None else rows_of(fetched.batch.values), fetched.position))
            if fetched.end:
                return found


def lines(found):
    return [line for some, _ in found for line in some]


@settings(deadline=None, max_examples=40)
@given(text=TEXT, limit=st.integers(1, 5))
def test_columns_have_the_lines_that_rows_have(tmp_path_factory, text, limit):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_bytes(text.encode("utf-8", "replace"))
    expected = lines(read(path, False, 1000))
    found = read(path, True, limit)
    assert lines(found) == expected
    assert all(len(some) <= limit for some, _ in found)
    for n, (_, position) in enumerate(found):
        if n + 1 < len(found):
            assert lines(read(path, True, 1000, position)) == lines(found[n + 1 :])
            assert lines(read(path, False, 1000, position)) == lines(found[n + 1 :])


def test_a_line_longer_than_a_block(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("x" * 100_000 + "\nshort\n")
    assert lines(read(path, True, 1)) == ["x" * 100_000, "short"]


@pytest.mark.parametrize("columnar", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_lines_that_are_no_text_are_rejected(tmp_path, columnar, limit):
    path = tmp_path / "bad.txt"
    path.write_bytes(b"fine\nb\xffd\r\nlast\r")
    rejected = []
    found = read(path, columnar, limit, rejected=rejected.append)
    assert lines(found) == ["fine", "last"]
    assert [(r.record, r.at) for r in rejected] == [(b"b\xffd\r\n", f"{path} at byte 6")]
    assert found[-1][1] == path.stat().st_size
    with pytest.raises(Terminal, match=r"at byte 6: it is not UTF-8"):
        read(path, columnar, limit, fails=True)


def test_the_source_gives_columns_where_all_readers_take_them(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a\nb\n")
    for columnar in (True, False):
        ctx = StreamingContext()
        text = ctx.read_text_file(path)
        kept: list = []
        text.filter(pc.field("value") != "a").set_parallelism(2).sink(kept.append)
        if not columnar:
            text.map(str.upper).collect()
        assert ("reads Arrow" in ctx.explain()) is columnar
        ctx.execute("lines")
        assert kept == ["b"]
