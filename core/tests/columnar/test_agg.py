"""Aggregates by key: Arrow and rows give what a plain computation gives, however batches are cut."""

from __future__ import annotations

import itertools
import math
import pickle
from collections import Counter, defaultdict
from operator import itemgetter
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raystreaming import StreamingContext, count, max_, mean, min_, sum_
from raystreaming.api import keys
from raystreaming.connector import Batch, RecordsSource
from raystreaming.connector.operator import OperatorContext, PieceLimit
from raystreaming.engine.partition import ByKey
from raystreaming.errors import GraphError, OperatorError
from raystreaming.operators import grouped
from raystreaming.operators.agg import Agg
from raystreaming.operators.expressions import KeyByField
from raystreaming.records import rows_of
from raystreaming.state import FieldKeys, group_owners, key_group

GROUPS = 12
AGGREGATES = {
    "n": count(),
    "values": count("v"),
    "total": sum_("v"),
    "least": min_("v"),
    "greatest": max_("v"),
    "average": mean("v"),
    "first": min_("s"),
}
EDGES = st.sampled_from([2**63 - 1, -(2**63), 0, 1])


def rows_with(values: st.SearchStrategy) -> st.SearchStrategy[list[dict]]:
    key, text = st.none() | st.sampled_from(["a", "b", ""]), st.none() | st.text(max_size=2)
    return st.lists(st.fixed_dictionaries({"k": key, "v": values, "s": text}), max_size=40)


SMALL = st.none() | st.integers(-5, 5)
ROWS = rows_with(SMALL | EDGES)
SCHEMA = pa.schema({"k": pa.string(), "v": pa.int64(), "s": pa.string()})


def make(updates: str = "batch", aggregates=AGGREGATES) -> Agg:
    operator = Agg("k", aggregates, GROUPS, updates)
    operator.open(OperatorContext("agg", 0, 1, PieceLimit(7)))
    return operator


def keyed(rows: list, arrow: bool, schema: pa.Schema | None = SCHEMA) -> Batch:
    if not arrow:
        return Batch(rows, [row["k"] for row in rows])
    key_by = KeyByField("k", itemgetter("k"))
    key_by.open(OperatorContext("key", 0, 1, PieceLimit()))
    (batch,) = key_by.process(Batch(pa.RecordBatch.from_pylist(rows, schema=schema)))
    return batch


def fed(operator: Agg, rows: list, cuts: list[int], arrow: bool, schema=SCHEMA) -> list[dict]:
    ends = [0, *sorted(min(c, len(rows)) for c in cuts), len(rows)]
    batches = [keyed(rows[a:b], arrow, schema) for a, b in itertools.pairwise(ends) if a < b]
    return [row for b in batches for out in operator.process(b) for row in rows_of(out.values)]


def plain(rows: list[dict]) -> dict:
    """The result of some records of one key."""
    values = [row["v"] for row in rows if row["v"] is not None]
    texts = [row["s"] for row in rows if row["s"] is not None]
    return {
        "k": rows[0]["k"],
        "n": len(rows),
        "values": len(values),
        "total": sum(values) if values else None,
        "least": min(values, default=None),
        "greatest": max(values, default=None),
        "average": sum(values) / len(values) if values else None,
        "first": min(texts, default=None),
    }


def by_key(rows: list[dict]) -> dict:
    found: dict = defaultdict(list)
    for row in rows:
        found[row["k"]].append(row)
    return found


@pytest.mark.parametrize("arrow", [True, False])
@settings(deadline=None, max_examples=30)
@given(rows=ROWS, cuts=st.lists(st.integers(0, 40), max_size=5))
def test_the_last_row_of_a_key_is_its_result_and_all_before_are_results_so_far(arrow, rows, cuts):
    seen = by_key(fed(make(), rows, cuts, arrow))
    expected = by_key(rows)
    assert {k: updates[-1] for k, updates in seen.items()} == {k: plain(its) for k, its in expected.items()}
    for k, updates in seen.items():
        so_far = [plain(expected[k][:n]) for n in range(1, len(expected[k]) + 1)]
        assert [row for row in so_far if row in updates] == updates


@pytest.mark.parametrize("arrow", [True, False])
@settings(deadline=None, max_examples=30)
@given(rows=ROWS, at=st.integers(0, 40))
def test_final_rows_come_once_for_what_has_changed(arrow, rows, at):
    operator = make("final")
    first, second = rows[:at], rows[at:]
    assert fed(operator, first, [], arrow) == []
    ended = [row for out in operator.finish() for row in rows_of(out.values)]
    assert by_key(ended) == {k: [plain(its)] for k, its in by_key(first).items()}
    fed(operator, second, [], arrow)
    again = [row for out in operator.finish() for row in rows_of(out.values)]
    assert by_key(again) == {k: [plain(by_key(rows)[k])] for k in by_key(second)}


