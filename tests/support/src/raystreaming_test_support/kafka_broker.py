"""A real Kafka broker on this machine, for as long as it is needed.

`python -m raystreaming_test_support.kafka_broker` runs one in the foreground.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType

from raystreaming_test_support import _watchdog
from raystreaming_test_support.broker_files import class_path, write_broker_files
from raystreaming_test_support.cache import made_once
from raystreaming_test_support.maven import Java, ToolError, find_java, kafka_home

_READY_LINE = b"Kafka Server started"
_LOG_TAIL_LINES = 30
_TERMINATE, _KILL = b"t", b"k"

_FAST_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_FAST_RUN = ("-XX:+UseG1GC",)

# Below the ports that systems give to outgoing connections (32768 and up on Linux,
# 49152 and up on macOS): a client that keeps trying while the broker is down could
# otherwise get the broker's own port as its local one, and keep it. Above Ray's.
_PORTS = range(20_000, 32_000)


class BrokerError(RuntimeError):
    """The broker did not start, or is not in the state that was asked for."""


class LocalBroker:
    """A Kafka broker (and its controller, in one JVM) that listens on 127.0.0.1 only.

    It dies with this process, even when this process is killed. It has a process group
    of its own, so Ctrl-C in a terminal reaches the job and not the broker.

    Example:
        >>> with LocalBroker() as broker:  # doctest: +SKIP
        ...     load_topic(broker.servers, "events", 100_000)

    Attributes:
        port: Where it listens; the same after `restart`.
        log_file: The broker's log; gone after `stop`.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        heap: str = "512m",
        fast_start: bool = True,
        config: Mapping[str, str] | None = None,
        start_timeout: float = 120.0,
    ) -> None:
        """Describe a broker; `start`, or entering the context, starts it.

        Args:
            port: Where clients connect; a free port if None.
            heap: The JVM's heap, as for `-Xmx`.
            fast_start: Start sooner with a JIT that optimises less: right for tests,
                wrong for benchmarks.
            config: Broker settings that replace or join ours.
            start_timeout: Seconds that a start may take.
        """
        self.port = port if port is not None else free_port()
        self._controller_port = free_port(self.port)
        self._heap = heap
        self._fast_start = fast_start
        self._config = dict(config or {})
        self._start_timeout = start_timeout
        self._end_timeout = 10.0
        self._folder: Path | None = None
        self._command: list[str] = []
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def servers(self) -> str:
        """The address for clients (`bootstrap.servers`)."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the JVM runs."""
        return self._watchdog is not None and self._watchdog.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the JVM."""
        if not self.running:
            raise BrokerError(f"The broker at {self.servers} does not run.")
        return int((self._existing_folder() / "pid").read_text())

    @property
    def log_file(self) -> Path:
        """The broker's log, of all its starts."""
        return self._existing_folder() / "broker.log"

    def log_tail(self, start: int = 0) -> str:
        """Return the last lines of the log, of what follows byte `start`."""
        with open(self.log_file, "rb") as log:
            log.seek(start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-_LOG_TAIL_LINES:])

    def start(self) -> None:
        """Start with an empty data folder and wait until clients can connect.

        The first start on a machine also gets the jars (Maven) and makes what later
        starts reuse.

        Raises:
            BrokerError: It did not get ready; with the tail of its log.
            ToolError: Java or Maven is missing or failed.
        """
        if self._folder is not None:
            raise BrokerError(
                f"The broker at {self.servers} was started before: "
                "call stop() first, or restart() to keep its data."
            )
        java = find_java()
        self._start_new(java, _shared_classes(java))

    def restart(self) -> None:
        """Start again with the same port and data, after `kill` or while it runs.

        Raises:
            BrokerError: It did not get ready; with the tail of its log.
        """
        self._existing_folder()
        self._end(_TERMINATE, _KILL)
        self._launch()

    def kill(self) -> None:
        """Kill the JVM at once (SIGKILL) and keep its data; return when it is gone."""
        if not self.running:
            raise BrokerError(f"The broker at {self.servers} does not run.")
        self._end(_KILL)

    def stop(self) -> None:
        """Stop the JVM (SIGTERM, and SIGKILL if that takes long), remove its data.

        Stopping a broker that does not run removes what it left.
        """
        try:
            self._end(_TERMINATE, _KILL)
        finally:
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def __enter__(self) -> LocalBroker:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def _existing_folder(self) -> Path:
        if self._folder is None:
            raise BrokerError(f"The broker at {self.servers} was not started.")
        return self._folder

    def _start_new(self, java: Java, jvm_options: list[str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="raystreaming-kafka-"))
        try:
            write_broker_files(self._folder, java, self.port, self._controller_port, self._config)
            self._command = [
                str(java.command),
                f"-Xmx{self._heap}",
                *(_FAST_START if self._fast_start else _FAST_RUN),
                "-XX:-UsePerfData",
                *jvm_options,
                "-cp",
                class_path(),
                f"-Dlog4j2.configurationFile={self._folder / 'log4j2.properties'}",
                "kafka.Kafka",
                str(self._folder / "server.properties"),
            ]
            self._launch()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        folder = self._existing_folder()
        with open(self.log_file, "ab") as log:
            log_start = log.tell()
            self._watchdog = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", _watchdog.__file__),
                    *(str(os.getpid()), str(folder / "pid"), str(folder)),
                    *self._command,
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                bufsize=0,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(log_start)
        except BaseException:
            self._end(_KILL)
            raise

    def _wait_until_ready(self, log_start: int) -> None:
        deadline = time.monotonic() + self._start_timeout
        while True:
            running = self.running  # before the log is read: its last words count
            with open(self.log_file, "rb") as log:
                log.seek(log_start)
                text = log.read()
            if _READY_LINE in text and accepts(self.port):
                return
            if not running or time.monotonic() > deadline:
                how = (
                    f"was not ready after {self._start_timeout:g} s" if running else "ended while it started"
                )
                raise BrokerError(
                    f"The Kafka broker at {self.servers} {how}. "
                    f"The end of its log:\n{self.log_tail(log_start)}"
                )
            time.sleep(0.02)

    def _end(self, *orders: bytes) -> None:
        """Give the watchdog one order after the other until the JVM has ended."""
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is None or watchdog.stdin is None:
            return
        # Leaving this block closes the pipe: should an exception end it, that makes
        # the watchdog kill the JVM.
        with watchdog.stdin as pipe:
            for order in orders:
                with suppress(BrokenPipeError):
                    pipe.write(order)
                with suppress(subprocess.TimeoutExpired):
                    watchdog.wait(self._end_timeout)
                    return
            os.killpg(watchdog.pid, signal.SIGKILL)
            watchdog.wait()


