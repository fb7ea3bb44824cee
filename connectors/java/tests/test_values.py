"""Values on their way to Java and back, and as the types that functions declare."""

from __future__ import annotations

import enum
from collections import namedtuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raystreaming.errors import OperatorError, TransferError
from raystreaming_java import JavaSettings
from raystreaming_java.column import JavaColumn, to_java
from raystreaming_java.jvm import bridge

SETTINGS = JavaSettings()

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(max_size=70_000)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"])) | st.integers(-99, 99), inner, max_size=20
        )
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(values, max_size=30))
def test_what_goes_to_java_comes_back(rows):
    java = bridge(SETTINGS)
    column = JavaColumn(to_java(rows, java, "op"), len(rows), SETTINGS, False)
    assert repr(column.to_pylist()) == repr(rows)
    data = bytes(column.java.toBytes())
    classes = java.job_classes.open(SETTINGS.job, [])
    assert repr(JavaColumn(java.column.fromBytes(data, classes), len(rows), SETTINGS, False).to_pylist()) == (
        repr(rows)
    )
    classes.close()


Point = namedtuple("Point", "x y")


class Color(enum.IntEnum):
    RED = 7


def test_tuples_arrive_as_lists_and_enums_as_their_values(rows_of):
    given = [(1, "a"), Point(1, (2,)), Color.RED, bytearray(b"x")]
    assert rows_of(given, ("map", "Identity")) == [[1, "a"], [1, [2]], 7, b"x"]


def test_maps_have_keys_of_any_kind(rows_of):
    given = {None: 1, True: 2, 7: {b"x": 3}, 1.5: [4], (1, ("a",)): {"nested": {}}}
    assert rows_of([given], ("map", "Identity")) == [given]


def test_without_a_declaration_the_type_does_not_depend_on_the_size(rows_of):
    given = [1, 2**40, 2**63, 1.5, "a", b"a", True, None, [1], {"a": 1}]
    assert rows_of(given, ("map", "TypeName")) == [
        "Long", "Long", "BigInteger", "Double", "String", "byte[]", "Boolean", "null", "ArrayList",
        "LinkedHashMap",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "sent", "arrives"),
    [
        ("Integer", 2**31 - 1, 2**31 - 1), ("Integer", -(2**31), -(2**31)), ("Integer", 3.0, 3),
        ("Short", -(2**15), -(2**15)), ("Byte", 127, 127), ("Long", 5.0, 5), ("Long", 2**63 - 1, 2**63 - 1),
        ("Double", 3, 3.0), ("Double", 2**53, 2.0**53), ("Double", 2**63, 2.0**63), ("Float", 0.5, 0.5),
        ("Float", 3, 3.0), ("String", "s", "s"),
    ],
)  # fmt: skip
def test_a_function_gets_the_number_that_it_declares(rows_of, declared, sent, arrives):
    ((kind, value),) = rows_of([sent], ("map", f"Declared$Of{declared}"))
    assert (kind, value, type(value)) == (declared, arrives, type(arrives))


@pytest.mark.parametrize(
    ("declared", "sent", "shown"),
    [
        ("Integer", 2**31, "2147483648"), ("Integer", 1.5, "1.5"), ("Short", 2**15, "32768"),
        ("Byte", -129, "-129"), ("Long", 2**63, "9223372036854775808"), ("Long", 0.1, "0.1"),
        ("Double", 2**53 + 1, "9007199254740993"), ("Float", 1e300, "1.0E300"), ("String", 5, "5"),
        ("Integer", "7", '"7"'), ("Double", 2**63 - 1, "9223372036854775807"),
        ("Float", 2**63 - 1, "9223372036854775807"), ("Float", 2**24 + 1, "16777217"),
    ],
)  # fmt: skip
def test_what_would_be_lost_is_an_error_with_the_value(rows_of, declared, sent, shown):
    with pytest.raises(OperatorError) as caught:
        rows_of([sent], ("map", f"Declared$Of{declared}"))
    text = str(caught.value)
    assert text.startswith(
        f"operator 'from_collection.map': com.acme.Fns$Declared$Of{declared} cannot take the record: "
        f"{shown} ("
    )
    assert f"does not fit the declared {declared}" in text


def test_declarations_go_into_lists_and_maps_and_up_the_classes(rows_of):
    assert rows_of([{"a": (1, 2), "b": [3]}], ("map", "Declared$OfLists")) == [6]
    assert rows_of([1], ("map", "Declared$Inherited")) == ["Integer"]
    with pytest.raises(OperatorError, match=r"2147483648 .Long. does not fit the declared Integer"):
        rows_of([{"a": [2**31]}], ("map", "Declared$OfLists"))


def test_every_function_of_a_run_gets_its_own_type(rows_of):
    assert rows_of([4], ("filter", "Even"), ("map", "Declared$OfInteger")) == [["Integer", 4]]


@pytest.mark.parametrize("value", [2**64, {1, 2}, object(), 1j, "\ud800"])
def test_what_cannot_go_to_java_is_named(rows_of, value):
    with pytest.raises(
        TransferError, match=r"operator 'from_collection\.map': a record cannot go from Python"
    ):
        rows_of([1, value], ("map", "Identity"))


def test_what_cannot_go_to_python_is_named(rows_of):
    with pytest.raises(
        TransferError, match=r"operator 'from_collection\.map': a java\.lang\.Thread cannot go"
    ):
        rows_of([1], ("map", "Opaque"))


def test_what_cannot_go_to_a_sink_in_java_is_named(context):
    ctx = context()
    ctx.from_values(1, object()).sink("com.acme.Fns$Nowhere")
    with pytest.raises(
        TransferError, match=r"'from_values\.sink': a record cannot go from Python to Java: .*object"
    ):
        ctx.execute("sink")
