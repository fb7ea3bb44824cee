"""docs/kafka.md: its programs run as they stand, and its tables are those of the options."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from confluent_kafka import Producer

from raystreaming.connector.option_table import option_rows
from raystreaming_kafka import KafkaSink, KafkaSource
from raystreaming_kafka.connection import KafkaConnection
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.schema_registry import LocalSchemaRegistry
from raystreaming_test_support.topics import create_topic, read_topic

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "kafka.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
CLICKS = [(b"ann", b'{"user":"ann","page":"home"}'), (b"bob", b'{"user":"bob","page":"cart"}')]


@pytest.fixture(scope="module")
def servers(kafka_broker):
    for topic in ("clicks", "orders", "readings"):
        create_topic(kafka_broker.servers, topic)
    producer = Producer({"bootstrap.servers": kafka_broker.servers})
    for key, value in CLICKS:
        producer.produce("clicks", value, key)
    assert producer.flush(30) == 0
    return kafka_broker.servers


def run(code, servers, folder):
    (folder / "job.py").write_text(code.replace("127.0.0.1:9092", servers))
    return run_to_end([sys.executable, "job.py"], cwd=folder).stdout.splitlines()


def test_the_command_says_what_is_below_it(servers, tmp_path):
    ((command, said),) = re.findall(
        r"^```sh\n(.*?)^```\n\n```text\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL
    )
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    command = ["sh", "-ec", command.replace("127.0.0.1:9092", servers)]
    found = run_to_end(command, cwd=tmp_path, env={**os.environ, "PATH": path}).stdout
    assert found.strip() == said.replace("127.0.0.1:9092", servers).strip()


def test_the_programs(servers, tmp_path):
    read, places, write, avro = BLOCKS
    assert run(read, servers, tmp_path) == ["['ann']"]
    assert run(places, servers, tmp_path) == ["('clicks', 'ann', 0)", "('clicks', 'bob', 1)"]
    assert "at-least-once" in "\n".join(run(write, servers, tmp_path))
    (values,) = read_topic(servers, "orders")
    assert sorted(values) == [b'{"user":"ann","total":12}', b'{"user":"bob","total":7}']
    with LocalSchemaRegistry() as registry:
        assert run(avro.replace("http://127.0.0.1:8081", registry.url), servers, tmp_path) == [
            "{'sensor': 'cellar', 'degrees': 12.0}",
            "{'sensor': 'roof', 'degrees': 21.5}",
        ]


def rows(cls, *beside):
    """Return the rows of the table of a class's options."""
    for row in option_rows(cls, *beside):
        default = row.default if row.default in ("required", "none") else f"`{row.default}`"
        yield f"| `{row.name}` | {default} | {row.doc} |"


def test_the_tables_are_those_of_the_options():
    """Should this fail: `python tests/docs/test_kafka.py` writes them anew."""
    assert with_tables(GUIDE) == GUIDE


def with_tables(guide):
    text, _, _ = guide.partition("\n## Options\n")
    head = "| option | default | what it is |\n|---|---|---|"
    parts = [
        ("Both take:", rows(KafkaConnection)),
        ("`read_kafka` takes also:", rows(KafkaSource, KafkaConnection)),
        ("`write_kafka` takes also:", rows(KafkaSink, KafkaConnection)),
    ]
    tables = [f"{title}\n\n{head}\n" + "\n".join(lines) for title, lines in parts]
    return f"{text}\n## Options\n\n" + "\n\n".join(tables) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "kafka.md").write_text(with_tables(GUIDE))
