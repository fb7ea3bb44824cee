"""The jobs that are killed, and meet faults: `python killed_program.py NAME FOLDER`.

Slow on purpose, so that a kill hits a running job: RATE records a second.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from raystreaming import StreamingContext
from raystreaming_test_support.everywhere import describe
from raystreaming_test_support.file_formats import COMPRESSED, LASTING_ROWS

name, folder = sys.argv[1], Path(sys.argv[2])
rate = float(os.environ.get("RATE", "20000"))
seen = 0


def watched() -> None:
    """Note when the first record comes, and whether this run goes on; slow the job down."""
    global seen
    if seen == 0:
        with open(folder / "starts.txt", "a") as report:
            report.write(f"{time.time() - float(os.environ['STARTED'])} {os.environ['GOES_ON']}\n")
    seen += 1
    if seen % 100 == 0:
        time.sleep(100 / rate)


def no_view(event: dict[str, Any]) -> bool:
    watched()
    return bool(event["event_type"] != "view")


def no_view_line(line: str) -> bool:
    return no_view(json.loads(line))


def noted(line: str) -> str:
    watched()
    return line


def keyed(n: int) -> dict[str, int]:
    watched()
    return {"key": n % 7, "n": 1}


def add(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {"key": a["key"], "n": a["n"] + b["n"]}


def number(n: int) -> int:
    watched()
    return n


java: dict[str, Any] = {}
if name in ("java", "everywhere"):
    java = {"java_classpath": [os.environ["CLASSES"]], "java_memory": "128MB"}
ctx = StreamingContext(
    checkpoint_dir=folder / "state", checkpoint_interval=os.environ.get("INTERVAL", "200ms"), **java
)
if name == "kafka":
    (
        ctx.read_kafka(
            servers=os.environ["SERVERS"],
            topics=[os.environ["TOPIC"]],
            stop="latest",
            format="json",
            prefetch_memory=os.environ.get("PREFETCH", "128MB"),
        )
        .filter(no_view)
        .write_files(folder / "out", format="parquet", partition_by=["event_type"])
    )
elif name == "files":
    (
        ctx.read_files(folder / "in", format="jsonl")
        .set_parallelism(2)
        .filter(no_view)
        .write_files(folder / "out", format="parquet", roll_rows=1_000)
    )
elif name == "formats":
    for format, compression in COMPRESSED.items():
        (
            ctx.read_files(folder / "in" / format, format=format)
            .filter(no_view_line if format == "text" else no_view)
            .write_files(folder / "out" / format, format=format, compression=compression, roll_rows=1_000)
        )
elif name == "lasting":  # files that go on over checkpoints, and end by their rows
    for format, compression, tasks in (("parquet", None, 2), ("jsonl", "gzip", 1)):
        (
            ctx.read_files(folder / "in", format="jsonl")
            .set_parallelism(tasks)
            .filter(no_view)
            .write_files(
                folder / "out" / format,
                format=format,
                compression=compression,
                partition_by=["event_type"],
                roll_rows=LASTING_ROWS,
                roll_across_checkpoints=True,
            )
        )
elif name == "s3":
    options = json.loads(os.environ["S3_OPTIONS"])
    (
        ctx.read_files(f"{os.environ['BUCKET']}/in", format="jsonl", storage_options=options)
        .set_parallelism(2)
        .filter(no_view)
        .write_files(f"{os.environ['BUCKET']}/out", storage_options=options, partition_by=["event_type"])
    )
elif name == "collection":
    (
        ctx.from_collection(range(int(os.environ["COUNT"])))
        .map(keyed)
        .key_by(lambda r: r["key"])
        .reduce(add)
        .set_parallelism(2)
        .write_files(folder / "out", format="jsonl")
    )
elif name == "java":  # positions, state by key and a sink with two phases, all of them in Java
    (
        ctx.read_hadoop(folder / "in", split_bytes=30_000)
        .set_parallelism(2)
        .map(noted)
        .as_java_stream()
        .map("Counted$Number")
        .key_by("Counted$Remainder")
        .process("Counted$Count")
        .as_python_stream()
        .write_hadoop(folder / "out")
    )
elif name == "everywhere":
    describe(ctx, folder, int(os.environ["COUNT"]), batch=25, watched=number)
ctx.execute(name)
