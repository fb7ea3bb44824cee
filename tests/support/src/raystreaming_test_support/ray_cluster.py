"""A real Ray cluster of several nodes on this machine, for as long as it is needed.

It has a folder, ports and a token of its own, so that it meets no other cluster of this machine, and its
processes end with it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

NAMESPACE = "raystreaming"
"""Where jobs have their actors."""

PATIENCE = 120.0
"""Seconds to wait for what must come; against hanging only."""

STARTS = 3
"""How often a cluster is started: Ray gives a node half a minute, and a busy machine may need more."""

_SETTINGS = {
    "RAY_worker_niceness": "0",  # else workers starve beside whatever else the machine does
    "RAY_DEDUP_LOGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else Ray warns of a change to come
}


class NotInTime(AssertionError):
    """Something that must happen has not."""


def eventually(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait until a condition holds.

    Args:
        condition: Asked again and again.
        what: What is waited for, in words.
        patience: Seconds.

    Returns:
        What the condition returned.

    Raises:
        NotInTime: It never held.
    """
    deadline = time.monotonic() + patience
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise NotInTime(f"never came: {what}")
        time.sleep(0.02)
    return answer


@dataclass(frozen=True)
class Actor:
    """An actor of a job.

    Attributes:
        name: Its name.
        pid: Its process.
        node: Id of its node.
    """

    name: str
    pid: int
    node: str

    def signal(self, number: int) -> None:
        """Send its process a signal, unless it has just ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class RayCluster:
    """A cluster. A context manager: at its end all processes are gone, and its folder.

    Args:
        nodes: Per node, the arguments of `ray.cluster_utils.Cluster.add_node`; the first is the head.
        closed: Whether it asks for a token.

    Attributes:
        address: Where it is.
        env: Environment of programs that are to find it.
        folder: Ray's sessions and logs.
    """

    def __init__(self, *nodes: Mapping[str, Any], closed: bool = True) -> None:
        self._nodes = nodes
        self._closed = closed
        self._before: dict[str, str | None] = {}
        self._cluster: Any = None
        self.address = ""
        self.env: dict[str, str] = {}
        # Short: the path of a Unix socket below it has at most 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="rs-"))

    def __enter__(self) -> RayCluster:
        asks = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _token()}
        self.env = {
            **_SETTINGS,
            "RAY_TMPDIR": str(self.folder),
            **(asks if self._closed else {"RAY_AUTH_MODE": "disabled"}),
        }
        self._set(self.env)
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        self.address = self._cluster.address
        self.env["RAY_ADDRESS"] = self.address
        self._set({"RAY_ADDRESS": self.address})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @contextmanager
    def driver(self) -> Iterator[RayCluster]:
        """Have this process join the cluster."""
        import ray

        ray.init(address=self.address, namespace="tests", log_to_driver=False, logging_level="ERROR")
        try:
            yield self
        finally:
            self._end_jobs()
            ray.shutdown()

    def _end_jobs(self) -> None:
        """End what a failed test has left: Ray crashes if it is shut down while a thread asks it."""
        import ray

        for name in self.names():
            if name.endswith("/master"):
                with suppress(ValueError):  # it has just ended
                    ray.kill(ray.get_actor(name, namespace=NAMESPACE))
        for thread in threading.enumerate():
            if thread.name.endswith(" driver"):
                thread.join(timeout=30)

    @property
    def head(self) -> str:
        """Id of the first node."""
        return str(self._cluster.head_node.node_id)

    # What is there -----------------------------------------------------------------------

    def actors(self) -> list[Actor]:
        """Return all actors of jobs that live now."""
        table: Mapping[str, Mapping[str, Any]] = self._cluster.global_state.actor_table(None)
        return [
            Actor(a["Name"], a["Pid"], a["Address"]["NodeID"])
            for a in table.values()
            if a["State"] == "ALIVE" and "/" in a["Name"]
        ]

    def names(self) -> list[str]:
        """Return the names of all actors of jobs, those that are not up yet too."""
        table: Mapping[str, Mapping[str, Any]] = self._cluster.global_state.actor_table(None)
        return sorted(a["Name"] for a in table.values() if a["State"] != "DEAD" and "/" in a["Name"])

    def master(self, job: str) -> Actor:
        """Return a job's master, as soon as it is up."""
        found: list[Actor] = eventually(
            lambda: [a for a in self.actors() if a.name == f"{job}/master" and _lives(a.pid)],
            f"the master of {job!r}",
        )
        return found[0]

    def workers(self, job: str, at_least: int = 1) -> list[Actor]:
        """Return a job's workers, as soon as there are so many; spares are among them."""
        found: list[Actor] = eventually(
            lambda: _enough(
                [a for a in self.actors() if a.name.startswith(f"{job}/worker-") and _lives(a.pid)], at_least
            ),
            f"{at_least} workers of {job!r}",
        )
        return found

    def listeners(self, job: str) -> dict[str, list[str]]:
        """Return at which addresses a job's workers listen for each other, by the address of their node.

        What Ray listens at in every actor's process is left out: the master's has nothing else.
        """
        table = self._cluster.global_state.node_table()
        nodes = {node["NodeID"]: node["NodeManagerAddress"] for node in table}
        of_ray = _listening_hosts(self.master(job).pid)
        found: dict[str, list[str]] = {}
        for worker in self.workers(job):
            hosts = _listening_hosts(worker.pid) - of_ray
            found.setdefault(nodes[worker.node], []).extend(hosts.elements())
        return found

    def processes(self) -> list[psutil.Process]:
        """Return the processes of all nodes, workers and everything else."""
        return [process for node in self._cluster.list_all_nodes() for process in _processes(node)]

    def memory(self) -> dict[int, int]:
        """Return how many bytes this process and those of all nodes hold for themselves alone, by process."""
        return {p.pid: _private_memory(p) for p in [psutil.Process(), *self.processes()]}

    def files(self) -> list[bytes]:
        """Return the names of what jobs have in the store of the cluster; this process is a driver of it."""
        from ray.experimental.internal_kv import _internal_kv_list

        return sorted(_internal_kv_list("", namespace="raystreaming-files"))

    def left(self) -> dict[str, Any]:
        """Return what jobs could have left behind in the cluster and in this process, to be compared."""
        return {
            "actors": self.names(),
            "busy actor processes": sorted(
                name for p in self.processes() if "Job" in (name := _title(p)) and name.startswith("ray::")
            ),
            "files": self.files(),
            "threads": sorted(t.name for t in threading.enumerate() if "ray_" not in t.name),
        }

    # Faults ------------------------------------------------------------------------------

    def kill_node(self, node: str) -> None:
        """Kill all processes of a node at once, as its machine's death does.

        Args:
            node: Its id.
        """
        (found,) = (n for n in self._cluster.list_all_nodes() if n.node_id == node)
        processes = _processes(found)
        for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped, none can tell of another's end
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(number)

    # Starting and ending -----------------------------------------------------------------

    def _start(self) -> None:
        from ray.cluster_utils import Cluster

        for left in reversed(range(STARTS)):
            self._cluster = Cluster(shutdown_at_exit=True)
            try:
                for number, node in enumerate(self._nodes):
                    only_head = {"include_dashboard": False} if number == 0 else {}
                    self._cluster.add_node(**only_head, **node)
            except Exception:  # what Ray raises where a node is late
                if not left:
                    raise
                self._end_processes()
            else:
                return

    def _set(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            self._before.setdefault(name, os.environ.get(name))
            os.environ[name] = value

    def _end(self) -> None:
        try:
            if self._cluster is not None:
                self._end_processes()
        finally:
            for name, value in self._before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            self._before.clear()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _end_processes(self) -> None:
        left = [*self.processes(), *self._unfinished()]
        self._cluster.shutdown()
        _, alive = psutil.wait_procs(left, timeout=10)
        for process in alive:  # a job's actor that was stopped, or that hangs
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _unfinished(self) -> list[psutil.Process]:
        """Return the processes of a node that was given up while it came up: the cluster does not know it."""
        children = psutil.Process().children(recursive=True)
        return [process for process in children if str(self.folder) in _title(process)]


def listening_ports(pids: list[int]) -> set[int]:
    """Return the TCP ports at which processes listen."""
    ports: set[int] = set()
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            connections = psutil.Process(pid).net_connections("tcp")
            ports |= {c.laddr.port for c in connections if c.status == psutil.CONN_LISTEN}
    return ports


def resident_memory(pid: int) -> int:
    """Return how many bytes of memory a process has; 0 when it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _processes(node: Any) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for infos in node.all_processes.values():
        for info in infos:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(info.process.pid)
                found += [process, *process.children(recursive=True)]
    return found


def _listening_hosts(pid: int) -> Counter[str]:
    connections = psutil.Process(pid).net_connections("tcp")
    return Counter(c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN)


def _private_memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().uss)
    except psutil.Error:
        return 0


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _lives(pid: int) -> bool:
    return pid > 0 and psutil.pid_exists(pid)


def _enough(found: list[Actor], at_least: int) -> list[Actor]:
    return found if len(found) >= at_least else []


_TOKENS: list[str] = []


def _token() -> str:
    """Return the token of all clusters of this process: Ray reads it once."""
    if not _TOKENS:
        _TOKENS.append(secrets.token_hex(32))
    return _TOKENS[0]
