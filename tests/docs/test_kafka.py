"""docs/kafka.md: its programs run as they stand, and its tables are those of the options."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from confluent_kafka import Producer

from raystreaming_kafka import KafkaSink, KafkaSource
from raystreaming_kafka.connection import KafkaConnection
from raystreaming_test_support.killing import run_to_end
from raystreaming_test_support.option_tables import option_table, with_option_tables
from raystreaming_test_support.schema_registry import LocalSchemaRegistry
from raystreaming_test_support.secure_kafka import SecureBroker
from raystreaming_test_support.topics import create_topic, read_topic

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "kafka.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
PASSWORD = "a password"
CLICKS = [(b"ann", b'{"user":"ann","page":"home"}'), (b"bob", b'{"user":"bob","page":"cart"}')]


@pytest.fixture(scope="module")
def servers(kafka_broker):
    for topic in ("homes", "orders", "readings"):
        create_topic(kafka_broker.servers, topic)
    load_clicks(kafka_broker.servers)
    return kafka_broker.servers


def load_clicks(servers):
    create_topic(servers, "clicks")
    producer = Producer({"bootstrap.servers": servers})
    for key, value in CLICKS:
        producer.produce("clicks", value, key)
    assert producer.flush(30) == 0


def run(code, servers, folder, env=None):
    (folder / "job.py").write_text(code.replace("127.0.0.1:9092", servers))
    return run_to_end([sys.executable, "job.py"], cwd=folder, env=env).stdout.splitlines()


def test_the_command_says_what_is_below_it(servers, tmp_path):
    ((command, said),) = re.findall(
        r"^```sh\n(.*?)^```\n\n```text\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL
    )
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    command = ["sh", "-ec", command.replace("127.0.0.1:9092", servers)]
    found = run_to_end(command, cwd=tmp_path, env={**os.environ, "PATH": path}).stdout
    assert found.strip() == said.replace("127.0.0.1:9092", servers).strip()


def test_the_programs(servers, tmp_path):
    read, objects, places, write, avro, _ = BLOCKS
    assert run(read, servers, tmp_path) == ["['ann']"]
    run(objects, servers, tmp_path)
    assert read_topic(servers, "homes") == [[b'{"user":"ann","page":"home"}']]
    assert run(places, servers, tmp_path) == ["('clicks', 'ann', 0)", "('clicks', 'bob', 1)"]
    assert "at-least-once" in "\n".join(run(write, servers, tmp_path))
    (values,) = read_topic(servers, "orders")
    assert sorted(values) == [b'{"user":"ann","total":12}', b'{"user":"bob","total":7}']
    with LocalSchemaRegistry() as registry:
        assert run(avro.replace("http://127.0.0.1:8081", registry.url), servers, tmp_path) == [
            "{'sensor': 'cellar', 'degrees': 12.0}",
            "{'sensor': 'roof', 'degrees': 21.5}",
        ]


def test_sasl_and_tls(tmp_path):
    *_, secured = BLOCKS
    (tmp_path / "certificates").mkdir()
    with SecureBroker(tmp_path / "certificates", {"shop": PASSWORD}, PASSWORD) as broker:
        load_clicks(broker.servers)
        for shown, here in (
            ("broker:9094", broker.sasl_servers),
            ("/etc/ssl/kafka-ca.pem", str(broker.certificates / "ca.pem")),
        ):
            assert shown in secured
            secured = secured.replace(shown, here)
        assert run(secured, "", tmp_path, {"KAFKA_PASSWORD": PASSWORD}) == ["['home', 'cart']"]


def test_the_tables_are_those_of_the_options():
    """Should this fail: `python tests/docs/test_kafka.py` writes them anew."""
    assert with_tables(GUIDE) == GUIDE


def with_tables(guide):
    return with_option_tables(
        guide,
        ("Both take:", option_table(KafkaConnection)),
        ("`read_kafka` takes also:", option_table(KafkaSource, KafkaConnection)),
        ("`write_kafka` takes also:", option_table(KafkaSink, KafkaConnection)),
    )


if __name__ == "__main__":
    (ROOT / "docs" / "kafka.md").write_text(with_tables(GUIDE))
