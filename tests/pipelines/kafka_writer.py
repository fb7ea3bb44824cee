"""The job that tests/pipelines/test_kafka_kill.py kills: `python kafka_writer.py FOLDER`, files to Kafka."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from raystreaming import StreamingContext

folder = Path(sys.argv[1])
last = int(os.environ["COUNT"]) * 0.9
seen = 0


def watched(event: dict[str, Any]) -> dict[str, Any]:
    """Note the first event of this run, and slow the job down so that a kill hits it.

    It is not at its end before the test says so: the last events come one by one until then.
    """
    global seen
    if seen == 0:
        with open(folder / "starts.txt", "a") as starts:
            starts.write(f"{event['seq']}\n")
    seen += 1
    if seen % 100 == 0 or (event["seq"] > last and not (folder / "released").exists()):
        time.sleep(0.02)
    return event


ctx = StreamingContext(checkpoint_dir=folder / "state", checkpoint_interval="200ms")
(
    ctx.read_files(folder / "in", format="jsonl")
    .map(watched)
    .write_kafka(
        servers=os.environ["SERVERS"],
        topic=os.environ["TOPIC"],
        format="json",
        key="user_id",
        # Longer than from one checkpoint to the next: what arrives in time was flushed, not sent by chance.
        client_options={"linger.ms": 10_000},
    )
)
ctx.execute("kafka-writer")
