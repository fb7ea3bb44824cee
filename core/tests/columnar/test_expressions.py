"""Operators on columns give what plain Python gives on rows."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raystreaming import StreamingContext
from raystreaming.connector import Batch, Sink, Writer, option
from raystreaming.connector.operator import OperatorContext, PieceLimit
from raystreaming.errors import GraphError, OperatorError
from raystreaming.operators import expressions
from raystreaming.records import columns_of, rows_of

INTS = st.none() | st.integers(-1000, 1000)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"a": INTS, "b": st.text(max_size=3), "l": st.none() | st.lists(st.integers(0, 9), max_size=4)}
    ),
    min_size=1,
    max_size=30,
)
SCHEMA = pa.schema({"a": pa.int64(), "b": pa.string(), "l": pa.list_(pa.int64())})


def opened(operator, limit: int = 3):
    operator.open(OperatorContext("columns", 0, 1, PieceLimit(limit)))
    return operator


def through(operator, *batches: Batch) -> list:
    return [row for b in batches for out in operator.process(b) for row in rows_of(out.values)]


def cut(rows: list, at: int, arrow: bool) -> list[Batch]:
    """The records as two batches."""
    parts = [part for part in (rows[:at], rows[at:]) if part]
    return [Batch(pa.RecordBatch.from_pylist(p, schema=SCHEMA) if arrow else p) for p in parts]


def twice(n):
    return None if n is None else n * 2


CASES = {
    "filter": (
        lambda: expressions.FilterExpression(pc.field("a") > 3),
        lambda rows: [r for r in rows if r["a"] is not None and r["a"] > 3],
    ),
    "select": (
        lambda: expressions.Select({"b": "b", "x": pc.field("a") * 2}, beside=False),
        lambda rows: [{"b": r["b"], "x": twice(r["a"])} for r in rows],
    ),
    "with_columns": (
        lambda: expressions.Select(
            {"a": pc.field("a") * 2, "y": lambda batch: pc.utf8_length(batch["b"])}, True
        ),
        lambda rows: [{"a": twice(r["a"]), "b": r["b"], "l": r["l"], "y": len(r["b"])} for r in rows],
    ),
    "explode": (
        lambda: expressions.Explode("l"),
        lambda rows: [{"a": r["a"], "b": r["b"], "l": x} for r in rows for x in r["l"] or ()],
    ),
}


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=30)
@given(rows=ROWS, at=st.integers(0, 30))
def test_arrow_batches_give_what_rows_give(name, rows, at):
    make, expected = CASES[name]
    assert through(opened(make()), *cut(rows, at, arrow=True)) == expected(rows)


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=20)
@given(rows=ROWS)
def test_lists_become_columns(name, rows):
    rows = [*rows, {"a": 1, "b": "", "l": [1]}]  # so that every column has a type
    make, expected = CASES[name]
    assert through(opened(make()), Batch(rows)) == expected(rows)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)), min_size=1))
def test_no_field_of_a_row_is_left_out(rows):
    names = {name for row in rows for name in row}
    assert columns_of(rows).to_pylist() == [
        {n: row.get(n) for n in dict.fromkeys(x for r in rows for x in r)} for row in rows
    ]
    assert set(columns_of(rows).schema.names) == names


def test_a_filter_leaves_records_what_they_are():
    ctx = StreamingContext()
    ctx.from_values(1, 5, 7).filter(pc.field("value") > 3).map(lambda n: n + 1).collect()
    assert ctx.execute("filter").result() == [6, 8]


def test_exploded_batches_are_cut():
    wide = Batch(pa.RecordBatch.from_pylist([{"x": list(range(200_000)), "id": 1}]))
    pieces = list(opened(expressions.Explode("x"), 10).process(wide))
    assert max(map(len, pieces)) <= 65_536
    assert [n for piece in pieces for n in piece.values["x"].to_pylist()] == list(range(200_000))


@pytest.mark.parametrize("timed", [True, False])
def test_times_stay_with_their_records(timed):
    batch = Batch([{"l": [1, 2]}, {"l": []}, {"l": [3]}], None, [10, 20, 30] if timed else None)
    (out,) = opened(expressions.Explode("l")).process(batch)
    assert out.timestamps == ([10, 10, 30] if timed else None)
    (kept,) = opened(expressions.FilterExpression(pc.field("n") > 1)).process(
        Batch([{"n": 1}, {"n": 2}], None, [1, 2])
    )
    assert (kept.values, kept.timestamps) == ([{"n": 2}], [2])


class Batches(Sink[object]):
    """Keeps what it is given as it is."""

    columnar = True
    seen: list = option(doc="Where to.", kw_only=False)

    def open(self, state, ctx):
        return _Kept(self.seen)


class _Kept(Writer[object]):
    def __init__(self, seen):
        self._seen = seen

    def write(self, batch):
        self._seen.append(batch.values)


def test_from_source_to_sink_no_record_becomes_an_object(tmp_path, monkeypatch):
    (tmp_path / "words.txt").write_text("to be or\nnot to be\n" * 5_000)
    seen: list = []
    ctx = StreamingContext()
    words = ctx.read_text_file(tmp_path / "words.txt").select(
        word=pc.utf8_split_whitespace(pc.field("value"))
    )
    longer = (
        words.explode("word")
        .filter(pc.field("word") != "or")
        .with_columns(n=pc.utf8_length(pc.field("word")))
    )
    longer.map_batches(lambda batch: batch).partition_by("word").select("word", "n").set_parallelism(2).sink(
        Batches(seen)
    )

    def refuse(values):
        raise AssertionError("a row was made")

    for module in ("expressions", "map_batches", "rows", "sink", "by_field"):
        monkeypatch.setattr(f"raystreaming.operators.{module}.rows_of", refuse)
    ctx.execute("arrow")
    assert {type(values) for values in seen} == {pa.RecordBatch}
    counts = pa.Table.from_batches(seen).group_by("word").aggregate([([], "count_all")]).to_pylist()
    assert {row["word"]: row["count_all"] for row in counts} == {"to": 10_000, "be": 10_000, "not": 5_000}


def test_an_unknown_column_is_named():
    ctx = StreamingContext()
    ctx.from_values({"price": 1, "user": "a"}).explode("prise").collect()
    with pytest.raises(OperatorError) as error:
        ctx.execute("unknown")
    text = str(error.value)
    assert text.startswith(
        "operator 'from_values.explode': explode('prise'): there is no column 'prise' (did you mean 'price'?)"
    )
    assert "columns: price, user\n  record: {'price': 1, 'user': 'a'}\n" in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.select(), "select() takes names of columns"),
        (lambda s: s.select("a", "a"), "select() names the column 'a' twice"),
        (lambda s: s.select(a=3), "got a=3: write e.g. pc.field('price') * 2"),
        (lambda s: s.with_columns(), "with_columns() takes columns by name"),
        (lambda s: s.explode(3), "explode() takes the name of a column, got 3"),
        (lambda s: s.map_batches(3), "map_batches() takes a function of a batch, got 3"),
        (lambda s: s.map_batches(len, "panda"), "got 'panda' (did you mean 'pandas'?)"),
        (
            lambda s: s.key_by(1.5),
            "key_by() takes a function, the name of a field or an index, several of these in a list, got 1.5",
        ),
        (lambda s: s.key_by("a").agg(), "agg() takes aggregates by name"),
        (lambda s: s.key_by("a").agg(n=3), "got n=3"),
        (lambda s: s.key_by("a").agg(a=__import__("raystreaming").count()), "'a' is the key"),
    ],
)
def test_what_is_wrong_is_said_at_once(call, message):
    with pytest.raises(GraphError) as error:
        call(StreamingContext().from_values({"a": 1}))
    assert message in str(error.value)


@pytest.mark.parametrize("form", ["pyarrow", "pandas", "numpy", "rows"])
def test_map_batches_in_every_form(form):
    def double(batch):
        if form == "rows":
            return [{**row, "n": row["n"] * 2} for row in batch]
        if form == "pyarrow":
            return batch.set_column(batch.schema.get_field_index("n"), "n", pc.multiply(batch["n"], 2))
        if form == "pandas":
            return batch.assign(n=batch.n * 2)
        return {**batch, "n": batch["n"] * 2}

    ctx = StreamingContext()
    ctx.from_collection([{"n": n, "s": str(n)} for n in range(100)]).map_batches(double, form).collect()
    assert ctx.execute(form).result() == [{"n": n * 2, "s": str(n)} for n in range(100)]


def test_map_batches_names_what_raised():
    ctx = StreamingContext()
    ctx.from_values(1).map_batches(lambda rows: 1 // 0, "rows").collect()
    with pytest.raises(
        OperatorError, match=r"operator 'from_values.map_batches': .*lambda.* raised ZeroDivisionError"
    ):
        ctx.execute("raises")
