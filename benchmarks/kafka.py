"""The broker and the topic of the benchmarks that need one."""

from __future__ import annotations

import contextlib
import functools
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness import Options, Wrong, ask


@contextlib.contextmanager
def loaded_topic(options: Options, count: int) -> Iterator[tuple[str, str]]:
    """Give the servers' address and a topic with `count` events in two partitions."""
    topic = f"bench-{count}-{secrets.token_hex(4)}"
    with contextlib.ExitStack() as stack:
        servers = options.servers
        if servers is None:
            from raystreaming_test_support.kafka_broker import LocalBroker

            print("  starting a Kafka broker", file=sys.stderr, flush=True)
            servers = stack.enter_context(LocalBroker(fast_start=False)).servers
        print(f"  loading {count:,} events", file=sys.stderr, flush=True)
        ask("helpers/load.py", servers, topic, count)
        if options.servers is not None:
            stack.callback(ask, "helpers/delete.py", servers, topic)
        yield servers, topic


def files_hold(count: int) -> Callable[[Path, dict[str, Any]], None]:
    """Return a check that a folder's Parquet files hold exactly what the filter keeps of the events."""
    return functools.partial(_check, count)


def _check(count: int, out: Path, said: dict[str, Any]) -> None:
    del said
    rows = ask("helpers/check_files.py", out / "files", count)["rows"]
    if not rows:
        raise Wrong(f"{out}: nothing was to be written; take more events")


def kept_events(count: int) -> int:
    """Return how many of the events the filter keeps."""
    return ask("helpers/count_events.py", count)["kept"]
