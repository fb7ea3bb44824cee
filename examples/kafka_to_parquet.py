"""Kafka to Parquet, exactly once.

Reads JSON events from a Kafka topic, drops the views, and writes the others to Parquet files in folders by
event type. Run it with `raystreaming run examples/kafka_to_parquet.py`. Kill it at any moment and run the
same command again: the rows are exactly the filtered events, each once.
"""

import os

from raystreaming import StreamingContext

ctx = StreamingContext(checkpoint_dir="state", checkpoint_interval="5s")
(
    ctx.read_kafka(
        servers=os.environ.get("KAFKA_SERVERS", "127.0.0.1:9092"),
        topics=[os.environ.get("KAFKA_TOPIC", "events")],
        group="demo",
        start="earliest",
        stop="latest",
        format="json",
    )
    .filter(lambda e: e["event_type"] != "view")
    .write_files(
        os.environ.get("OUTPUT", "out"), format="parquet", partition_by=["event_type"], roll_rows=250_000
    )
)
ctx.execute("events-to-parquet")
