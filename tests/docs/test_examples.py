"""The programs of examples/ that no other test runs, run as people run them."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

import orjson

from raystreaming_test_support.events import make_events
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.topics import create_topic, read_topic

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TEXT = "to be or\nnot to be\n\n  ray \n"


def lines(name: str, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> list[str]:
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return run_to_end(command, cwd=folder, timeout=60, env=env).stdout.splitlines()


def test_simple(tmp_path):
    (tmp_path / "toy.txt").write_text(TEXT)
    found = lines("simple.py", tmp_path, "--input-file", "toy.txt")
    counted = [("to", 1), ("be", 1), ("or", 1), ("not", 1), ("to", 2), ("be", 2), ("ray", 1)]
    assert found == [f"result {pair}" for pair in counted]


def test_word_count(tmp_path):
    (tmp_path / "words.txt").write_text(TEXT)
    rows = [ast.literal_eval(line) for line in lines("word_count.py", tmp_path, "words.txt")]
    assert {row["word"]: row["n"] for row in rows} == Counter(TEXT.split())
    assert len(rows) == len(set(TEXT.split()))


def test_key_selectors(tmp_path):
    assert sorted(lines("key_selectors.py", tmp_path)) == [
        "by field: {'city': 'oslo', 'highest': 4.0, 'average': 3.0}",
        "by field: {'city': 'rome', 'highest': 22.0, 'average': 21.0}",
        "by function class: ('oslo', 2.0)",
        "by function class: ('oslo', 4.0)",
        "by function class: ('rome', 20.0)",
        "by function class: ('rome', 22.0)",
        "by function: ('oslo', 2.0)",
        "by function: ('oslo', 6.0)",
        "by function: ('rome', 20.0)",
        "by function: ('rome', 42.0)",
        "by index: ('oslo', 2.0)",
        "by index: ('oslo', 6.0)",
        "by index: ('rome', 20.0)",
        "by index: ('rome', 42.0)",
    ]


def test_files_to_kafka(tmp_path, kafka_broker, kafka_topic):
    create_topic(kafka_broker.servers, topic := kafka_topic(), 2)
    events = list(make_events(300))
    (tmp_path / "in").mkdir()
    for n in range(2):
        (tmp_path / "in" / f"{n}.jsonl").write_bytes(b"\n".join(events[n::2]))
    env = {"KAFKA_SERVERS": kafka_broker.servers, "KAFKA_TOPIC": topic}
    for _ in range(2):  # the second run finds nothing new
        lines("files_to_kafka.py", tmp_path, env=env)
        found = [orjson.loads(value) for part in read_topic(kafka_broker.servers, topic) for value in part]
        expected = [event for event in map(orjson.loads, events) if event["event_type"] == "purchase"]
        assert sorted(found, key=lambda event: event["seq"]) == expected
    assert expected