@pytest.mark.parametrize("arrow", [True, False])
@settings(deadline=None, max_examples=30)
@given(rows=ROWS, at=st.integers(0, 40), tasks=st.integers(1, 5))
def test_state_moves_by_key_group(arrow, rows, at, tasks):
    before = make("final")
    fed(before, rows[:at], [], arrow)
    taken = before.state.snapshot()
    owners = group_owners(GROUPS, tasks)
    after = [make("final") for _ in range(tasks)]
    for group, data in taken.groups.items():
        after[owners[group]].state.restore(group, data)
    key_owner = {k: i for i, task in enumerate(after) for k in task.state.table}
    for row in rows[at:]:
        fed(after[key_owner.setdefault(row["k"], 0)], [row], [], arrow)
    results = [row for task in after for out in task.finish() for row in rows_of(out.values)]
    assert by_key(results) == {k: [plain(its)] for k, its in by_key(rows).items()}


NUMBERS = {name: a for name, a in AGGREGATES.items() if a.field != "s"}
"""What Arrow computes in every version: batches of these wait for each other."""


@settings(deadline=None, max_examples=60)
@given(
    rows=rows_with(SMALL),  # Arrow leaves sums of others to Python
    cuts=st.lists(st.integers(0, 12), max_size=8),
    ways=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=4),
    limit=st.sampled_from([0, 3, 100]),
)
def test_final_rows_are_of_all_batches_in_the_order_of_the_keys(rows, cuts, ways, limit):
    operator = make("final", NUMBERS)
    ends = [0, *sorted(min(c, len(rows)) for c in cuts), len(rows)]
    with patch.object(grouped, "_WAITING_ROWS", limit):
        for (a, b), (arrow, checkpoint) in zip(itertools.pairwise(ends), itertools.cycle(ways), strict=False):
            assert fed(operator, rows[a:b], [], arrow) == []
            if checkpoint:
                groups = map(pickle.loads, operator.state.snapshot().groups.values())
                state = {k: slots[0] for pairs in groups for k, (slots, _) in pairs}
                assert state == Counter(row["k"] for row in rows[:b])
        ended = [row for out in operator.finish() for row in rows_of(out.values)]
    expected = {k: plain(its) for k, its in by_key(rows).items()}
    assert ended == [{n: v for n, v in row.items() if n != "first"} for row in expected.values()]


def test_sums_of_many_batches_may_leave_64_bits():
    operator = make("final", {"total": sum_("v")})
    rows = [{"k": "a", "v": 2**61}] * 9
    fed(operator, rows, list(range(9)), True)
    assert [row for out in operator.finish() for row in rows_of(out.values)] == [
        {"k": "a", "total": 9 * 2**61}
    ]


FLOATS = st.lists(st.floats(width=32) | st.sampled_from([math.nan, -0.0, math.inf]), min_size=1, max_size=20)


@settings(deadline=None, max_examples=30)
@given(FLOATS, st.lists(st.integers(0, 20), max_size=3))
def test_nan_is_neither_least_nor_greatest(values, cuts):
    rows = [{"k": "a", "v": v} for v in values]
    numbers = [v for v in values if v == v]
    results = {
        arrow: fed(make(aggregates={"lo": min_("v"), "hi": max_("v")}), rows, cuts, arrow, None)[-1]
        for arrow in (True, False)
    }
    for row in results.values():
        assert (row["lo"], row["hi"]) == (min(numbers), max(numbers)) if numbers else math.isnan(row["lo"])


@pytest.mark.parametrize("keys", [[True, False], [1.5, -0.0, 0.0], [b"x", b""], [1, 2], [None]])
def test_keys_of_every_type(keys):
    rows = [{"k": k, "v": 1} for k in keys * 3]
    result = fed(make(aggregates={"total": sum_("v")}), rows, [], True, None)
    assert {row["k"]: row["total"] for row in result} == {k: 3 * keys.count(k) for k in keys}


def test_a_key_that_cannot_be_one_is_refused_by_name():
    with pytest.raises(OperatorError, match=r"operator 'agg': key is NaN"):
        fed(make(aggregates={"n": count()}), [{"k": math.nan}], [], True, None)


def test_rows_without_the_field_are_shown():
    with pytest.raises(
        OperatorError, match=r"agg\(n=sum_\('v'\)\): there is no field 'v'\n.*\n  record: \{'k': 1\}"
    ):
        fed(make(aggregates={"n": sum_("v")}), [{"k": 1}], [], False)


PARTS = st.fixed_dictionaries(
    {
        "a": st.none() | st.sampled_from(["x", "y", ""]),
        "b": st.none() | st.integers(-1, 1),
        "c": st.sampled_from([b"", b"z"]),
        "v": st.integers(-5, 5),
    }
)
PARTS_SCHEMA = pa.schema({"a": pa.string(), "b": pa.int64(), "c": pa.binary(), "v": pa.int64()})


