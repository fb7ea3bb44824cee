"""Options are checked at once and eagerly, and show no secret."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
import threading

import pyarrow as pa
import pytest

from raystreaming.connector import OptionError, PlanContext, ReaderContext, Secret, Terminal
from raystreaming_kafka import KafkaSource, _plugin
from raystreaming_kafka.clients import Connection


def problems(**options):
    with pytest.raises(OptionError) as caught:
        KafkaSource(**{"topics": ["t"], "servers": "h:1", **options})
    return caught.value.problems


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"topics": []}, "at least one topic"),
        ({"topics": ["a", "a"]}, "'a' more than once"),
        ({"topics": ["a", ""]}, "empty name"),
        ({"topics": "t"}, "must be list"),
        ({"servers": "localhost"}, "must be 'host:port'"),
        ({"servers": "h:1, :2"}, "got ' :2'"),
        ({"group": " "}, "'group' is empty"),
        ({"start": "committed"}, "needs group="),
        ({"start": "now"}, "'earliest' or 'latest' or 'committed'"),
        ({"schema": pa.schema([])}, "format='json' only"),
        ({"format": "json", "schema": pa.schema([("m", pa.map_(pa.string(), pa.int8()))])}, "m (map<"),
        ({"prefetch_memory": "lots"}, "prefetch_memory"),
        ({"prefetch_memory": 1000}, "1MiB or more"),
        ({"warn_after": "soon"}, "warn_after"),
        ({"client": "pykafka"}, "'confluent' or 'kafka-python'"),
        ({"client_options": {"bootstrap.servers": "x"}}, "use servers= for it"),
        ({"client_options": {"enable.auto.commit": True}}, "the job itself decides"),
        ({"client": "kafka-python", "client_options": {"group_id": "x"}}, "use group= for it"),
        ({"topic": "t"}, "did you mean 'topics'"),
    ],
)
def test_what_is_wrong_is_said(options, problem):
    (found,) = problems(**options)
    assert problem in found


def test_all_at_once():
    found = problems(topics=[], servers="x", start="committed", prefetch_memory="?", warn_after="?")
    assert len(found) == 5


def test_constructing_is_inert_and_pickles():
    before = threading.active_count()
    source = KafkaSource(
        topics=["t"],
        servers="192.0.2.1:9092",
        stop="latest",
        format="json",
        schema=pa.schema([("a", pa.int64())]),
        client_options={"sasl.password": Secret("hunter22")},
    )
    assert threading.active_count() == before
    again = pickle.loads(pickle.dumps(source))
    assert again == source
    assert again.client_options["sasl.password"].reveal() == "hunter22"


def test_secrets_do_not_show():
    source = KafkaSource(
        topics=["t"], servers="h:1", client_options={"sasl.password": "plain-secret", "x": Secret("hunter22")}
    )
    connection = source._connection()
    for text in (repr(source), str(source), repr(connection), connection.hide("no plain-secret, hunter22")):
        assert "plain-secret" not in text
        assert "hunter22" not in text
    revealed = connection.revealed()["x"]
    assert (type(revealed), revealed) == (str, "hunter22"), "libraries format what they get"
    (found,) = problems(client_options="plain-secret")
    assert "plain-secret" not in found


def test_libraries_get_secrets_readable_and_their_messages_do_not():
    """librdkafka repeats a wrong value in its message."""
    source = KafkaSource(
        topics=["t"], servers="127.0.0.1:1", client_options={"security.protocol": Secret("hunter22")}
    )
    for call in (lambda: source.plan(PlanContext()), lambda: source.open(ReaderContext())):
        with pytest.raises(Terminal, match=r"security\.protocol") as caught:
            call()
        assert "hunter22" not in str(caught.value)
        assert "***" in str(caught.value)


def test_every_option_is_documented():
    import dataclasses

    for field in dataclasses.fields(KafkaSource):
        assert field.metadata["doc"].endswith("."), field.name


def test_the_plugin_imports_nothing_heavy():
    program = """
import sys
before = set(sys.modules)
import raystreaming_kafka._plugin
loaded = {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(loaded)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"confluent_kafka", "kafka", "orjson", "pyarrow"} & set(eval(done.stdout))


def test_the_plugins_target_is_the_source():
    (spec,) = _plugin.raystreaming_sources()
    module, _, name = spec.target.partition(":")
    assert spec.name == "kafka"
    assert getattr(importlib.import_module(module), name) is KafkaSource


def test_the_other_client_is_not_imported():
    for used, other in (("confluent", "kafka"), ("kafka-python", "confluent_kafka")):
        program = f"""
import sys
from raystreaming_kafka.clients import Connection, open_planner
from raystreaming.connector import ConnectorError
import raystreaming_kafka.clients as c
c.ANSWER_WITHIN = 0.1
try:
    with open_planner(Connection({used!r}, "127.0.0.1:1", None, 2**20)) as planner:
        planner.partitions("t")
except ConnectorError:
    pass
print({other!r} in sys.modules)
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"


def test_short_values_are_not_hidden_everywhere():
    connection = Connection("confluent", "h:1", None, 2**20, options={"a": "x", "b": "long-enough"})
    assert connection.hide("x marks long-enough") == "x marks ***"
