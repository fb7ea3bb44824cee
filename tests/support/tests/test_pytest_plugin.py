"""The plugin costs nothing until a fixture is used."""

import sys
from collections.abc import Callable
from pathlib import Path

from raystreaming_test_support.killing import run_to_end

UNUSED = """
import sys

def test_nothing_is_imported(pytestconfig):
    assert "raystreaming_test_support.pytest_plugin" in sys.modules
    assert pytestconfig.pluginmanager.has_plugin("raystreaming-test-support")
    assert "confluent_kafka" not in sys.modules
    assert "raystreaming_test_support.kafka_broker" not in sys.modules
"""


def test_loading_it_imports_no_kafka(tmp_path: Path) -> None:
    (tmp_path / "test_unused.py").write_text(UNUSED)
    run_to_end([sys.executable, "-m", "pytest", "-q", tmp_path], cwd=tmp_path)


def test_topic_names_are_unique(kafka_topic: Callable[..., str]) -> None:
    names = {kafka_topic("in"), kafka_topic("in"), kafka_topic()}
    assert len(names) == 3
    assert sum(name.startswith("in-") for name in names) == 2