def _shared_classes(java: Java) -> list[str]:
    """Return JVM options that about halve the start (class data sharing).

    The archive of loaded classes is written when a JVM ends, so the first call on a
    machine, and after a change of Java, runs a broker for that.
    """
    build = hashlib.sha256(f"{java.command}\n{java.version}".encode()).hexdigest()[:12]

    def make(folder: Path) -> None:
        trainer = LocalBroker()
        trainer._end_timeout = 60.0
        trainer._start_new(
            java,
            [
                "-XX:+IgnoreUnrecognizedVMOptions",  # not every JVM can do it
                f"-XX:ArchiveClassesAtExit={folder / 'classes.jsa'}",
            ],
        )
        trainer.stop()

    archive = made_once(kafka_home() / f"classes-{build}", make) / "classes.jsa"
    return [f"-XX:SharedArchiveFile={archive}"] if archive.is_file() else []


def free_port(*taken: int) -> int:
    """Return a port on 127.0.0.1 that nobody uses, and none of those that are taken already."""
    choice = random.SystemRandom()  # a test may have seeded the global one
    for _ in range(1000):
        port = choice.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in taken:
                return port
    raise BrokerError(f"Found no free port on 127.0.0.1 between {_PORTS.start} and {_PORTS.stop}.")


def accepts(port: int) -> bool:
    """Return whether somebody listens on a port of 127.0.0.1."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def main() -> int:
    """Run a broker until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m raystreaming_test_support.kafka_broker",
        description="Run a Kafka broker on 127.0.0.1 until Ctrl-C.",
    )
    parser.add_argument("--port", type=int, help="where to listen; default: a free one")
    parser.add_argument("--heap", default="512m", help="heap of the JVM; default: 512m")
    parser.add_argument("--full-jit", action="store_true", help="start slower, run faster")
    args = parser.parse_args()

    def terminated(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, terminated)
    broker = LocalBroker(port=args.port, heap=args.heap, fast_start=not args.full_jit)
    try:
        with broker:
            print(broker.servers, flush=True)
            while broker.running:
                time.sleep(0.2)
            print(broker.log_tail(), file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        return 0
    except (BrokerError, ToolError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
