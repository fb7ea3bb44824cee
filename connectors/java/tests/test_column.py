"""Columns that Java holds: parts of parts, and what goes to another worker."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import pytest

from raystreaming.state import key_group
from raystreaming_java import JavaSettings
from raystreaming_java.column import JavaColumn, to_java
from raystreaming_java.jvm import bridge
from raystreaming_java.schema import java_schema

SETTINGS = pickle.loads(pickle.dumps(JavaSettings()))  # known here, as in a worker
GROUPS = 720


def column(values) -> JavaColumn:
    return JavaColumn(to_java(list(values), bridge(SETTINGS), "op"), len(values), SETTINGS, False)


def test_parts_of_parts():
    part = column(range(100)).slice(10, 50).slice(5, 20)
    assert part.to_pylist() == list(range(15, 35))
    assert part.take([3, 0, 19]).to_pylist() == [18, 15, 34]
    assert part.take(range(1, 20, 3)).to_pylist() == list(range(16, 35, 3))
    assert part.take(range(0, 20, 7)).slice(1, 9).to_pylist() == [22, 29]
    assert part.slice(18, 10).to_pylist() == [33, 34], "no further than its end"
    assert len(part.slice(30, 10)) == 0


@pytest.mark.parametrize("owner", [lambda group: group % 3, lambda group: group * 3 // GROUPS])
def test_keys_of_a_part_go_to_the_owners_of_their_groups(owner):
    keys = [f"key {n}" for n in range(90)]
    part = column(keys).slice(20, 60)
    split = part.split(GROUPS, [owner(group) for group in range(GROUPS)], 3)
    assert [part.take(indices).to_pylist() for indices in split] == [
        [key for key in keys[20:80] if owner(key_group(key, GROUPS)) == task] for task in range(3)
    ]


def test_a_part_goes_to_another_worker():
    part = column([{"a": n, "b": [str(n)] * 2} for n in range(50)]).slice(30, 5)
    sent = pickle.loads(pickle.dumps(part, 5))
    assert len(sent) == 5
    assert sent.to_pylist() == part.to_pylist()


@dataclass
class Point:
    x: int


@pytest.mark.parametrize("for_python", [True, False])
def test_the_schema_goes_with_every_part_to_every_worker(for_python):
    rows = to_java([{"x": n} for n in range(9)], bridge(SETTINGS), "op")
    typed = JavaColumn(rows, 9, SETTINGS, for_python, schema=java_schema(Point))
    sent = pickle.loads(pickle.dumps(typed.slice(2, 5).take([0, 4]), 5))
    points = sent if for_python else sent.slice(0, 2).to_pylist()
    assert points == [Point(2), Point(6)]
