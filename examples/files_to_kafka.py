"""Files to Kafka, at least once.

Reads JSON lines from every file of a folder and writes the purchases to a topic, keyed by user, so that
those of one user stay in order in one partition. Run it with `raystreaming run examples/files_to_kafka.py`.
Kill it at any moment and run the same command again: none is missing, and at most what came after the last
checkpoint is there twice.
"""

import os

from raystreaming import StreamingContext

ctx = StreamingContext(checkpoint_dir="state", checkpoint_interval="1s")
(
    ctx.read_files(os.environ.get("INPUT", "in"), format="jsonl")
    .filter(lambda e: e["event_type"] == "purchase")
    .write_kafka(
        servers=os.environ.get("KAFKA_SERVERS", "127.0.0.1:9092"),
        topic=os.environ.get("KAFKA_TOPIC", "purchases"),
        format="json",
        key="user_id",
    )
)
ctx.execute("files-to-kafka")
