"""Fixtures: `kafka_broker`, `kafka_topic`, `s3_server`, `ray_cluster`; runs that start and end well anywhere.

pytest loads this in every run, so it imports nothing heavy and starts nothing until a
test asks for a fixture.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from raystreaming_test_support.kafka_broker import LocalBroker
    from raystreaming_test_support.ray_cluster import RayCluster
    from raystreaming_test_support.s3_server import S3Server


def pytest_configure() -> None:
    """Let the programs that tests start get SIGINT.

    A shell starts its background commands with SIGINT ignored, and what they start inherits that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main() -> Generator[None, int | pytest.ExitCode | None, int | pytest.ExitCode | None]:
    """End also where a failed test has left a job running, for whose threads Python would wait."""
    status = yield
    if status and any(t is not threading.main_thread() and not t.daemon for t in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[LocalBroker]:
    """A running Kafka broker, shared by all tests of the session.

    A test that kills or restarts a broker takes a `LocalBroker` of its own.
    """
    from raystreaming_test_support.kafka_broker import LocalBroker

    with LocalBroker() as broker:
        yield broker


@pytest.fixture
def kafka_topic() -> Callable[..., str]:
    """Return a function that gives a topic name nobody has used: `kafka_topic("in")`.

    The topic is not made: see `create_topic` and `load_topic`.
    """

    def unique(prefix: str = "topic") -> str:
        return f"{prefix}-{uuid.uuid4().hex[:12]}"

    return unique


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A running S3 server, shared by all tests of the session."""
    from raystreaming_test_support.s3_server import S3Server

    with S3Server() as server:
        yield server


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[RayCluster]:
    """A running Ray cluster of two nodes, shared by all tests of the session.

    Beside CPUs they have a resource each, `first` and `second`, to say where something is to be.
    A test that fills a cluster or kills its nodes takes a `RayCluster` of its own.
    """
    from raystreaming_test_support.ray_cluster import RayCluster

    nodes = [{"num_cpus": 1, "resources": {"first": 100}}, {"num_cpus": 2, "resources": {"second": 100}}]
    with RayCluster(*nodes) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def ray_driver(ray_cluster: RayCluster) -> Iterator[RayCluster]:
    """The cluster, with this process as a driver of it."""
    with ray_cluster.driver():
        yield ray_cluster
