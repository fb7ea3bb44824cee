"""Kafka to Parquet, from nothing: `python3 dev.py demo` runs this file.

It starts a Kafka broker (or takes the one of --servers), writes sample events into a topic, runs
kafka_to_parquet.py with `raystreaming run`, and reads the Parquet files back. However it ends, the broker and
the job end with it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from raystreaming_test_support.events import load_topic
from raystreaming_test_support.kafka_broker import LocalBroker

JOB = Path(__file__).resolve().parent / "kafka_to_parquet.py"
PARTITIONS = 4


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py demo", description="Kafka to Parquet, from nothing.")
    parser.add_argument(
        "--servers", metavar="HOST:PORT", help="use this Kafka; without it a broker is started"
    )
    parser.add_argument("--messages", type=int, default=10_000, metavar="N", help="how many events to write")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the Parquet files in this folder")
    options = parser.parse_args()
    if options.messages < 1:
        parser.error("--messages must be 1 or more")
    if options.keep is not None and options.keep.exists() and any(options.keep.iterdir()):
        parser.error(f"--keep {options.keep}: the folder is not empty, and its files would be counted too")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # So that `finally` runs.
    try:
        with folder(options.keep) as out, kafka(options.servers) as (servers, topic):
            print(f"Writing {options.messages:,} events into the topic {topic} ...", flush=True)
            load_topic(servers, topic, options.messages, PARTITIONS)
            run_job(servers, topic, out)
            show(out)
            if options.keep is not None:
                print(f"\nThe files are in {out}")
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 128 + signal.SIGINT
    except subprocess.CalledProcessError as e:
        print(f"The job failed with exit status {e.returncode}.", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def folder(keep: Path | None) -> Iterator[Path]:
    """Where the Parquet files go: a folder that stays, or one that is removed."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.resolve()
        return
    made = Path(tempfile.mkdtemp(prefix="raystreaming-demo-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def kafka(servers: str | None) -> Iterator[tuple[str, str]]:
    """The address of a Kafka, and a topic that nothing else uses."""
    if servers is None:
        print("Starting a Kafka broker (the first time, Maven fetches it: about 44 MB) ...", flush=True)
        with LocalBroker() as broker:
            yield broker.servers, "events"
        return
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})
    try:
        admin.list_topics(timeout=10)
    except KafkaException:
        sys.exit(f"No Kafka answers at {servers}.")
    topic = f"raystreaming-demo-{uuid.uuid4().hex[:8]}"
    try:
        yield servers, topic
    finally:
        for deleted in admin.delete_topics([topic], operation_timeout=10).values():
            with contextlib.suppress(Exception):
                deleted.result(timeout=15)


def run_job(servers: str, topic: str, out: Path) -> None:
    """`raystreaming run kafka_to_parquet.py`, told by its environment where to read and write."""
    command = [str(Path(sys.executable).parent / "raystreaming"), "run", str(JOB)]
    print(f"Running raystreaming run {os.path.relpath(JOB)} ...\n", flush=True)
    env = {**os.environ, "KAFKA_SERVERS": servers, "KAFKA_TOPIC": topic, "OUTPUT": str(out / "events")}
    began = time.monotonic()
    # A group of its own: Ctrl-C in the terminal comes here, and whatever the job started can be ended.
    job = subprocess.Popen(command, env=env, cwd=out, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        job.wait()
    finally:
        end_group(job)
    if job.returncode != 0:
        raise subprocess.CalledProcessError(job.returncode, command)
    print(f"\nThe job took {time.monotonic() - began:.1f} s.")


def end_group(job: subprocess.Popen[bytes]) -> None:
    """Ends the job and whatever it started: by Ctrl-C's signal, and by force five seconds later."""
    if job.poll() is None:
        job.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            job.wait(timeout=5)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
    job.wait()


def show(out: Path) -> None:
    """Prints what any Parquet reader sees."""
    data = ds.dataset(out / "events", format="parquet", partitioning="hive")
    files = [os.path.relpath(f, out) for f in data.files]
    if not files:
        sys.exit("The job wrote no Parquet file.")
    table = data.to_table()
    print(f"\n{table.num_rows:,} rows in {len(files)} Parquet file(s), such as {files[0]}:\n")
    print_rows(table.slice(0, 5))
    if "event_type" in table.column_names:
        counts = table.group_by("event_type").aggregate([([], "count_all")]).sort_by("event_type")
        print()
        print_rows(counts.rename_columns(["event_type", "rows"]))


def print_rows(table: pa.Table) -> None:
    """Prints rows as aligned columns."""
    lines = [table.column_names, *([str(v) for v in row.values()] for row in table.to_pylist())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
