"""What a broker finds on disk when it starts: its settings and a formatted folder."""

from __future__ import annotations

import base64
import re
import shutil
import tempfile
import uuid
from collections.abc import Mapping
from pathlib import Path

from raystreaming_test_support.cache import made_once
from raystreaming_test_support.maven import Java, kafka_home, kafka_jars, run_tool

_LOG4J = """\
status = error
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
"""

_ANY_CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg"


def class_path() -> str:
    """Return the class path of the broker, in an order that does not change."""
    return ":".join(str(jar) for jar in sorted(kafka_jars().glob("*.jar")))


def write_broker_files(
    folder: Path, java: Java, port: int, controller_port: int, config: Mapping[str, str]
) -> None:
    """Write into `folder` all that a broker of a new cluster needs to start.

    Formatting takes a JVM start of its own, so a formatted folder is kept in the cache
    and copied. It holds no address, and the copy gets a cluster id of its own.

    Args:
        folder: An existing empty folder.
        java: The Java, for the first formatting ever.
        port: Where clients connect.
        controller_port: Where the broker talks to itself as the controller.
        config: Settings of the broker that replace or join ours.
    """
    template = made_once(kafka_home() / "formatted", lambda new: _format(new, java))
    shutil.copytree(template / "data", folder / "data")
    meta = folder / "data/meta.properties"
    meta.write_text(re.sub("(?m)^cluster.id=.*$", f"cluster.id={_new_id()}", meta.read_text()))
    settings = {**_settings(folder, port, controller_port), **config}
    _write_properties(folder / "server.properties", settings)
    (folder / "log4j2.properties").write_text(_LOG4J)


def _settings(folder: Path, port: int, controller_port: int) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": (f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}"),
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": str(folder / "data"),
        "log.retention.ms": "-1",  # Tests write messages of long ago; it looks every five minutes.
        # There is one broker, so each internal topic has one replica; one partition
        # is made much faster than the usual fifty.
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        # How long a broker that was killed counts as alive: until then its successor
        # may not register. The usual nine seconds would be added to each restart.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
    }


def _format(folder: Path, java: Java) -> None:
    with tempfile.TemporaryDirectory(prefix="raystreaming-format-") as name:
        temporary = Path(name)
        settings = _settings(temporary, port=1, controller_port=2)
        _write_properties(temporary / "server.properties", settings)
        command = [
            str(java.command),
            "-cp",
            class_path(),
            "kafka.tools.StorageTool",
            "format",
            "-t",
            _ANY_CLUSTER,
            "-c",
            str(temporary / "server.properties"),
        ]
        run_tool(
            command,
            "Formatting a folder with Kafka's StorageTool",
            f"If a jar is damaged, fetch them again:\n  rm -r {kafka_home()}",
        )
        shutil.copytree(temporary / "data", folder / "data")


def _new_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def _write_properties(path: Path, settings: Mapping[str, str]) -> None:
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