@pytest.mark.parametrize("fields", [["a"], ["a", "b"], ["b", "a", "c"]])
@settings(deadline=None, max_examples=30)
@given(rows=st.lists(PARTS, min_size=1, max_size=40), tasks=st.sampled_from([1, 2, 3, 7]))
def test_keys_of_several_columns_are_those_of_rows_and_go_where_they_do(fields, rows, tasks):
    key_by = KeyByField(tuple(fields), keys.key_function("key_by", fields, several=True))
    key_by.open(OperatorContext("key", 0, 1, PieceLimit()))
    columns = pa.RecordBatch.from_pylist(rows, schema=PARTS_SCHEMA)
    (in_arrow,), (in_rows,) = key_by.process(Batch(columns)), key_by.process(Batch(rows))
    expected = [tuple(row[field] for field in fields) for row in rows]
    assert isinstance(in_arrow.keys, FieldKeys)
    travelled = in_arrow.keys.detached().attached(columns)
    assert list(in_rows.keys) == in_arrow.keys.to_pylist() == travelled.to_pylist() == expected
    distinct, codes = in_arrow.keys.encoded()
    assert [distinct[code] for code in codes.to_pylist()] == expected
    assert len(distinct) == len(set(expected))
    owners = [group_owners(GROUPS, tasks)[key_group(key, GROUPS)] for key in expected]
    by_key = ByKey(range(tasks), "key", GROUPS)
    for batch in (in_arrow, in_rows):
        dealt = {task: rows_of(part.values) for task, part in by_key.split(batch)}
        assert dealt == {t: [r for r, o in zip(rows, owners, strict=True) if o == t] for t in set(owners)}


@pytest.mark.parametrize("tasks", [1, 2, 3, 7])
@pytest.mark.parametrize("arrow", [True, False])
def test_aggregates_by_several_fields(arrow, tasks):
    rows = [{"a": f"{n % 3}", "b": n % 4, "v": n} for n in range(100)]
    ctx = StreamingContext()
    stream = ctx.from_collection(rows)
    keyed = (stream.select("a", "b", "v") if arrow else stream.map(dict)).key_by(["a", "b"])
    keyed.agg(n=count(), total=sum_("v"), updates="final").set_parallelism(tasks).collect()
    found = sorted(ctx.execute("several").result(), key=lambda row: (row["a"], row["b"]))
    its = {
        (a, b): [r["v"] for r in rows if (r["a"], r["b"]) == (f"{a}", b)] for a in range(3) for b in range(4)
    }
    assert found == [{"a": f"{a}", "b": b, "n": len(v), "total": sum(v)} for (a, b), v in its.items()]


def test_keys_of_several_fields_that_cannot_be():
    stream = StreamingContext().from_values({"a": 1})
    for wrong in ([], ["a", 1.5], {"a"}):
        with pytest.raises(
            GraphError, match=r"key_by\(\) takes a function, .*several of these in a list, got"
        ):
            stream.key_by(wrong)
    with pytest.raises(GraphError, match=r"agg\(\): 'b' is the key"):
        stream.key_by(["a", "b"]).agg(b=count())
    ctx = StreamingContext()
    ctx.from_values({"a": 1}).select("a").key_by(["a", "bb"]).agg(n=count()).collect()
    with pytest.raises(OperatorError, match=r"key_by\(\['a', 'bb'\]\).*no column 'bb'"):
        ctx.execute("missing")


class Counting(RecordsSource[dict]):
    """Counts for ever."""

    bounded = False

    def records(self, position):
        for n in itertools.count(position or 0):
            yield n + 1, {"k": f"key {n % 17}", "n": n}


def run_some(folder, eventually, parallelism: int, rows: list) -> None:
    ctx = StreamingContext(checkpoint_dir=folder, checkpoint_interval="20ms")
    columns = ctx.source(Counting()).select("k", "n")
    results = columns.key_by("k").agg(n=count(), total=sum_("n"), last=max_("n"))
    results.set_parallelism(parallelism).sink(rows.append)
    job = ctx.submit("job")
    so_far = len(rows)
    eventually(lambda: len(rows) > so_far + 500)
    job.stop()
    job.wait()


@pytest.mark.parametrize("parallelisms", [(1, 3), (3, 2), (2, 5)])
def test_a_job_goes_on_at_any_parallelism(tmp_path, eventually, parallelisms):
    rows: list = []
    for parallelism in parallelisms:
        run_some(tmp_path, eventually, parallelism, rows)
    for row in rows:
        key = int(row["k"].removeprefix("key "))
        assert row["last"] == key + 17 * (row["n"] - 1), "a record was lost or counted twice"
        assert row["total"] == sum(range(key, row["last"] + 1, 17))
