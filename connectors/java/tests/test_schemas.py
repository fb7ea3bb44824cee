"""Records with a type: rows as Java and Python have them, in both directions."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pyarrow as pa
import pytest

from raystreaming.errors import GraphError, TransferError
from raystreaming_java.schema import java_schema

FNS = "com.acme.Fns$"

ROW = pa.schema(
    [
        ("flag", pa.bool_()), ("tiny", pa.int8()), ("small", pa.int16()), ("whole", pa.int32()),
        ("large", pa.int64()), ("single", pa.float32()), ("double", pa.float64()), ("text", pa.string()),
        ("bytes", pa.binary()), ("list", pa.list_(pa.int32())), ("map", pa.map_(pa.string(), pa.int16())),
        ("row", pa.struct([("x", pa.int32())])),
    ]
)  # fmt: skip
VALUES = {
    "flag": True, "tiny": 1, "small": 1, "whole": 1, "large": 1, "single": 0.5, "double": 1, "text": "a",
    "bytes": b"a", "list": [1], "map": {"a": 1}, "row": {"x": 1},
}  # fmt: skip


@dataclass
class Point:
    x: int
    y: float | None
    tags: list[str]


@dataclass
class Plain:
    name: str
    count: int
    at: Point | None = None


def to_java(context, schema, values, name):
    ctx = context()
    stream = ctx.from_collection(values).as_java_stream(schema).map(FNS + name)
    stream.as_python_stream().collect()
    return ctx.execute("to-java").result()


def to_python(context, schema, values, name):
    ctx = context()
    stream = ctx.from_collection(values).as_java_stream().map(FNS + name).as_python_stream(schema)
    stream.map(lambda value: value).collect()
    return ctx.execute("to-python").result()


def test_rows_arrive_as_maps_of_the_types_of_the_schema(context):
    assert to_java(context, ROW, [VALUES, dict.fromkeys(VALUES)], "RowTypes") == [
        "LinkedHashMap flag=Boolean tiny=Byte small=Short whole=Integer large=Long single=Float "
        "double=Double text=String bytes=byte[] list=ArrayList map=LinkedHashMap row=LinkedHashMap",
        "LinkedHashMap " + " ".join(f"{name}=null" for name in VALUES),
    ]


def test_a_schema_may_be_of_plain_values(context):
    assert to_java(context, pa.int32(), [1], "TypeName") == ["Integer"]
    assert to_java(context, pa.list_(pa.float32()), [[1]], "TypeName") == ["ArrayList"]


def test_what_a_function_declares_comes_on_top(context):
    assert to_java(context, pa.int32(), [1], "Declared$OfLong") == [["Long", 1]]


def test_rows_become_the_record_or_the_plain_class_that_a_function_declares(context):
    point = {"x": 1, "y": 2, "tags": ["a"]}
    assert to_java(context, None, [point], "OfPoint") == ["Point[x=1, y=2.0, tags=[a]]"]
    assert to_java(context, Point, [Point(1, None, ["b"])], "OfPoint") == ["Point[x=1, y=null, tags=[b]]"]
    plain = Plain("n", 3, Point(1, 0.5, []))
    assert to_java(context, Plain, [plain], "OfPlain") == ["n3Point[x=1, y=0.5, tags=[]]"]


def test_arrow_batches_go_to_java_as_rows(context, tmp_path):
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"x": pa.array([1, 2, 3], pa.int32())}), tmp_path / "a.parquet")
    ctx = context()
    rows = ctx.read_files(tmp_path, format="parquet").filter(pc.field("x") > 1)
    rows.as_java_stream(pa.schema([("x", pa.int32())])).map(FNS + "RowTypes").as_python_stream().collect()
    assert ctx.execute("arrow").result() == ["LinkedHashMap x=Integer"] * 2


def test_records_and_plain_classes_arrive_as_dicts_or_dataclasses(context):
    schema = pa.schema([("x", pa.int32()), ("y", pa.float32()), ("tags", pa.list_(pa.string()))])
    assert to_python(context, schema, [3], "MakePoint") == [{"x": 3, "y": 1.5, "tags": ["t3"]}]
    assert to_python(context, Point, [3], "MakePoint") == [Point(3, 1.5, ["t3"])]
    assert to_python(context, Plain, [0, 3], "MakePlain") == [
        Plain("n0", 7), Plain("n3", 7, Point(3, 1.5, ["t3"])),
    ]  # fmt: skip


def test_a_source_has_a_schema_too(context):
    ctx = context()
    ctx.from_java(FNS + "Numbers", 3).as_python_stream(pa.int8()).collect()
    assert ctx.execute("source").result() == [0, 1, 2]
    ctx = context()
    ctx.from_java(FNS + "Numbers", 200).as_python_stream(pa.int8()).collect()
    with pytest.raises(TransferError, match=r"operator 'from_java': .* 128 \(Long\) does not fit int8"):
        ctx.execute("source")


def test_a_connector_has_a_schema_as_functions_do(context, tmp_path):
    ctx = context()
    rows = ctx.from_values({"x": 1}).as_java_stream(pa.schema([("x", pa.float32())]))
    rows.sink("com.acme.Staged", str(tmp_path))
    ctx.execute("sink")
    (file,) = [each for each in tmp_path.iterdir() if each.is_file()]
    assert file.read_text() == "{x=1.0}\n"
    ctx = context()
    ctx.from_java("com.acme.Ranges", 1, 3).as_python_stream(pa.int32()).collect()
    with pytest.raises(TransferError, match=r"operator 'from_java': .* does not fit .*\n.*range-0"):
        ctx.execute("source")


def test_a_schema_holds_between_workers(context):
    ctx = context()
    numbers = ctx.from_java(FNS + "Numbers", 20).map(FNS + "MakePoint")
    python = numbers.as_python_stream(Point).map(lambda p: dataclasses.replace(p, x=p.x + 1))
    java = python.set_parallelism(2).as_java_stream(Point).map(FNS + "OfPoint").set_parallelism(3)
    java.as_python_stream().collect()
    assert sorted(ctx.execute("workers").result()) == sorted(
        f"Point[x={n + 1}, y={n / 2}, tags=[t{n}]]" for n in range(20)
    )


@pytest.mark.parametrize(
    ("schema", "value", "why"),
    [
        (pa.int32(), 2**31, r"2147483648 \(Long\) does not fit int32"),
        (pa.int8(), -129, r"-129 \(Long\) does not fit int8"),
        (pa.string(), 1, r"1 \(Long\) does not fit string"),
        (pa.schema([("x", pa.int32())]), {"x": 2**40}, r"x: 1099511627776 \(Long\) does not fit int32"),
        (pa.schema([("x", pa.int32())]), {"x": 1, "y": 2}, r'"y" is no field of the schema: \[x\]'),
        (pa.schema([pa.field("x", pa.int32(), nullable=False)]), {}, r"x: None is no int32"),
        (pa.list_(pa.int32()), {"a": 1}, r"does not fit list"),
        (Point, Point(1, 1.0, ["a", None]), r"tags: None is no string"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_with_the_value(context, schema, value, why):
    with pytest.raises(TransferError, match=why) as caught:
        to_java(context, schema, [value], "Identity")
    assert str(caught.value).startswith("operator 'from_collection.map': a record does not fit the schema: ")
    assert "\n  record: " in str(caught.value)


def test_what_does_not_fit_is_said_on_the_way_back_too(context):
    with pytest.raises(
        TransferError, match=r'operator .*\.map\': .* x: "text" \(String\) does not fit int32'
    ):
        to_python(context, pa.schema([("x", pa.int32())]), [0, 1], "MakeRow")


def test_a_stream_has_one_schema(context):
    stream = context().from_values(1)
    stream.as_java_stream(pa.int32())
    stream.as_java_stream(pa.int32())
    stream.as_java_stream()
    with pytest.raises(GraphError, match=r"records of 'from_values' have another schema already"):
        stream.as_java_stream(pa.int64())


def test_a_union_has_the_schema_that_all_have_and_else_none(context):
    def types(first, second):
        ctx = context()
        small = ctx.from_values(1).as_java_stream(first)
        large = ctx.from_values(2**40).as_java_stream(second)
        small.union(large).map(FNS + "TypeName").as_python_stream().collect()
        return sorted(ctx.execute("union").result())

    assert types(pa.float64(), pa.float64()) == ["Double", "Double"]
    assert types(pa.int32(), pa.int64()) == ["Long", "Long"]


@dataclass
class Odd:
    value: set[int]


@dataclass
class Loop:
    inside: Loop | None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"x": int}, "this is no schema: {'x': <class 'int'>}. A schema is a pyarrow.Schema"),
        (pa.schema([("t", pa.timestamp("us"))]), "a schema cannot have the type timestamp[us]: map it"),
        (Odd, "a schema cannot have Odd.value: set[int]"),
        (Loop, "a schema cannot have Loop, which is inside itself"),
    ],
)
def test_what_is_no_schema(given, why):
    with pytest.raises(GraphError) as caught:
        java_schema(given)
    assert str(caught.value).startswith(why)


def test_half_of_a_surrogate_pair_survives_in_java_and_is_an_error_on_the_way_out(context):
    ctx = context()
    stream = ctx.from_values("a").as_java_stream().map(FNS + "Surrogate")
    stream.map(FNS + "Length").set_parallelism(2).as_python_stream().collect()
    assert ctx.execute("survives").result() == [2 * 100_000 + 0xD800]
    ctx = context()
    ctx.from_values("a").as_java_stream().map(FNS + "Surrogate").as_python_stream().collect()
    with pytest.raises(TransferError, match=r"'from_values\.map': .*character 1 of it is half of"):
        ctx.execute("out")
