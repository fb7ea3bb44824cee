"""`raystreaming describe kafka`: what is in a cluster, and the line that reads it."""

from __future__ import annotations

import orjson
import pytest

from raystreaming import StreamingContext
from raystreaming.cli.main import main
from raystreaming_kafka.guess import guess

CLICKS = [{"user": "ann", "n": 1}, {"user": "bob", "n": 2}, {"user": "cyd", "n": 3}]


@pytest.fixture
def describe(kafka, client, capsys):
    """Run the command on the broker; return the lines that it prints, each without blanks around it."""

    def run(*arguments):
        code = main(["describe", "kafka", "--servers", kafka.servers, "--client", client, *arguments])
        said = capsys.readouterr()
        assert (code, said.err) == (0, "")
        return [line.strip() for line in said.out.splitlines()]

    return run


def test_all_topics_are_listed(kafka, describe):
    lead = kafka.topic(3)
    empty = kafka.topic()
    kafka.produce(lead, [b"x"] * 5, 0)
    kafka.produce(lead, [b"x"] * 2, 2)
    kafka.delete_before(lead, 1, 0)
    kafka.transaction(empty, [], "open")  # makes a topic of the brokers' own
    rows = [line.split() for line in describe()]
    assert rows[0] == ["topic", "partitions", "offsets"]
    assert [lead, "3", "6"] in rows
    assert [empty, "1", "0"] in rows
    assert not [row for row in rows if row and row[0].startswith("__")]


def test_a_topic_and_the_line_that_reads_it(kafka, describe):
    topic, other = kafka.topic(2), kafka.topic()
    kafka.produce(topic, [b"gone", *map(orjson.dumps, CLICKS[:2])], 0)
    kafka.produce(topic, [orjson.dumps(CLICKS[2])], 1)
    kafka.delete_before(topic, 1, 0)
    lines = describe("--topics", topic, other)
    at = lines.index(f"topic {topic}")
    assert [line.split() for line in lines[at + 1 : at + 4]] == [
        ["partition", "earliest", "latest"],
        ["0", "1", "3"],
        ["1", "0", "1"],
    ]
    assert lines[at + 5 : at + 8] == [
        "Of the last 3 messages, all are JSON objects:",
        "user: string",
        "n: int64",
    ]
    ctx = StreamingContext()
    first, second = (line for line in lines if line.startswith("ctx."))
    eval(first, {"ctx": ctx}).collect()
    assert sorted(ctx.execute("first").result(), key=lambda row: row["n"]) == CLICKS
    assert "There is no message with a value in it." in lines[lines.index(f"topic {other}") :]
    ctx = StreamingContext()
    eval(second, {"ctx": ctx}).collect()
    assert ctx.execute("second").result() == []


def test_the_last_messages_count(kafka, describe):
    topic = kafka.topic(2)
    kafka.produce(topic, [b"\xff"] * 50 + [b"text"] * 10, 0)
    assert "Of the last 10 messages, all are text, and none is a JSON object." in describe(
        "--topics", topic, "--samples", "20"
    )


def test_what_is_not_there_is_said(kafka, capsys):
    topic = kafka.topic()
    assert main(["describe", "kafka", "--servers", kafka.servers, "--topics", topic + "z"]) == 1
    assert f"no topic '{topic}z' (did you mean '{topic}'?) at {kafka.servers}" in capsys.readouterr().err


def test_no_broker(client, impatient, capsys):
    assert main(["describe", "kafka", "--servers", "127.0.0.1:1", "--client", client]) == 1
    said = capsys.readouterr()
    assert "Check that a broker runs there" in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("values", "lines", "options"),
    [
        ([], ["There is no message with a value in it."], {}),
        ([None, b""], ["There is no message with a value in it."], {}),
        (
            [b'{"a":1}', None, b'{\n"a":2.5,"b":[{"c":null}]}'],
            [
                "Of the last 2 messages, all are JSON objects:",
                "  a: double",
                "  b: list<item: struct<c: null>>",
            ],
            {"format": '"json"'},
        ),
        (
            [b'{"a":1}', b"[1]", b"\xff"],
            ["Of the last 3 messages, 1 are JSON objects:", "  a: int64"],
            {"format": '"json"', "on_error": '"skip"'},
        ),
        ([b"{}"], ["Of the last 1 messages, all are JSON objects:"], {"format": '"json"'}),
        (
            ["ü".encode(), b"1"],
            ["Of the last 2 messages, all are text, and none is a JSON object."],
            {"format": '"string"'},
        ),
        (
            [b"text", b"\xff"],
            ["Of the last 2 messages, some are neither JSON nor text: they stay bytes."],
            {},
        ),
        (
            [b"\0\0\0\0\1x", b"\0\0\0\0\2yy"],
            ["Of the last 2 messages, all begin with a schema's number: Avro or Protobuf of a registry."],
            {"format": '"avro"', "registry": 'SchemaRegistry("http://...")'},
        ),
        (
            [b"\0\0\0\0\1"],
            ["Of the last 1 messages, all are text, and none is a JSON object."],
            {"format": '"string"'},
        ),
    ],
)
def test_what_messages_seem_to_be(values, lines, options):
    found = guess(values)
    assert (found.lines, found.options) == (lines, options)
