"""What a function is given by name: to a map, an object, a record, a setter."""

from __future__ import annotations

import pytest

from raystreaming.errors import GraphError

FNS = "com.acme.Fns$"


@pytest.fixture
def made(context):
    """Run one function that is given arguments and options."""

    def run(values, method, function, /, *arguments, **options):
        ctx = context()
        stream = ctx.from_collection(values).as_java_stream()
        getattr(stream, method)(FNS + function, *arguments, **options).as_python_stream().collect()
        return ctx.execute("made").result()

    return run


def test_a_constructor_that_takes_a_map(made):
    assert made([1], "map", "WithMap", "first", b=2, a=1) == ["{a=1, b=2}Integer"]


def test_a_constructor_that_takes_an_object_with_such_fields(made):
    assert made(range(6), "filter", "WithLimits", least=3, most=4) == [3, 4]
    assert made(range(3), "filter", "WithLimits", most=None) == [1, 2], "what is not given stays as it is"
    assert made(range(3), "filter", "WithLimits") == [1, 2]


def test_a_record_that_is_a_function(made):
    assert made(range(6), "filter", "Between", most=4, least=2) == [2, 3, 4]
    assert made(range(6), "filter", "Between", 2, most=4) == [2, 3, 4]


def test_setters(made):
    assert made([1], "map", "WithSetters", times=2, name="you") == ["hello you1;hello you1;"]
    assert made([1], "map", "WithSetters", "bye", name="all") == ["bye all1;"]
    assert made([1], "map", "WithSetters") == ["hello nobody1;"]


def test_options_of_sources_and_sinks(context, tmp_path):
    ctx = context()
    out = tmp_path / "out"
    ctx.from_java(FNS + "Numbers", 3).sink(FNS + "ToFile", path=str(out))
    with pytest.raises(GraphError, match=r"has no constructor that takes the options \{path=.*it has ToFile"):
        ctx.submit("no-names")
    ctx = context()
    with pytest.raises(GraphError, match=r"sink\(\) takes options \(path\) for a sink in another language"):
        ctx.from_values(1).sink(print, path="x")


@pytest.mark.parametrize(
    ("name", "options", "has", "why"),
    [
        ("Between", {"least": 1, "mots": 2}, "it has Between(long least, long most)", ""),
        (
            "Between",
            {"least": 1, "most": "many"},
            "Between(long least, long most)",
            'most: "many" (String) does',
        ),
        ("Between", {"least": 1, "most": 2, "extra": 3}, "Between(long", "there is no option extra"),
        (
            "WithLimits",
            {"lest": 1},
            "it has WithLimits(Limits of least (int), most (Integer))",
            "there is no option lest",
        ),
        ("WithLimits", {"least": 2**31}, "WithLimits(", "least: 2147483648 (Long) does not fit the declared"),
    ],
)
def test_what_is_wrong_is_said_at_submit_with_what_there_is(context, name, options, has, why):
    ctx = context()
    ctx.from_values(1).as_java_stream().filter(FNS + name, **options).as_python_stream().collect()
    with pytest.raises(GraphError) as caught:
        ctx.submit("wrong")
    text = str(caught.value)
    assert f"operator 'from_values.filter': {FNS}{name} has no constructor that takes the options {{" in text
    assert has in text
    assert why in text


def test_wrong_setters_are_said_with_those_there_are(context):
    ctx = context()
    ctx.from_values(1).as_java_stream().map(FNS + "WithSetters", tims=2).as_python_stream().collect()
    with pytest.raises(
        GraphError, match=r"and setters of name \(String\), times \(int\): there is no option tims"
    ):
        ctx.submit("wrong")


def test_a_sink_of_a_python_stream_is_given_options(context, tmp_path):
    ctx = context()
    ctx.from_values(1, 2).sink(FNS + "ToNamedFile", path=str(tmp_path / "out"))
    ctx.execute("named")
    assert (tmp_path / "out").read_text() == "1\n2\n"
